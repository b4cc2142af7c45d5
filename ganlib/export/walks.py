"""Walk through the latent space, and write many pictures into one file.

Between two latents one goes along the great circle (slerp; White 2016, https://arxiv.org/abs/1609.04468): on the
straight line lengths become unlikely ones, and pictures washed out.
"""

import io
import shutil
import subprocess
from collections.abc import Iterable
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganlib import written
from ganlib.data.sheet import grid
from ganlib.disk import passing
from ganlib.errors import RequestError, WorkError

FRAMES_PER_SECOND = 24
SMALLEST_SIDE = 256
"""Moving pictures smaller than this are enlarged by a whole factor."""


def slerp(first: Tensor, second: Tensor, share: float) -> Tensor:
    """Go a share of the way between two sets of latents ``(n, d)``, row by row: 0 is the first, 1 the second.

    The direction turns evenly and the length changes evenly.
    """
    lengths = first.norm(dim=1, keepdim=True), second.norm(dim=1, keepdim=True)
    units = [z / length.clamp_min(1e-12) for z, length in zip((first, second), lengths, strict=True)]
    angle = (units[0] * units[1]).sum(1, keepdim=True).clamp(-1, 1).acos()
    sine = angle.sin()
    flat = sine.abs() < 1e-6  # one direction: no circle to go along
    parts = [
        torch.where(flat, weight, (weight * angle).sin() / torch.where(flat, 1.0, sine))
        for weight in (torch.tensor(1 - share), torch.tensor(share))
    ]
    direction = parts[0] * units[0] + parts[1] * units[1]
    between: Tensor = direction * torch.lerp(*lengths, share)
    return between


def walk(keys: Tensor, steps: int, closed: bool) -> Tensor:
    """Make latents ``(frames, n, d)`` of n walks through keys ``(k, n, d)``, ``steps`` frames from one to the next.

    A closed walk goes on to its first key, which is not repeated; an open one ends with its last.
    """
    nexts = torch.roll(keys, -1, 0) if closed else keys[1:]
    legs = [
        slerp(start, end, step / steps)
        for start, end in zip(keys if closed else keys[:-1], nexts, strict=True)
        for step in range(steps)
    ]
    return torch.stack(legs if closed else [*legs, keys[-1]])


def sheet_of(pictures: np.ndarray, cols: int | None = None, transparent: bool = False) -> Image.Image:
    """Lay pictures ``(n, s, s, 3 or 4)`` on one sheet, as square as can be by default; see `ganlib.data.sheet.grid`."""
    return grid(pictures, cols or max(1, round(len(pictures) ** 0.5)), transparent)


def gif(frames: Iterable[Image.Image]) -> bytes:
    """Encode pictures of one size as an endless GIF."""
    images, buffer = [_enlarged(frame) for frame in frames], io.BytesIO()
    duration = round(1000 / FRAMES_PER_SECOND)
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=duration, loop=0)
    return buffer.getvalue()


def save_gif(path: Path, frames: Iterable[Image.Image]) -> None:
    """Write an endless GIF.

    Raises:
        RequestError: if a file is there that this software did not write (`ganlib.written`).
        WorkError: if it cannot be written.
    """
    try:
        written.write(path, gif(frames))
    except OSError as error:
        raise WorkError(f"could not write {path}: {error.strerror or error}") from None


def save_mp4(path: Path, frames: Iterable[Image.Image]) -> None:
    """Write an H.264 video, through the program ffmpeg.

    Raises:
        RequestError: if there is no ffmpeg, or a file is there that this software did not write (`ganlib.written`).
        WorkError: if it fails.
    """
    program = ffmpeg()
    frames = iter(frames)
    first = _even(_enlarged(next(frames)))
    command = [program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{first.width}x{first.height}", "-r", str(FRAMES_PER_SECOND), "-i", "-", "-an"]
    command += ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-f", "mp4"]
    images = chain([first], (_even(_enlarged(frame)) for frame in frames))
    data = b"".join(np.asarray(image.convert("RGB")).tobytes() for image in images)
    with passing(path) as temporary:
        done = subprocess.run([*command, str(temporary)], input=data, capture_output=True, check=False)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise WorkError(
                f"ffmpeg could not write {path}: {said[-1] if said else f'it ended with {done.returncode}'}"
            )
        written.adopt(temporary, path)


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
