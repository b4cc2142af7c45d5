"""DiffAugment, against its paper."""

import math

import pytest
import torch
from helpers.training.tricks import seeded, uniform
from torch import nn

from ganlib.augment.diffaugment import CUTOUT, POLICIES, SHIFT, diffaugment


def test_translation_moves_whole_pixels_and_fills_with_grey() -> None:
    side, most = 32, round(32 * SHIFT)
    pictures = uniform(200, 3, side, side).sign()
    moved = diffaugment(pictures, ["translation"], seeded())
    found = set()
    for picture, result in zip(pictures, moved, strict=True):
        padded = nn.functional.pad(picture, (most,) * 4)
        windows = padded.unfold(1, side, 1).unfold(2, side, 1)  # (3, 2 most + 1, 2 most + 1, side, side)
        same = (windows == result[:, None, None]).all(4).all(3).all(0)
        assert same.sum() == 1, "one shift explains all three channels"
        found.add(tuple(same.nonzero()[0].tolist()))
    assert {row for row, _ in found} == {column for _, column in found} == set(range(2 * most + 1))


def test_cutout_greys_a_square_of_a_quarter_of_the_area_at_most() -> None:
    side = 32
    out = diffaugment(torch.ones(500, 3, side, side), ["cutout"], seeded())
    assert set(out.unique().tolist()) == {0.0, 1.0}
    holes = (out == 0).all(1)
    assert torch.equal(holes, (out == 0).any(1)), "all channels alike"
    rows, columns = holes.any(2).sum(1), holes.any(1).sum(1)
    assert torch.equal(holes.sum((1, 2)), rows * columns), "a rectangle"
    assert rows.max() == columns.max() == side * CUTOUT
    assert rows.min() == columns.min() == side * CUTOUT / 2, "its middle is in the picture"


def test_colour_changes_are_the_papers() -> None:
    """Of a grey picture only brightness and contrast are left: the mean moves by at most 1/2, at random."""
    grey = torch.zeros(5000, 3, 4, 4)
    means = diffaugment(grey, ["color"], seeded()).mean((1, 2, 3))
    assert means.abs().max() <= 0.5
    assert means.std().item() == pytest.approx(1 / math.sqrt(12), rel=0.05)
    pictures = uniform(2000, 3, 4, 4)
    out = diffaugment(pictures, ["color"], seeded())
    contrast = (out.mean(1) - out.mean((1, 2, 3))[:, None, None]).flatten(1).std(1)
    contrast /= (pictures.mean(1) - pictures.mean((1, 2, 3))[:, None, None]).flatten(1).std(1)
    assert 0.5 <= contrast.min() < 0.51
    assert 1.49 < contrast.max() <= 1.5001


@pytest.mark.parametrize("policy", POLICIES)
def test_gradients_pass_through_diffaugment(policy: str) -> None:
    pictures = uniform(2, 3, 8, 8).double().requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: diffaugment(x, [policy], seeded()), pictures)
