"""One decoder: what is scored is what training sees."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.drawn import icc
from helpers.drawn.outputs import RGB, bytes_of, picture
from helpers.sweeps.commands import run
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from ganlib.config import DataConfig
from ganlib.data import prepare
from ganlib.data.decode import Preparation
from ganlib.errors import RequestError
from ganlib.metrics import Extractor, fid
from ganlib.metrics.picture_sets import open_pictures


class Tiny(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(pictures.float() / 255, 2).flatten(1)


TINY = Extractor("tiny", "0" * 64, 12, Tiny())


ALPHA = picture(2).convert("L")


def _rgba(mode: str) -> Image.Image:
    image = RGB.convert(mode)
    image.putalpha(ALPHA)
    return image


def _turned(orientation: int) -> dict[str, object]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


FILES: dict[str, bytes] = {
    "L.png": bytes_of(RGB.convert("L")),
    "LA.png": bytes_of(_rgba("LA")),
    "P.png": bytes_of(RGB.quantize(16), transparency=3),
    "RGBA.png": bytes_of(_rgba("RGBA")),
    "RGB.png": bytes_of(RGB),
    "1.png": bytes_of(RGB.convert("1")),
    "16.png": bytes_of(Image.fromarray(np.arange(1024, dtype=np.uint16).reshape(32, 32) * 64)),
    "CMYK.jpg": bytes_of(RGB.convert("CMYK"), "JPEG"),
    "P3.png": bytes_of(RGB, icc_profile=icc.profile(b"RGB ", icc.P3)),
    "portrait.png": bytes_of(picture(3, 64).crop((0, 0, 40, 60))),
    "large.jpg": bytes_of(picture(4, 400), "JPEG"),
    "small.tif": bytes_of(picture(5, 11), "TIFF"),
    **{
        f"turned{n}.jpg": bytes_of(picture(6, 48).crop((0, 0, 48, 30)), "JPEG", **_turned(n))
        for n in range(1, 9)
    },
}


@pytest.mark.parametrize("size", [28, 32, 64])
def test_score_reads_what_training_sees_bit_for_bit(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "files"
    (folder / ".ipynb_checkpoints").mkdir(parents=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    (folder / "._RGB.png").write_bytes(b"resource fork")
    (folder / ".ipynb_checkpoints" / "RGB.png").write_bytes(FILES["RGB.png"])
    config = DataConfig(source=str(folder), size=size, background="#102030")
    images = prepare(config, tmp_path / "cache")
    read = open_pictures(folder, "a", Preparation(size, (16, 32, 48)))
    assert read.count == len(images) == len(FILES)
    tensors = torch.stack(read.read(0, read.count)).permute(0, 2, 3, 1).numpy()
    assert (tensors == images.pictures).all()
    assert read.traits == images.traits
    white = prepare(DataConfig(source=str(folder), size=size), tmp_path / "cache")
    assert fid(folder, np.asarray(white.pictures), TINY, size=size) == pytest.approx(0, abs=1e-4)


def test_two_folders_of_different_sizes_are_told(tmp_path: Path) -> None:
    for name, side in (("a", 32), ("b", 64)):
        (tmp_path / name).mkdir()
        for index in range(3):
            picture(index, side).save(tmp_path / name / f"{index}.png")
    a, b = tmp_path / "a", tmp_path / "b"
    with pytest.warns(UserWarning, match="pictures of 32 x 32 pixels in a and of 64 x 64 in b"):
        fid(a, b, TINY)
    result = run("score", a, "--against", b)
    assert result.exit_code == 0
    assert "note: pictures of 32 x 32 pixels in the generated pictures" in result.stderr
    result = run("score", a, "--against", b, "--size", 32)
    assert result.exit_code == 0
    assert "pixels and" not in result.stderr


def test_all_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    for index in range(4):
        picture(index).save(tmp_path / f"{index}.png")
        (tmp_path / f"bad{index}.png").write_text("bad")
    (tmp_path / "layers.psd").touch()
    with pytest.raises(RequestError) as told:
        fid(tmp_path, tmp_path, TINY)
    assert "5 of 9 pictures cannot be read" in str(told.value)
    assert all(f"bad{index}.png (not a PNG" in str(told.value) for index in range(4))
    assert "layers.psd (.psd pictures are not read" in str(told.value)
