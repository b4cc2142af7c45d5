"""Illustrated faces drawn by DiceBear (https://www.dicebear.com), a set of pictures that needs no download.

Picture i of a set depends on the style, the seed and i alone, so a set of 100 is the beginning of a set of
200.
"""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganlib.data.canvas import Background, flatten, pixels
from ganlib.data.decode import Picture, Preparation
from ganlib.errors import RequestError, WorkError
from ganlib.registry import did_you_mean

# They write letters with the fonts of the machine, so that a picture would not depend on its seed alone.
_NEEDS_FONTS = frozenset({"initial-face", "initials"})


@lru_cache(1)
def styles() -> tuple[str, ...]:
    """List the names of the avatar styles, sorted."""
    names = (
        entry.name.removesuffix(".json")
        for entry in files("dicebear_styles").iterdir()
        if entry.name.endswith(".json")
    )
    return tuple(sorted(set(names) - _NEEDS_FONTS))


def check_style(name: str, section: str = "data") -> str:
    """Return ``name`` if there is such a style.

    Raises:
        RequestError: listing the choices and the nearest one.
    """
    if name not in styles():
        why = " (it needs the fonts of the machine, which differ)" if name in _NEEDS_FONTS else ""
        raise RequestError(
            f"{section}.style: unknown avatar style '{name}'{why}{did_you_mean(name, list(styles()))}"
            f" (choices: {', '.join(styles())})"
        )
    return name


@dataclass(frozen=True)
class AvatarChunk:
    """Pictures ``start`` to ``stop`` of an avatar set: what a worker is asked to draw."""

    style: str
    seed: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def pictures(self, how: Preparation) -> Iterator[Picture | str]:
        """Yield every face; how to resize and to crop means nothing to what is drawn as a square of its size."""
        assert how.size is not None
        for index in range(self.start, self.stop):
            yield Picture(draw(self.style, self.seed, index, how.size, how.background, grey=how.grey))


def components(style: str) -> tuple[str, ...]:
    """List the names of the parts that faces of a style are made of, such as ``eyes``."""
    return tuple(json.loads(_definition_bytes(style))["components"])


def draw(
    style: str,
    seed: int,
    index: int,
    size: int,
    background: Background,
    without: str | None = None,
    grey: bool = False,
) -> NDArray[np.uint8]:
    """Draw one face, if asked to ``without`` one of its `components`; all else stays as it is.

    Returns:
        uint8, shape (size, size, 3), RGB; ``grey`` (size, size, 1); without a background (size, size, 4), RGBA.

    Raises:
        WorkError: when the renderer fails on what the style made.
    """
    import resvg_py
    from dicebear import Avatar

    try:
        options: dict[str, Any] = {"seed": f"{seed}-{index}", "size": size}
        if without is not None:
            options[f"{without}Probability"] = 0
        svg = str(Avatar(_style(style), options))
        png = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            return pixels(flatten(image, background, grey))
    except (ValueError, RuntimeError, OSError) as error:
        raise WorkError(
            f"avatar {index} of style '{style}', seed {seed}, cannot be drawn: {error}"
        ) from error


def recipe(style: str) -> dict[str, str]:
    """Name what the pixels of a style depend on beside seed, index, size and background."""
    return {
        "style": style,
        "definition": hashlib.sha256(_definition_bytes(style)).hexdigest(),
        "dicebear": metadata.version("dicebear-core"),
        "resvg": metadata.version("resvg-py"),
    }


def attribution(style: str) -> str:
    """Say who made a style and under which licence it may be used, in one line with the addresses."""
    meta: dict[str, dict[str, str]] = json.loads(_definition_bytes(style))["meta"]
    title, creator, licence = (_linked(meta.get(part, {})) for part in ("source", "creator", "license"))
    return (
        f"Avatar style '{style}': \"{title[0]}\"{title[1]} by {creator[0]}{creator[1]},"
        f" licensed under {licence[0]}{licence[1]}; adapted by DiceBear (https://www.dicebear.com)"
    )


def _linked(part: dict[str, str]) -> tuple[str, str]:
    return part.get("name", "unknown"), f" ({part['url']})" if part.get("url") else ""


def _definition_bytes(style: str) -> bytes:
    return files("dicebear_styles").joinpath(f"{style}.json").read_bytes()


@lru_cache(4)
def _style(name: str) -> Any:  # noqa: ANN401 - DiceBear is imported only where faces are drawn
    from dicebear import Style

    return Style(json.loads(_definition_bytes(name)))
