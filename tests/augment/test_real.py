"""Augmentation: who is changed, by how much, and what must never change."""

import math

import pytest
import torch
from torch import Tensor

from ganlib.augment import real as module
from ganlib.augment.real import around_grey, augment, colour_matrices


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(n: int = 32, size: int = 8) -> Tensor:
    return (torch.rand((n, 3, size, size), generator=random(7)) * 2 - 1).to(memory_format=torch.channels_last)


def changed(before: Tensor, after: Tensor) -> Tensor:
    return (before != after).flatten(1).any(1)


def p(value: float) -> Tensor:
    return torch.tensor(value)


def test_nothing_changes_at_zero() -> None:
    pictures = batch()
    assert torch.equal(augment(pictures, p(0), random()), pictures)


def test_everything_changes_at_one() -> None:
    pictures = batch()
    assert changed(pictures, augment(pictures, p(1), random())).all()


@pytest.mark.parametrize("share", [0.1, 0.35, 0.8])
def test_the_share_of_changed_pictures_is_p(share: float) -> None:
    pictures, n = batch(4000, 2), 4000
    count = changed(pictures, augment(pictures, p(share), random())).sum().item()
    assert abs(count - share * n) < 5 * math.sqrt(n * share * (1 - share))


def test_pictures_that_are_not_chosen_keep_every_bit_and_the_input_is_left_alone() -> None:
    pictures = batch(200)
    kept = pictures.clone()
    result = augment(pictures, p(0.5), random())
    assert torch.equal(pictures, kept)
    untouched = ~changed(pictures, result)
    assert 50 < untouched.sum() < 150, "both kinds are there"


def test_shape_layout_dtype_and_range() -> None:
    for pictures in (batch(), batch().contiguous(), torch.ones(4, 3, 6, 10), -torch.ones(4, 3, 6, 10)):
        result = augment(pictures, p(1), random())
        assert result.shape == pictures.shape
        assert result.dtype == torch.float32
        assert result.abs().max() <= 1
    channels_last = augment(batch(), p(0.5), random())
    assert channels_last.is_contiguous(memory_format=torch.channels_last)


def test_layout_does_not_change_the_numbers() -> None:
    last = augment(batch(), p(0.7), random())
    first = augment(batch().contiguous(), p(0.7), random())
    assert torch.equal(last, first)


def test_the_generator_decides_and_the_global_one_is_not_touched() -> None:
    state = torch.get_rng_state()
    first = augment(batch(), p(0.5), random(1))
    assert torch.equal(first, augment(batch(), p(0.5), random(1)))
    assert not torch.equal(first, augment(batch(), p(0.5), random(2)))
    assert torch.equal(state, torch.get_rng_state())


def test_as_many_random_numbers_are_drawn_whatever_p_is() -> None:
    """Otherwise a trial with another probability would see other latents as well."""
    states = []
    for value in (0.0, 0.5, 1.0):
        generator = random()
        augment(batch(), p(value), generator)
        states.append(generator.get_state())
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[0], states[2])


@pytest.mark.usefixtures("doubles")
def test_chosen_pictures_are_mirrored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BRIGHTNESS", "CONTRAST", "SATURATION", "HUE"):
        monkeypatch.setattr(module, name, 0.0)
    pictures = batch()
    torch.testing.assert_close(augment(pictures, p(1), random()), pictures.flip(3), rtol=0, atol=1e-9)


@pytest.mark.usefixtures("doubles")
def test_colours_are_mixed_by_the_matrices() -> None:
    pictures, generator = batch() / 2, random()
    result = augment(pictures, p(1), random())
    torch.rand(len(pictures), generator=generator)  # who is chosen is drawn first
    matrices, offsets = colour_matrices(len(pictures), generator, torch.device("cpu"))
    mixed = torch.einsum("nij,njhw->nihw", matrices, pictures.flip(3)) + offsets[:, :, None, None]
    torch.testing.assert_close(result, mixed.clamp(-1, 1))


def test_hue_turns_about_grey_and_is_orthogonal() -> None:
    angles = torch.linspace(-4, 4, 33, dtype=torch.float64)
    turns = around_grey(angles)
    eye = torch.eye(3, dtype=torch.float64).expand_as(turns)
    torch.testing.assert_close(turns @ turns.transpose(1, 2), eye)
    torch.testing.assert_close(torch.linalg.det(turns), torch.ones(33, dtype=torch.float64))
    grey = torch.ones(3, dtype=torch.float64)
    torch.testing.assert_close(turns @ grey, grey.expand(33, 3))
    torch.testing.assert_close(turns.diagonal(dim1=1, dim2=2).sum(1), 1 + 2 * angles.cos())


def test_a_third_of_a_turn_makes_red_green_green_blue_and_blue_red() -> None:
    turn = around_grey(torch.tensor([2 * math.pi / 3], dtype=torch.float64))[0]
    expected = torch.tensor([[0, 0, 1], [1, 0, 0], [0, 1, 0]], dtype=torch.float64)
    torch.testing.assert_close(turn, expected)


@pytest.mark.usefixtures("doubles")
def test_colour_changes_stay_within_their_bounds() -> None:
    n = 20_000
    matrices, offsets = colour_matrices(n, random(), torch.device("cpu"))
    assert matrices.shape == (n, 3, 3)
    assert offsets.shape == (n, 3)
    assert torch.equal(offsets[:, 0], offsets[:, 2]), "brightness is one number a picture"
    assert offsets.abs().max().item() == pytest.approx(2 * module.BRIGHTNESS, rel=0.01)
    # Grey is kept by saturation and hue: what remains of it is the contrast.
    contrast = matrices @ torch.ones(3)
    torch.testing.assert_close(contrast, contrast[:, :1].expand(n, 3), rtol=0, atol=1e-9)
    assert contrast.min().item() == pytest.approx(1 - module.CONTRAST, abs=0.01)
    assert contrast.max().item() == pytest.approx(1 + module.CONTRAST, abs=0.01)
    # Beside the grey axis all lengths change by contrast times saturation; det = contrast^3 saturation^2.
    saturation = (torch.linalg.det(matrices) / contrast[:, 0] ** 3).sqrt()
    assert saturation.min().item() == pytest.approx(1 - module.SATURATION, abs=0.01)
    assert saturation.max().item() == pytest.approx(1 + module.SATURATION, abs=0.01)
    # The trace of what is left of a rotation about grey gives the angle.
    trace = matrices.diagonal(dim1=1, dim2=2).sum(1) / contrast[:, 0]
    cosine = (trace - 1) / (2 * saturation)
    assert cosine.clamp(-1, 1).arccos().max().item() == pytest.approx(module.HUE * 2 * math.pi, rel=0.02)


@pytest.mark.usefixtures("doubles")
def test_a_flat_picture_stays_flat_and_grey_stays_grey() -> None:
    values = torch.linspace(-1, 1, 16)[:, None, None, None].expand(16, 3, 4, 4)
    result = augment(values, p(1), random())
    torch.testing.assert_close(result, result[:, :1, :1, :1].expand(16, 3, 4, 4), rtol=0, atol=1e-9)
