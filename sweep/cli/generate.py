"""``sweep generate EXPORT``: pictures of an exported generator, made of latents or of pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from click.core import ParameterSource

from ganlib.errors import RequestError, WorkError
from sweep.cli import translating

if TYPE_CHECKING:
    from PIL.Image import Image

    from ganlib.export.generator import LoadedGenerator
    from ganlib.models.styles.generator import Layers, StyleGenerator

MOVING = (".gif", ".mp4")
STEPS = {".png": 8, ".gif": 24, ".mp4": 24}
"""Pictures from one latent of a walk to the next."""
LAYERS = ("coarse", "middle", "fine")
SHEET, FOLDER = "generated.png", "generated"
"""Where pictures are written by default."""
OF_LATENTS = ("count", "seed", "interpolate", "truncation", "mix", "class_")
OF_TRANSLATIONS = ("back", "size")


@click.command(name="generate")
@click.argument("export", type=click.Path(path_type=Path))
@click.option(
    "--count", type=click.IntRange(min=1, max=100_000), help="How many [default: 64; walks 4, --mix 6]."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of the latents."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=f"A .png sheet, a folder for single PNGs, or with --interpolate a .gif or .mp4 [default: {SHEET}]; with "
    f"--input a folder [default: {FOLDER}].",
)
@click.option(
    "--interpolate",
    type=click.IntRange(min=2, max=1000),
    metavar="K",
    help="Walk through K latents: a moving picture, or in a .png one row a walk.",
)
@click.option(
    "--truncation",
    type=click.FloatRange(0, 2),
    default=1.0,
    show_default=True,
    help="Of styles: below 1 more typical.",
)
@click.option(
    "--mix", type=click.Choice(LAYERS), help="Mix styles: rows give these layers, columns the rest."
)
@click.option(
    "--class",
    "class_",
    metavar="NAME",
    help="The class of the pictures, where the generator was trained with labels  [default: as in the data].",
)
@click.option(
    "--input",
    "source",
    type=click.Path(path_type=Path),
    help="Pictures to translate: a folder, read at any depth, or a file.",
)
@click.option("--back", is_flag=True, help="With --input: turn drawings into photographs.")
@click.option(
    "--size",
    type=click.IntRange(min=8, max=8192),
    metavar="PIXELS",
    help="With --input: scale pictures to this shorter side first.",
)
@click.pass_context
def command(
    context: click.Context,
    export: Path,
    count: int | None,
    seed: int,
    out: Path | None,
    interpolate: int | None,
    truncation: float,
    mix: str | None,
    class_: str | None,
    source: Path | None,
    back: bool,
    size: int | None,
) -> None:
    """Make pictures with the generator in the folder EXPORT, which 'sweep best --export' wrote.

    The same seed gives the same pictures, and fewer of them are the first of more. Those with transparency
    are written with it; in moving pictures they are laid on grey checks. --truncation and --mix are for generators
    with styles (StyleGAN).

    A generator that was trained with labels makes pictures of its classes as often as the data has them, or of one
    --class; a walk stays within a class. Without --class and --count, a .png sheet has a row for each class.

    Generators that translate (CycleGAN, CartoonGAN) turn the pictures of --input into drawings, and with --back
    drawings into photographs. Each is written into the folder --out as a PNG of its name and size, upright and
    with its transparency; a.jpg beside a.png gives a.jpg.png and a.png.png. Pictures that an earlier call wrote there
    are replaced, and no other file. They look best near the size of training: --size scales them.
    """
    _check_together(context, source)
    if source is not None:
        out = out or Path(FOLDER)
        translating.check_folder(out)
    else:
        out = out or Path(SHEET)
        _check(out, interpolate, mix)
    from sweep.mistaken import instead_of_export

    if (instead := instead_of_export(export)) is not None:
        raise RequestError(instead)
    from ganlib.export.generator import LoadedTranslator, load_generator

    generator = load_generator(export)
    family = generator.config.model.family
    if isinstance(generator, LoadedTranslator):
        if source is None:
            raise RequestError(f"a {family} translates pictures: say which, with --input FOLDER")
        translating.translate(generator, source, out, back, size)
    elif source is not None:
        raise RequestError(f"--input is for generators that translate; a {family} makes pictures of latents")
    else:
        _make(generator, out, count, seed, interpolate, truncation, mix, class_)
    click.echo(out)


def _make(
    g: "LoadedGenerator",
    out: Path,
    count: int | None,
    seed: int,
    interpolate: int | None,
    truncation: float,
    mix: str | None,
    label: str | None,
) -> None:
    """Make pictures of latents, of one class or of all."""
    if label is not None:
        _check_class(g, label)
    if truncation != 1:
        g.check_styles("--truncation")
    if mix is not None:
        g.check_styles("--mix")
        _mixed(g, cast("Layers", mix), count or 6, seed, truncation, out, label)
    elif interpolate is not None:
        _walk(g, interpolate, count or 4, seed, truncation, out, label)
    elif out.suffix.lower() == ".png" and g.classes and label is None and count is None:
        _rows(g, seed, truncation, out)
    elif out.suffix.lower() == ".png":
        from ganlib.export.walks import sheet_of

        _save(sheet_of(g.sample(count or 64, seed, truncation, classes=label), transparent=True), out)
    else:
        _folder(g, count or 64, seed, truncation, out, label)


def _check_class(g: "LoadedGenerator", label: str) -> None:
    """Refuse a class that the generator does not know.

    Raises:
        RequestError: naming those that it knows.
    """
    from ganlib.registry import UnknownNameError, check_name

    if not g.classes:
        raise RequestError(
            "--class: this generator was trained without labels (data.labels), and knows no classes"
        )
    try:
        check_name("class", label, g.classes)
    except UnknownNameError as error:
        raise RequestError(f"--class: {error}") from None


def _rows(g: "LoadedGenerator", seed: int, truncation: float, out: Path) -> None:
    """Write a sheet with a row for each class, from the same latents."""
    import numpy as np

    from ganlib.export.walks import sheet_of
    from ganlib.models.sheets import COLUMNS

    latents = g.latents(COLUMNS, seed)
    pictures = np.concatenate([g(latents, name, truncation) for name in g.classes])
    _save(sheet_of(pictures, cols=COLUMNS, transparent=True), out)


def _check_together(context: click.Context, source: Path | None) -> None:
    """Refuse options of latents beside those of translations."""
    given = [
        f"--{name.rstrip('_')}"
        for name in (OF_LATENTS if source is not None else OF_TRANSLATIONS)
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    ]
    if not given:
        return
    names, verb = ", ".join(given), "are" if len(given) > 1 else "is"
    if source is not None:
        raise RequestError(f"{names} {verb} for pictures that are made of latents; leave out, with --input")
    raise RequestError(f"{names} {verb} for pictures that are translated; say which, with --input FOLDER")


def _check(out: Path, interpolate: int | None, mix: str | None) -> None:
    """Refuse what does not go together, before anything is loaded."""
    suffix = out.suffix.lower()
    if suffix not in ("", ".png", *MOVING):
        raise RequestError(f"--out: '{out}' must end in .png, .gif or .mp4, or be a folder")
    if suffix in MOVING and interpolate is None:
        raise RequestError(
            f"--out: a {suffix} shows a walk between latents; say through how many: --interpolate 4"
        )
    if interpolate is not None and mix is not None:
        raise RequestError("--interpolate and --mix are two different pictures; give one of them")
    if (interpolate is not None or mix is not None) and not suffix:
        raise RequestError("--out: give a file (.png; .gif or .mp4 with --interpolate), not a folder")
    if mix is not None and suffix != ".png":
        raise RequestError("--out: mixed styles are one sheet; give a .png")
    if suffix and (out.is_dir() or not out.parent.is_dir()):
        raise RequestError(
            f"--out: there is no folder '{out.parent}'" if not out.is_dir() else f"'{out}' is a folder"
        )
    from ganlib import written

    if suffix:
        written.check([out])
    elif others := written.foreign(out):
        raise RequestError(
            f"--out: the folder '{out}' holds {len(others)} files that 'sweep generate' did not write, such as "
            f"'{others[0]}': choose a new folder, so that its pictures are one set"
        )
    if suffix == ".mp4":
        from ganlib.export.walks import ffmpeg

        ffmpeg()


def _walk(
    g: "LoadedGenerator", keys: int, count: int, seed: int, truncation: float, out: Path, label: str | None
) -> None:
    """Write walks, each through latents of one class."""
    import numpy as np
    import torch

    from ganlib.export.walks import save_gif, save_mp4, sheet_of, walk

    suffix = out.suffix.lower()
    latents = g.latents(count * keys, seed).unflatten(0, (count, keys)).transpose(0, 1)
    frames = walk(latents, STEPS[suffix], closed=suffix in MOVING)
    # A class is no place on the way: it is that of the walk's first latent, in every frame.
    frames = torch.stack([g.given(frame, label) for frame in frames])
    if suffix == ".png":
        pictures = g.pictures(frames.transpose(0, 1).flatten(0, 1), truncation)
        _save(sheet_of(pictures, cols=len(frames), transparent=True), out)
        return
    pictures = np.stack([g.pictures(frame, truncation) for frame in frames])
    (save_gif if suffix == ".gif" else save_mp4)(out, [sheet_of(frame) for frame in pictures])


def _mixed(
    g: "LoadedGenerator",
    layers: "Layers",
    count: int,
    seed: int,
    truncation: float,
    out: Path,
    label: str | None,
) -> None:
    from ganlib.data.alpha import to_uint8
    from ganlib.export.walks import sheet_of
    from ganlib.models.styles.generator import mix_grid

    # In turn, so that more rows and columns do not change the first ones.
    latents = g.given(g.latents(2 * count, seed), label).to(g.device)
    sources, destinations = latents[0::2], latents[1::2]
    network = cast("StyleGenerator", g.network)
    pictures = mix_grid(network, sources, destinations, layers, truncation).flatten(0, 1)
    levels = to_uint8(pictures).permute(0, 2, 3, 1).cpu().numpy()
    _save(sheet_of(levels, cols=1 + count, transparent=True), out)


def _folder(
    g: "LoadedGenerator", count: int, seed: int, truncation: float, out: Path, label: str | None
) -> None:
    """Write single pictures in the place of those of an earlier call: both would be taken for one set."""
    from ganlib import written
    from ganlib.data.sheet import image_of

    try:
        out.mkdir(parents=True, exist_ok=True)
        written.clear(out)
        digits = max(5, len(str(count - 1)))
        done = 0
        for part in g.given(g.latents(count, seed), label).split(256):
            pictures = [_png(image_of(picture)) for picture in g.pictures(part, truncation)]
            names = (f"{done + index:0{digits}d}.png" for index in range(len(pictures)))
            written.write_all(out, dict(zip(names, pictures, strict=True)), written.PICTURES, filled=True)
            done += len(pictures)
    except OSError as error:
        raise WorkError(f"could not write the pictures to {out}: {error.strerror or error}") from None


def _save(sheet: "Image", out: Path) -> None:
    from ganlib import written

    try:
        written.write(out, _png(sheet))
    except OSError as error:
        raise WorkError(f"could not write {out}: {error.strerror or error}") from None


def _png(picture: "Image") -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
