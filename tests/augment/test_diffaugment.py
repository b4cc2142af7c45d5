"""DiffAugment, against its paper."""

import math

import pytest
import torch
from helpers.training.tricks import seeded, uniform
from torch import nn

from ganlib.augment.ada import AdaptiveAugment
from ganlib.augment.diffaugment import CUTOUT, POLICIES, SHIFT, diffaugment
from ganlib.data.alpha import joined, parts


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


def changed_by(name: str, pictures: torch.Tensor) -> torch.Tensor:
    """Change pictures by one of the policies, or by all that ADA does."""
    if name != "ada":
        return diffaugment(pictures, [name], seeded())
    adaptive = AdaptiveAugment(0.6, 500, seeded())
    adaptive.p.fill_(1)
    return adaptive(pictures)


@pytest.mark.parametrize("middle", [-2.0, -1.01, -1.0, -0.99, -0.5, 3.0])
@pytest.mark.parametrize("name", [*POLICIES, "ada"])
def test_what_a_generator_without_bounds_makes_is_not_blown_up(name: str, middle: float) -> None:
    """Networks that end without tanh make alphas below 0, also ones that add up to nothing."""
    colour, alpha = uniform(500, 3, 8, 8) * 2, middle + uniform(500, 1, 8, 8, seed=1) * 0.5
    made = torch.cat([colour, alpha], 1).requires_grad_(True)
    changed = changed_by(name, made)
    times = changed.abs().max() / made.abs().max()
    (slope,) = torch.autograd.grad(changed.sum(), made)
    assert times < 10
    assert slope.abs().max() < 40, "ADA's factors, drawn from normal numbers, reach 30"


@pytest.mark.parametrize("share", [0.0, 1e-4, 0.01, 0.5, 1.0])
def test_of_real_pictures_the_mean_is_what_is_seen_to_the_last_bit(share: float) -> None:
    """However little there is of them, and were they all white or black."""
    alpha = (torch.rand(200, 1, 16, 16, generator=seeded()) < share).float()
    alpha = alpha * torch.rand(alpha.shape, generator=seeded())
    colour = torch.cat([uniform(100, 3, 16, 16), torch.ones(50, 3, 16, 16), -torch.ones(50, 3, 16, 16)])
    real = joined(colour * alpha, alpha)

    def plain(pictures: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        draws = [torch.rand((len(pictures), 1, 1, 1), generator=random) for _ in range(3)]
        colour, alpha = parts(pictures)
        colour = colour + draws[0] * alpha - 0.5 * alpha
        grey = colour.mean(1, keepdim=True)
        colour = grey + 2 * draws[1] * (colour - grey)
        mean = colour.mean((1, 2, 3), keepdim=True)
        mean = mean / alpha.mean((1, 2, 3), keepdim=True).clamp_min(1e-3) * alpha
        return joined(mean + (0.5 + draws[2]) * (colour - mean), alpha)

    assert torch.equal(diffaugment(real, ["color"], seeded()), plain(real, seeded()))
