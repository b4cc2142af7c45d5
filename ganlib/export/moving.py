"""Write many pictures into one file that moves: a GIF, a WebP or an MP4."""

import shutil
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.util import find_spec
from io import BytesIO
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from ganlib import written
from ganlib.disk import passing
from ganlib.errors import RequestError, WorkError

SUFFIXES = (".gif", ".webp", ".mp4")
FRAMES_PER_SECOND = 24
SMALLEST_SIDE = 256
"""Moving pictures smaller than this are enlarged by a whole factor."""
_WEBP_QUALITY = 85
_COLOURS = 255
"""Of a GIF's palette; Pillow needs the last one of 256 to leave away what stays from frame to frame."""


def save(
    path: Path, frames: Iterable[Image.Image], seconds: float = 1 / FRAMES_PER_SECOND, hold: float = 0.0
) -> None:
    """Write a moving picture of the kind that a file's suffix, one of `SUFFIXES`, says; GIF and WebP begin again.

    Args:
        path: The file.
        frames: At least one, all of one size.
        seconds: For how long each is shown; a GIF knows hundredths.
        hold: For how long the last one is shown beyond that, in seconds.

    Raises:
        RequestError: if a file is there that this software did not write (`ganlib.written`); for an MP4, if there is no
            ffmpeg.
        WorkError: if it cannot be written.
    """
    images = [_enlarged(frame) for frame in frames]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with passing(path) as temporary:
            if path.suffix.lower() == ".mp4":
                _save_mp4(temporary, images, seconds, hold)
            else:
                _write(temporary, path.suffix.lower().removeprefix(".").upper(), images, seconds, hold)
            written.adopt(temporary, path)
    except OSError as error:
        raise WorkError(f"could not write {path}: {error.strerror or error}") from None


def gif(frames: Iterable[Image.Image]) -> bytes:
    """Encode pictures of one size, at least one, as an endless GIF."""
    buffer = BytesIO()
    _write(buffer, "GIF", [_enlarged(frame) for frame in frames], 1 / FRAMES_PER_SECOND, 0.0)
    return buffer.getvalue()


def _write(
    file: Path | BytesIO, kind: str, images: Sequence[Image.Image], seconds: float, hold: float
) -> None:
    """Write an endless GIF or WebP."""
    how = {"quality": _WEBP_QUALITY} if kind == "WEBP" else {}
    durations = [round(1000 * seconds)] * (len(images) - 1) + [round(1000 * (seconds + hold))]
    images[0].save(
        file,
        kind,
        save_all=True,
        append_images=images[1:],
        duration=durations if len(images) > 1 else durations[0],
        loop=0,
        **how,
    )


def _save_mp4(path: Path, images: Sequence[Image.Image], seconds: float, hold: float) -> None:
    """Write an H.264 video, through the program ffmpeg; players want a rate that is not too low, so frames repeat.

    Raises:
        RequestError: if there is no ffmpeg.
        WorkError: if it fails.
    """
    first = _even(images[0])
    command = [ffmpeg(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{first.width}x{first.height}", "-r", f"{1 / seconds:.6f}", "-i", "-", "-an"]
    # The last frame is held at the video's own rate: at that of slow pictures a short time would be none.
    command += ["-vf", f"fps={FRAMES_PER_SECOND},tpad=stop_mode=clone:stop_duration={hold:.6f}"]
    command += ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p"]
    data = b"".join(np.asarray(_even(image).convert("RGB")).tobytes() for image in images)
    done = subprocess.run([*command, "-f", "mp4", str(path)], input=data, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise WorkError(
            f"ffmpeg could not write an MP4: {said[-1] if said else f'it ended with {done.returncode}'}"
        )


def ffmpeg() -> str:
    """Find the program ffmpeg: that of the package imageio-ffmpeg, or one on the PATH.

    Raises:
        RequestError: naming what to install.
    """
    if find_spec("imageio_ffmpeg"):
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    if found := shutil.which("ffmpeg"):
        return found
    raise RequestError("an MP4 needs ffmpeg: pip install 'sweep-gan[video]', or choose a .gif")


def in_few_colours(
    frames: Sequence[Image.Image], needed: Collection[tuple[int, int, int]] = ()
) -> list[Image.Image]:
    """Reduce all frames of a film to one palette, so that nothing flickers from frame to frame.

    Args:
        frames: RGB.
        needed: Colours that the palette has in any case; the others are made for the frames.

    Returns:
        The frames in mode ``P``.
    """
    made = _montage(frames).quantize(_COLOURS - len(needed), Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*made, *chain.from_iterable(needed)])
    places = {colour: len(made) // 3 + index for index, colour in enumerate(needed)}
    return [_reduced(frame, palette, places) for frame in frames]


def _reduced(
    frame: Image.Image, palette: Image.Image, places: Mapping[tuple[int, int, int], int]
) -> Image.Image:
    """Reduce a frame to a palette; Pillow looks colours up coarsely, so those with a place get it by themselves."""
    reduced = frame.quantize(palette=palette, dither=Image.Dither.NONE)
    codes = np.asarray(frame).astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    indices = np.asarray(reduced).copy()
    for (red, green, blue), place in places.items():
        indices[codes == (red << 16 | green << 8 | blue)] = place
    exact = Image.fromarray(indices, "P")
    exact.putpalette(palette.getpalette() or [])
    return exact


_SEEN = 16
"""Frames from which a palette is made, evenly spread."""


def _montage(frames: Sequence[Image.Image]) -> Image.Image:
    """Lay some frames below each other, every second pixel of them: a quarter of the work, and no colour is mixed."""
    step = max(1, len(frames) // _SEEN)
    some = [*frames[:-1:step], frames[-1]]
    return Image.fromarray(np.concatenate([np.asarray(frame)[::2, ::2] for frame in some]))


def _enlarged(image: Image.Image) -> Image.Image:
    factor = -(-SMALLEST_SIDE // min(image.size))
    size = (image.width * factor, image.height * factor)
    return image.resize(size, Image.Resampling.NEAREST) if factor > 1 else image


def _even(image: Image.Image) -> Image.Image:
    """Add a row or column where a side is odd: H.264 wants even sides."""
    size = (image.width + image.width % 2, image.height + image.height % 2)
    if size == image.size:
        return image
    fitted = Image.new("RGB", size, "white")
    fitted.paste(image)
    return fitted
