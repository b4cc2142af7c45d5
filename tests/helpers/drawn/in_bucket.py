"""Pictures in a bucket."""

import io
from typing import Any

import numpy as np
from PIL import Image

from ganlib.config import DataConfig
from helpers.programs.fake_s3 import Bucket


def picture(seed: int, suffix: str = "png") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, suffix)
    return buffer.getvalue()


FILES = {
    **{f"cats/{index}.png": picture(index) for index in range(6)},
    **{f"dogs/deep/{index}.webp": picture(100 + index, "webp") for index in range(5)},
    "dogs/ein Hund & Ö#1.png": picture(7),
    "broken.png": b"no picture",
    "notes.txt": b"not one",
}


def url(bucket: Bucket, prefix: str = "pics") -> str:
    return bucket.url.replace("/runs", f"/{prefix}")


def fetched(bucket: Bucket) -> list[str]:
    return [line.removeprefix("GET ") for line in bucket.asked if line.startswith("GET pics/")]


def config(source: Any, **options: Any) -> DataConfig:
    return DataConfig(source=source, size=32, **{"max_skipped": 0.5} | options)
