"""Pictures of latents: a sheet, single files, walks, mixed styles; of one class or of all."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ganlib import written
from ganlib.errors import RequestError, WorkError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganlib.export.generator import LoadedGenerator
    from ganlib.models.styles.generator import Layers, StyleGenerator

MOVING = (".gif", ".mp4")
STEPS = {".png": 8, ".gif": 24, ".mp4": 24}
"""Pictures from one latent of a walk to the next."""
SHEET, WALKS, MIXED = 64, 4, 6
"""How many of each by default."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Args:
        out: A .png, .gif or .mp4, or a folder.
        count: How many; None for the default of its kind.
        seed: Of the latents.
        truncation: Of styles: below 1 more typical.
        label: The name of a class; None for all, as often as in the data.
        walk: Through how many latents a walk goes; None for none.
        mix: Which layers the rows of mixed styles give; None for no mixing.
    """

    out: Path
    count: int | None = None
    seed: int = 0
    truncation: float = 1.0
    label: str | None = None
    walk: int | None = None
    mix: "Layers | None" = None

    @property
    def suffix(self) -> str:
        """Of ``out``; empty for a folder, also for one with a dot in its name that is there."""
        suffix = self.out.suffix.lower()
        return "" if suffix not in (".png", *MOVING) and self.out.is_dir() else suffix


def check(wanted: Wanted) -> None:
    """Refuse what does not go together, before anything is loaded.

    Raises:
        RequestError: what, and what would go.
    """
    out, suffix = wanted.out, wanted.suffix
    if suffix not in ("", ".png", *MOVING):
        raise RequestError(f"--out: '{out}' must end in .png, .gif or .mp4, or be a folder")
    if suffix in MOVING and wanted.walk is None:
        raise RequestError(
            f"--out: a {suffix} shows a walk between latents; say through how many: --interpolate 4"
        )
    if wanted.walk is not None and wanted.mix is not None:
        raise RequestError("--interpolate and --mix are two different pictures; give one of them")
    if (wanted.walk is not None or wanted.mix is not None) and not suffix:
        raise RequestError("--out: give a file (.png; .gif or .mp4 with --interpolate), not a folder")
    if wanted.mix is not None and suffix != ".png":
        raise RequestError("--out: mixed styles are one sheet; give a .png")
    if suffix:
        written.check_file(out, "--out")
    else:
        written.check_folder(out, "--out")
    if not suffix and (others := written.foreign(out)):
        raise RequestError(
            f"--out: the folder '{out}' holds {len(others)} files that 'sweep generate' did not write, such as "
            f"'{others[0]}': choose a new folder, so that its pictures are one set"
        )
    if suffix == ".mp4":
        from ganlib.export.moving import ffmpeg

        ffmpeg()


def make(g: "LoadedGenerator", wanted: Wanted) -> None:
    """Make the pictures, and write them.

    Raises:
        RequestError: if the generator has no styles to truncate or mix, or no such class.
        WorkError: if they cannot be written.
    """
    if wanted.label is not None:
        _check_class(g, wanted.label)
    if wanted.truncation != 1:
        g.check_styles("--truncation")
    if wanted.mix is not None:
        g.check_styles("--mix")
        _mixed(g, wanted, wanted.mix)
    elif wanted.walk is not None:
        _walk(g, wanted, wanted.walk)
    elif not wanted.suffix:
        _folder(g, wanted)
    elif g.classes and wanted.label is None and wanted.count is None:
        _rows(g, wanted)
    else:
        pictures = g.sample(wanted.count or SHEET, wanted.seed, wanted.truncation, classes=wanted.label)
        _save(pictures, wanted.out)


def _check_class(g: "LoadedGenerator", label: str) -> None:
    """Refuse a class that the generator does not know.

    Raises:
        RequestError: naming those that it knows.
    """
    from ganlib.data.listing import matched
    from ganlib.registry import UnknownNameError, check_name

    if not g.classes:
        raise RequestError(
            "--class: this generator was trained without labels (data.labels), and knows no classes"
        )
    try:
        check_name("class", matched([label], g.classes)[0], g.classes)
    except UnknownNameError as error:
        raise RequestError(f"--class: {error}") from None


def _rows(g: "LoadedGenerator", wanted: Wanted) -> None:
    """Write a sheet with a row for each class, from the same latents."""
    import numpy as np

    from ganlib.models.sheets import COLUMNS

    latents = g.latents(COLUMNS, wanted.seed)
    pictures = np.concatenate([g(latents, name, wanted.truncation) for name in g.classes])
    _save(pictures, wanted.out, COLUMNS)


def _walk(g: "LoadedGenerator", wanted: Wanted, keys: int) -> None:
    """Write walks, each through latents of one class."""
    import numpy as np
    import torch

    from ganlib.export.moving import save
    from ganlib.export.walks import sheet_of, walk

    count = wanted.count or WALKS
    latents = g.latents(count * keys, wanted.seed).unflatten(0, (count, keys)).transpose(0, 1)
    frames = walk(latents, STEPS[wanted.suffix], closed=wanted.suffix in MOVING)
    # A class is no place on the way: it is that of the walk's first latent, in every frame.
    frames = torch.stack([g.given(frame, wanted.label) for frame in frames])
    if wanted.suffix == ".png":
        pictures = g.pictures(frames.transpose(0, 1).flatten(0, 1), wanted.truncation)
        _save(pictures, wanted.out, len(frames))
        return
    shown = np.stack([g.pictures(frame, wanted.truncation) for frame in frames])
    save(wanted.out, [sheet_of(frame) for frame in shown])


def _mixed(g: "LoadedGenerator", wanted: Wanted, layers: "Layers") -> None:
    """Write a sheet whose rows give some layers of the styles, and whose columns give the others."""
    from ganlib.data.alpha import to_uint8
    from ganlib.models.styles.generator import mix_grid

    count = wanted.count or MIXED
    # In turn, so that more rows and columns do not change the first ones.
    latents = g.given(g.latents(2 * count, wanted.seed), wanted.label).to(g.device)
    sources, destinations = latents[0::2], latents[1::2]
    network = cast("StyleGenerator", g.network)
    pictures = mix_grid(network, sources, destinations, layers, wanted.truncation).flatten(0, 1)
    _save(to_uint8(pictures).permute(0, 2, 3, 1).cpu().numpy(), wanted.out, 1 + count)


def _folder(g: "LoadedGenerator", wanted: Wanted) -> None:
    """Write single pictures in the place of those of an earlier call: both would be taken for one set."""
    from ganlib.data.sheet import image_of, png

    count, out = wanted.count or SHEET, wanted.out
    digits = max(5, len(str(count - 1)))
    try:
        out.mkdir(parents=True, exist_ok=True)
        written.clear(out)
        done = 0
        for part in g.given(g.latents(count, wanted.seed), wanted.label).split(256):
            pictures = [png(image_of(picture)) for picture in g.pictures(part, wanted.truncation)]
            names = (f"{done + index:0{digits}d}.png" for index in range(len(pictures)))
            written.write_all(out, dict(zip(names, pictures, strict=True)), written.PICTURES, filled=True)
            done += len(pictures)
    except OSError as error:
        raise WorkError(f"could not write the pictures to {out}: {error.strerror or error}") from None


def _save(pictures: "NDArray[np.uint8]", out: Path, cols: int | None = None) -> None:
    """Write pictures as one sheet, with their transparency; as square as can be by default."""
    from ganlib.data.sheet import png
    from ganlib.export.walks import sheet_of

    try:
        written.write(out, png(sheet_of(pictures, cols=cols, transparent=True)))
    except OSError as error:
        raise WorkError(f"could not write {out}: {error.strerror or error}") from None
