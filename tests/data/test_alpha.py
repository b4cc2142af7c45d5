"""Pixel art and transparency: how pictures are prepared, composed, augmented, and measured."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import icc
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from ganlib.augment.ada import AdaptiveAugment
from ganlib.augment.diffaugment import diffaugment
from ganlib.augment.equalize import equalize
from ganlib.augment.real import augment
from ganlib.config import DataConfig
from ganlib.data import open_set, prepare, telling
from ganlib.data.alpha import (
    DARK,
    LIGHT,
    RGBA,
    checks,
    joined,
    on_checks,
    parts,
    premultiplied,
    tensor_on_checks,
    to_uint8,
)
from ganlib.data.decode import Preparation, decode
from ganlib.data.sheet import GAP, grid
from ganlib.data.sources import preparation
from ganlib.errors import RequestError
from ganlib.metrics import fid, pairwise_similarity, pixel_std
from ganlib.metrics.picture_sets import open_pictures


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def sprite(seed: int = 0, size: int = 32, colour: int | None = None, ground: int = 200) -> np.ndarray:
    """A blob with a soft edge on nothing, whose hidden colour is not black: uint8 (size, size, 4)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    centre, radius = random.uniform(0.35, 0.65, 2), random.uniform(0.2, 0.35)
    distance = np.hypot(y - centre[0], x - centre[1])
    alpha = np.clip((radius - distance) * size / 3 + 0.5, 0, 1)
    made = np.full((size, size, 4), ground, np.uint8)
    tones = random.integers(0, 256, 3) if colour is None else colour
    made[..., :3] = np.where(alpha[..., None] > 0, tones, ground)
    made[..., 3] = (alpha * 255).round()
    return made


def sprites(n: int, size: int = 32, **options: int) -> torch.Tensor:
    """uint8 (n, 4, size, size), hidden colours black."""
    made = np.stack([sprite(seed, size, **options) for seed in range(n)])
    made[made[..., 3] == 0] = 0
    return torch.from_numpy(made).permute(0, 3, 1, 2)


def folder_of(folder: Path, pictures: list[np.ndarray]) -> Path:
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number:03}.png")
    return folder


def random_of(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ---- preparing ---------------------------------------------------------------------------------------------


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


# ---- composing ---------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([4, 28, 32, 64]))
def test_straight_colours_come_back_from_floats(seed: int, size: int) -> None:
    pictures = np.random.default_rng(seed).integers(0, 256, (3, 4, size, size), np.uint8)
    pictures[:, 3][pictures[:, 3] < 60] = 0
    pictures = np.where(pictures[:, 3:] > 0, pictures, 0).astype(np.uint8)
    given = torch.from_numpy(pictures)
    floats = premultiplied(given)
    assert floats.dtype == torch.float32
    assert floats.min() >= -1
    assert floats.max() <= 1
    assert (floats[:, :3] <= floats[:, 3:] + 1e-6).all()
    assert torch.equal(to_uint8(floats), given)
    assert torch.equal(joined(*parts(floats)).sub(floats).abs().amax() < 1e-6, torch.tensor(True))


def test_what_is_brighter_than_its_alpha_and_not_finite_is_a_picture() -> None:
    wild = 3 * torch.randn(4, 4, 8, 8, generator=random_of())
    wild[0, :, 0] = float("nan")
    wild[1, :, 0] = float("inf")
    levels = to_uint8(wild.bfloat16())
    assert levels.shape == (4, 4, 8, 8)
    assert (levels[:, :3] * (levels[:, 3:] == 0)).sum() == 0


def test_checks_show_white_grey_and_black() -> None:
    for tone in (255, 128, 0, LIGHT, DARK):
        laid = on_checks(sprites(2, colour=tone).permute(0, 2, 3, 1).numpy())
        empty = on_checks(np.zeros((2, 32, 32, 4), np.uint8))
        assert (laid != empty).any(3).mean() > 0.05
    assert {*np.unique(empty)} == {LIGHT, DARK}
    opaque = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    assert on_checks(opaque) is opaque
    full = np.full((2, 32, 32, 1), 255, np.uint8)
    assert np.array_equal(on_checks(np.concatenate([opaque, full], 3)), opaque)


def test_tensors_are_laid_as_arrays_are() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 4), np.uint8)
    tensor = tensor_on_checks(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    assert np.array_equal(tensor.permute(0, 2, 3, 1).numpy(), on_checks(pictures))
    alpha = pictures[..., 3:] / 255
    exact = pictures[..., :3] * alpha + checks(28, 28)[:, :, None] * (1 - alpha)
    assert np.abs(on_checks(pictures) - exact).max() <= 0.5 + 1e-9


def test_sheets() -> None:
    pictures = sprites(3).permute(0, 2, 3, 1).numpy()
    shown = grid(pictures, 2)
    assert shown.mode == "RGB"
    assert shown.getpixel((GAP, GAP)) == (LIGHT,) * 3
    kept = grid(pictures, 2, transparent=True)
    assert kept.mode == "RGBA"
    assert np.array_equal(np.asarray(kept)[GAP : GAP + 32, GAP : GAP + 32], pictures[0])
    assert kept.getpixel((0, 0))[3] == kept.getpixel((50, 50))[3] == 0
    assert grid(pictures[..., :3].copy(), 2, transparent=True).mode == "RGB"


# ---- augmenting --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("doubles")
def test_colour_changes_touch_what_is_seen_alone() -> None:
    real = premultiplied(sprites(8)).double()
    adaptive = AdaptiveAugment(0.6, 500, random_of(3))
    adaptive.p.fill_(1)
    changes = {
        "color": augment(real, torch.tensor(1.0), random_of(), ("color",)),
        "flash": augment(real, torch.tensor(1.0), random_of(), ("flash",)),
        "diffaugment": diffaugment(real, ["color"], random_of()),
        "ada": adaptive._recolour(real),
    }
    for name, changed in changes.items():
        assert changed.shape == real.shape
        assert (changed[:, 3] - real[:, 3]).abs().max() < 1e-9, name
        hidden = real[:, 3:] == -1
        assert ((changed + 1).abs() * hidden).max() < 1e-9, name
        assert (changed[:, :3] - real[:, :3]).abs().max() > 0.05, name


@pytest.mark.usefixtures("doubles")
@pytest.mark.parametrize("policy", ["color", "flash"])
def test_an_opaque_picture_changes_as_without_alpha(policy: str) -> None:
    rgb = torch.rand(6, 3, 16, 16, generator=random_of(1)) * 2 - 1
    rgba = torch.cat([rgb, torch.ones(6, 1, 16, 16)], 1)
    for change in (
        lambda x: augment(x, torch.tensor(0.7), random_of(2), ("flip", policy)),
        lambda x: diffaugment(x, ["color"], random_of(2)),
    ):
        torch.testing.assert_close(change(rgba)[:, :3], change(rgb), rtol=1e-9, atol=1e-9)


def test_moves_bring_nothing_in() -> None:
    real = premultiplied(sprites(6))
    real[:] = 1.0  # opaque white to the edge
    for policy in ("translation", "cutout"):
        changed = diffaugment(real, [policy], random_of())
        assert {*changed.unique().tolist()} == {-1.0, 1.0}
    mirrored = augment(premultiplied(sprites(6)), torch.tensor(1.0), random_of(), ("flip",))
    assert torch.equal(mirrored, premultiplied(sprites(6)).flip(3))


def test_equalising_counts_what_is_seen() -> None:
    pictures = sprites(6, 64)
    inside = torch.randint(90, 160, (6, 3, 64, 64), generator=random_of(), dtype=torch.uint8)
    pictures[:, :3] = torch.where(pictures[:, 3:] > 0, inside, 0)
    made = equalize(pictures).permute(0, 2, 3, 1).numpy()
    for picture, before in zip(made, pictures.permute(0, 2, 3, 1).numpy(), strict=True):
        seen = before[..., 3] > 0
        mask = Image.fromarray((seen * 255).astype(np.uint8))
        expected = np.asarray(ImageOps.equalize(Image.fromarray(before[..., :3]), mask=mask))
        assert np.array_equal(picture[seen][:, :3], expected[seen])
        assert np.array_equal(picture[..., 3], before[..., 3])


# ---- measuring ---------------------------------------------------------------------------------------------


def test_flat_is_one_colour_or_nothing() -> None:
    blank = torch.zeros(4, 4, 32, 32, dtype=torch.uint8)
    full = torch.full((4, 4, 32, 32), 255, dtype=torch.uint8)
    assert pixel_std(blank) == pixel_std(full) == 0
    for tone in (0, 128, 255):  # a shape in any colour is none of that
        assert pixel_std(sprites(6, colour=tone)) > 0.05
    assert pairwise_similarity(blank) == pytest.approx(1)
    assert pairwise_similarity(sprites(8)) < 0.95


def test_pictures_of_every_form_are_measured_alike(tmp_path: Path) -> None:
    a, b = sprites(12), sprites(24)[12:]
    laid = fid(tensor_on_checks(a), tensor_on_checks(b))
    assert fid(a, b) == pytest.approx(laid, rel=1e-6)
    assert fid(a.permute(0, 2, 3, 1).numpy(), b.float() / 255) == pytest.approx(laid, rel=1e-6)
    files = folder_of(tmp_path / "a", list(a.permute(0, 2, 3, 1).numpy()))
    assert fid(files, b) == pytest.approx(laid, rel=1e-6)
    # Hidden colours make no difference; where a background is given, they are laid on that.
    wild = np.array(a.permute(0, 2, 3, 1))
    wild[wild[..., 3] == 0] = (255, 0, 255, 0)
    assert fid(folder_of(tmp_path / "wild", list(wild)), b) == pytest.approx(laid, rel=1e-6)
    (first, *_) = open_pictures(files, "a", Preparation(None, (255, 0, 0))).read(0, 2)
    assert first.shape == (3, 32, 32)
    assert first[:, 0, 0].tolist() == [255, 0, 0]


def test_opaque_files_are_rgb_whatever_they_say(tmp_path: Path) -> None:
    opaque = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 4), np.uint8)
    opaque[..., 3] = 255
    (first, *_) = open_pictures(folder_of(tmp_path / "a", list(opaque)), "a").read(0, 3)
    assert torch.equal(first, torch.from_numpy(opaque[0, ..., :3]).permute(2, 0, 1))
    assert RGBA == 4


def test_alpha_on_one_side_alone_is_laid_on_white(tmp_path: Path) -> None:
    """Pictures of a generator that was trained on white, against their originals."""
    art = sprites(12)
    originals = folder_of(tmp_path / "originals", list(art.permute(0, 2, 3, 1).numpy()))
    white = prepare(DataConfig(source=str(originals), size=32), tmp_path / "cache", 1).pictures
    laid = folder_of(tmp_path / "laid", list(white))
    for a, b in ((originals, laid), (laid, originals), (art, np.array(white)), (laid, art)):
        assert fid(a, b) == pytest.approx(0, abs=0.02)
    assert fid(originals, originals) == pytest.approx(0, abs=0.02)
    assert fid(np.array(white), tensor_on_checks(art)) > 1
