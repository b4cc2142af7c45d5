"""Pictures of noise, sets of them and an export, for tests of what is read and written beside each other."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganlib.config import DataConfig, ModelConfig
from ganlib.data import prepare
from ganlib.export.files import ExportConfig, add_digests, pack_weights, save_generator
from ganlib.models.dcgan import build_generator


def picture(seed: int = 0, side: int = 32) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8))


def bytes_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def prepared(source: object, **values: object) -> object:
    return prepare(DataConfig(source=str(source), size=32, **values))


def export_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    model = ModelConfig(width=4, latent_dim=8)
    torch.manual_seed(0)
    config = save_generator(
        folder, ExportConfig(model=model, size=32), pack_weights(build_generator(model, 32))
    )
    (folder / "samples.png").write_bytes(bytes_of(picture()))
    add_digests(folder, config, ["samples.png"])
    return folder


RGB = picture(1)
