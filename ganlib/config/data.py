"""The sections ``data`` and ``photos``: which pictures, and how they are prepared."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from ganlib.config.section import Section, default
from ganlib.names import TRANSPARENT

AVATARS = "avatars"
"""The source that is not a folder; a folder of this name is written ``./avatars``."""
AVATAR_COUNT = 20_000
"""How many avatars are drawn by default."""


class PictureSource(Section):
    """A source of pictures, and how they are brought to squares of one size."""

    source: str | list[str] = "avatars"
    """A folder of picture files, read at any depth, a bucket (``s3://bucket/prefix``, see
    [pictures.md](pictures.md#pictures-in-a-bucket)), or
    ``avatars``, illustrated faces that are drawn (DiceBear), or a list of those."""
    style: str | list[str] = "adventurer"
    """Style of the avatars (an unknown one is refused with a list of all), or a list of styles, which share ``count``
    evenly; means nothing to folders."""
    count: int | None = Field(None, ge=1, le=1_000_000)
    """How many avatars are drawn (20,000 where none is given); where all sources are folders, how many of their files
    are taken, chosen by ``seed`` (null: all of them)."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Seed of the avatars, and of the choice of ``count`` files."""
    resize: Literal["antialias", "nearest"] = "antialias"
    """How files are brought to ``data.size``: by Lanczos' antialiased filter (Parmar 2022), or to the nearest pixel,
    which is for pixel art; see [sprites.md](sprites.md)."""
    channels: Literal[1, 3, 4] = 3
    """Channels of the pictures: 3, RGB; 1, grey (luma of Rec. 601); 4, RGBA, which keeps transparency. See
    [pictures.md](pictures.md) and [sprites.md](sprites.md)."""
    background: str = "white"
    """What shows through transparent pixels: an opaque colour by name or as ``#rrggbb``; ``transparent`` is what
    ``channels: 4`` means, and either brings the other."""
    crop: Literal["center", "top", "faces"] = "center"
    """Which square is taken of what is not square: ``center``, ``top`` (of portraits the upper end, of landscapes the
    centre), or ``faces``, around the largest face (``pip install 'sweep-gan[faces]'``), where none is found the centre;
    see [pictures.md](pictures.md)."""
    dedupe: bool = False
    """Keep one of each group of equal and nearly equal pictures, which ``sweep data`` lists; see
    [pictures.md](pictures.md)."""
    max_skipped: float = Field(0.05, ge=0, le=1)
    """Share of the files that may be unreadable before a sweep is refused."""

    @property
    def sources(self) -> list[str]:
        """List the sources, of which there may be one."""
        return [self.source] if isinstance(self.source, str) else self.source

    @property
    def styles(self) -> list[str]:
        """List the styles of the avatars, of which there may be one."""
        return [self.style] if isinstance(self.style, str) else self.style

    @model_validator(mode="before")
    @classmethod
    def _count_of_avatars(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was given
        if not isinstance(data, dict) or data.get("count") is not None:
            return data
        source = data.get("source", AVATARS)
        drawn = source == AVATARS or (isinstance(source, list) and AVATARS in source)
        return {**data, "count": AVATAR_COUNT} if drawn else data

    @model_validator(mode="before")
    @classmethod
    def _alpha_told_once(cls, data: Any) -> Any:  # noqa: ANN401 - whatever was given
        """Complete one of the two keys that keep alpha with the other."""
        if not isinstance(data, dict):
            return data
        background, channels = data.get("background"), data.get("channels")
        if channels is None and isinstance(background, str) and background.lower() == TRANSPARENT:
            return {**data, "channels": 4}
        if channels == 4 and background in (None, default(cls, "background")):
            return {**data, "background": TRANSPARENT}
        return data

    @model_validator(mode="after")
    def _alpha_agrees(self) -> "PictureSource":
        if (self.channels == 4) != (self.background.lower() == TRANSPARENT):
            raise ValueError(
                f"channels {self.channels} and background {self.background} contradict each other: with 4 channels "
                "nothing shows through, and with fewer something does; leave one of the two out"
            )
        return self

    @property
    def prepared(self) -> str:
        """Say in words how pictures are prepared, where it is not as usual; else the text is empty."""
        words = {
            "by nearest neighbour": self.resize == "nearest",
            "cropped at the top": self.crop == "top",
            "cropped to faces": self.crop == "faces",
            "with transparency": self.channels == 4,
            "in grey": self.channels == 1,
            "without duplicates": self.dedupe,
        }
        return ", ".join(word for word, so in words.items() if so)


class DataConfig(PictureSource):
    """Which pictures, and how they are prepared; of a translator (CycleGAN, CartoonGAN), the drawings."""

    section: ClassVar[str] = "data"
    """The section of the spec in which the keys stand, for error texts."""

    size: Literal[28, 32, 64, 128, 256] = 64
    """Side of the square pictures in pixels."""
    labels: str | None = None
    """The classes of the pictures, which a conditional GAN is told: ``folders``, the first sub-folders of each source
    and the styles of avatars, or a CSV file with the columns ``file`` and ``label``; see [labels.md](labels.md)."""


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
