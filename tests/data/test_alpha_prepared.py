"""Pictures with alpha, as they are prepared for training."""

import io
from pathlib import Path

import numpy as np
import pytest
from helpers.drawn import icc
from helpers.drawn.sprites import folder_of, sprite
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganlib.config import DataConfig
from ganlib.data import open_set, prepare, telling
from ganlib.data.decode import decode
from ganlib.data.sources import preparation
from ganlib.errors import RequestError
from ganlib.metrics.picture_sets import open_pictures


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@settings(max_examples=30, deadline=None)
@given(
    side=st.sampled_from([7, 8, 14, 16, 32, 64]),
    size=st.sampled_from([28, 32, 64, 128]),
    mode=st.sampled_from(["RGB", "RGBA", "P", "L"]),
    seed=st.integers(0, 1000),
)
def test_nearest_keeps_pixels_and_palette(side: int, size: int, mode: str, seed: int) -> None:
    art = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    image = Image.fromarray(art).convert(mode)
    if mode == "P":
        image = Image.fromarray(art).quantize(8)
    made = decode(encoded(image), size, (255, 255, 255), nearest=True)
    before = np.asarray(image.convert("RGB"))
    assert {*map(tuple, made.reshape(-1, 3))} <= {*map(tuple, before.reshape(-1, 3))}
    if size % side == 0:
        factor = size // side
        assert np.array_equal(made, before.repeat(factor, 0).repeat(factor, 1))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_nearest_undoes_an_enlargement(factor: int) -> None:
    art = np.random.default_rng(0).integers(0, 256, (32, 32, 4), np.uint8) | 1
    large = art.repeat(factor, 0).repeat(factor, 1)
    assert np.array_equal(decode(encoded(Image.fromarray(large)), 32, None, nearest=True), art)


def test_averages_remain_the_default() -> None:
    assert (DataConfig().resize, DataConfig().channels, DataConfig().prepared) == ("antialias", 3, "")
    lines = np.zeros((128, 128, 3), np.uint8)
    lines[:, ::2] = 255
    assert len(np.unique(decode(encoded(Image.fromarray(lines)), 32, (0, 0, 0)))) > 2
    assert len(np.unique(decode(encoded(Image.fromarray(lines)), 32, (0, 0, 0), nearest=True))) <= 2


@pytest.mark.parametrize("ground", [0, 255])
@pytest.mark.parametrize("size", [28, 32, 128])
def test_the_hidden_colour_does_not_show_at_soft_edges(ground: int, size: int) -> None:
    made = decode(encoded(Image.fromarray(sprite(3, 64, 128, ground))), size, None)
    assert (made[made[..., 3] > 0][:, :3] == 128).all()
    assert 0.1 < (made[..., 3] == 255).mean() < 0.5
    assert (made[made[..., 3] == 0] == 0).all()


def test_a_large_picture_is_as_if_it_were_small() -> None:
    small = sprite(5, 64)
    large = Image.fromarray(small).resize((1024, 1024), Image.Resampling.BOX)
    made = (
        decode(encoded(large), 32, None).astype(int),
        decode(encoded(Image.fromarray(small)), 32, None).astype(int),
    )
    assert np.abs(made[0][..., 3] - made[1][..., 3]).max() <= 24
    colours = [each[..., :3] * each[..., 3:] / 255 for each in made]
    assert np.abs(made[0][..., 3] - made[1][..., 3]).max() <= 24
    solid = (made[0][..., 3] > 128) & (made[1][..., 3] > 128)
    assert np.abs(made[0][solid] - made[1][solid])[:, :3].max() <= 2
    assert np.abs(colours[0] - colours[1]).max() <= 24


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA", "RGB", "L"])
def test_every_mode_keeps_its_alpha(mode: str) -> None:
    picture = Image.new("RGBA", (32, 32), (200, 200, 200, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 16, 32))
    if mode in ("RGB", "L"):  # one value stands for transparency
        flat = Image.new(mode, (32, 32), 200 if mode == "L" else (200,) * 3)
        flat.paste(0, (0, 0, 16, 32))
        buffer = io.BytesIO()
        flat.save(buffer, "PNG", transparency=0 if mode == "L" else (0, 0, 0))
        data = buffer.getvalue()
    elif mode == "P":
        data = encoded(picture.quantize(4))
    else:
        data = encoded(picture.convert(mode) if mode != "PA" else picture.convert("LA"))
    made = decode(data, 32, None)
    assert made.shape == (32, 32, 4)
    assert (made[:, :16] == 0).all()
    assert (made[:, 16:, 3] == 255).all()
    assert np.abs(made[:, 16:, :3].astype(int) - 200).max() <= 1


@pytest.mark.parametrize("size", [28, 32])
def test_opaque_pictures_are_the_same_with_a_fourth_channel(size: int) -> None:
    art = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8))
    for image in (art, art.convert("RGBA"), art.convert("L")):
        made = decode(encoded(image), size, None)
        assert np.array_equal(made[..., :3], decode(encoded(image), size, (255, 255, 255)))
        assert (made[..., 3] == 255).all()


@pytest.mark.parametrize("nearest", [False, True])
def test_profiles_and_orientation_hold_with_alpha(nearest: bool) -> None:
    """Colours are converted and the picture is turned before anything is done with alpha."""
    art = Image.new("RGBA", (48, 32), (0, 200, 0, 255))
    art.paste((0, 0, 200, 0), (0, 0, 24, 32))
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 3
    art.save(buffer, "PNG", icc_profile=icc.profile(b"RGB ", icc.P3), exif=exif)
    made = decode(buffer.getvalue(), 32, None, nearest=nearest)
    opaque = io.BytesIO()
    Image.new("RGB", (32, 32), (0, 200, 0)).save(opaque, "PNG", icc_profile=icc.profile(b"RGB ", icc.P3))
    expected = decode(opaque.getvalue(), 32, (0, 0, 0))[0, 0]
    assert (expected != (0, 200, 0)).any()
    assert (made[:, :16] == (*expected, 255)).all()
    assert (made[:, 16:] == 0).all()


@pytest.mark.parametrize("background", ["transparent", "#102030"])
@pytest.mark.parametrize("resize", ["antialias", "nearest"])
def test_files_are_measured_as_they_are_prepared(tmp_path: Path, resize: str, background: str) -> None:
    art = [sprite(seed, side) for seed, side in enumerate((24, 32, 50, 200))]
    art += [np.full((40, 40, 3), 90, np.uint8), art[2][:, :20].copy()]
    source = folder_of(tmp_path / "art", art)
    data = DataConfig(source=str(source), size=32, resize=resize, background=background)
    images = prepare(data, tmp_path, 1)
    read = open_pictures(source, "a", preparation(data))
    tensors = read.read(0, read.count)
    for tensor, picture in zip(tensors, images.pictures, strict=True):
        assert np.array_equal(tensor.permute(1, 2, 0).numpy(), picture[..., : len(tensor)])
        assert (picture[..., len(tensor) :] == 255).all()
    assert read.traits == images.traits
    kept = background == "transparent"
    assert (images.traits.get("alpha"), images.traits.get("transparent")) == (
        (5, None) if kept else (None, 5)
    )
    assert images.transparent == 5 * kept
    assert len(telling.prepared(images.traits)) == 3  # cropped, enlarged, transparent
    read.read(0, read.count)
    assert read.traits == images.traits  # nothing is counted twice


def test_every_way_to_prepare_is_another_set(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "art", [sprite(seed, 24) for seed in range(5)])
    ways = [
        {},
        {"resize": "nearest"},
        {"background": "transparent"},
        {"background": "Transparent", "resize": "nearest"},
        {"background": "black"},
    ]
    sets = [prepare(DataConfig(source=str(source), size=32, **way), tmp_path, 1) for way in ways]
    assert len({images.hash for images in sets}) == len({images.path for images in sets}) == len(ways)
    assert [images.pictures.shape[3] for images in sets] == [3, 3, 4, 4, 3]
    assert [images.transparent for images in sets] == [0, 0, 5, 5, 0]
    for way, images in zip(ways, sets, strict=True):  # found again
        again = prepare(DataConfig(source=str(source), size=32, **way), tmp_path, 1)
        assert (again.path, again.hash, again.transparent) == (images.path, images.hash, images.transparent)
        assert (open_set(images.path) or images).transparent == images.transparent


def test_opaque_pictures_cannot_be_transparent(tmp_path: Path) -> None:
    source = folder_of(
        tmp_path / "photos", [np.full((8, 8, 3), 9, np.uint8), np.full((8, 8, 4), 255, np.uint8)]
    )
    for _ in range(2):  # the second time from the cache
        with pytest.raises(RequestError, match="none of the 2 pictures has a transparent pixel"):
            prepare(DataConfig(source=str(source), size=32, background="transparent"), tmp_path, 1)
    Image.fromarray(sprite()).save(source / "one.png")
    images = prepare(DataConfig(source=str(source), size=32, background="transparent"), tmp_path, 1)
    assert (len(images), images.transparent) == (3, 1)


def test_avatars_can_be_transparent(tmp_path: Path) -> None:
    images = prepare(DataConfig(count=3, size=32, background="transparent"), tmp_path, 1)
    white = prepare(DataConfig(count=3, size=32), tmp_path, 1)
    alpha = images.pictures[..., 3:].astype(int)
    laid = (images.pictures[..., :3] * alpha + 255 * (255 - alpha)) / 255
    assert images.transparent == 3
    assert np.abs(laid - white.pictures).max() <= 1.5
