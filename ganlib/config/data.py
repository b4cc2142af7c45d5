"""The sections ``data`` and ``photos``: which pictures, and how they are prepared."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from ganlib.config.section import Section
from ganlib.names import TRANSPARENT

AVATARS = "avatars"
"""The source that is not a folder; a folder of this name is written ``./avatars``."""
AVATAR_COUNT = 20_000
"""How many avatars are drawn by default."""


class PictureSource(Section):
    """A source of pictures, and how they are brought to squares of one size."""

    source: str | list[str] = "avatars"
    """A folder of picture files, read at any depth, or ``avatars``, illustrated faces that are drawn (DiceBear), or a
    list of those."""
    style: str = "adventurer"
    """Style of the avatars (an unknown one is refused with a list of all); means nothing to folders."""
    count: int | None = Field(None, ge=1, le=1_000_000)
    """How many avatars are drawn (20,000 where none is given); where all sources are folders, how many of their files
    are taken, chosen by ``seed`` (null: all of them)."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Seed of the avatars, and of the choice of ``count`` files."""
    resize: Literal["antialias", "nearest"] = "antialias"
    """How files are brought to ``data.size``: by Lanczos' antialiased filter (Parmar 2022), or to the nearest pixel,
    which is for pixel art; see [sprites.md](sprites.md)."""
    background: str = "white"
    """What shows through transparent pixels: an opaque colour by name or as ``#rrggbb``; ``transparent`` keeps alpha as
    a fourth channel, see [sprites.md](sprites.md)."""
    max_skipped: float = Field(0.05, ge=0, le=1)
    """Share of the files that may be unreadable before a sweep is refused."""

    @model_validator(mode="before")
    @classmethod
    def _count_of_avatars(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was given
        if not isinstance(data, dict) or data.get("count") is not None:
            return data
        source = data.get("source", AVATARS)
        drawn = source == AVATARS or (isinstance(source, list) and AVATARS in source)
        return {**data, "count": AVATAR_COUNT} if drawn else data

    @property
    def channels(self) -> Literal[3, 4]:
        """Count the channels of the pictures: RGB, or RGBA where the background is to stay transparent."""
        return 4 if self.background.lower() == TRANSPARENT else 3

    @property
    def prepared(self) -> str:
        """Say in words how pictures are prepared, where it is not as usual; else the text is empty."""
        words = ["by nearest neighbour"] if self.resize == "nearest" else []
        return ", ".join(words + (["with transparency"] if self.channels == 4 else []))


class DataConfig(PictureSource):
    """Which pictures, and how they are prepared; of a translator (CycleGAN, CartoonGAN), the drawings."""

    section: ClassVar[str] = "data"
    """The section of the spec in which the keys stand, for error texts."""

    size: Literal[28, 32, 64, 128, 256] = 64
    """Side of the square pictures in pixels."""


class _PreparedPhotos(DataConfig):
    section: ClassVar[str] = "photos"


class PhotosConfig(PictureSource):
    """Which pictures a translator (CycleGAN, CartoonGAN) is to turn into those of ``data``; only for its families."""

    source: str | list[str]
    """As ``data.source``: a folder of photographs, ``avatars``, or a list. Each side is prepared by itself, and one may
    have more pictures than the other."""

    landmarks: str | None = None
    """A Parquet file with points of each photograph, for ``train.landmark_weight``; see [landmarks](#landmarks)."""

    def at(self, size: Literal[28, 32, 64, 128, 256]) -> DataConfig:
        """Give the section as one of ``data``, for pictures of that side."""
        return _PreparedPhotos(**self.model_dump(exclude={"landmarks"}), size=size)
