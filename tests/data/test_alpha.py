"""Pixel art and transparency: how pictures are composed and augmented."""

import numpy as np
import pytest
import torch
from helpers.drawn.sprites import sprites
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from ganlib.augment.ada import AdaptiveAugment
from ganlib.augment.diffaugment import diffaugment
from ganlib.augment.equalize import equalize
from ganlib.augment.real import augment
from ganlib.data.alpha import (
    DARK,
    LIGHT,
    checks,
    joined,
    on_checks,
    parts,
    premultiplied,
    tensor_on_checks,
    to_uint8,
)
from ganlib.data.sheet import GAP, grid


def random_of(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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
