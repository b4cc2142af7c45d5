"""Distances between a photograph and what was made of it, at points where the answer is known."""

import math

import pytest
import torch

from ganlib.losses.reconstruction import colour_distance, landmark_distance, landmark_weights

pytestmark = pytest.mark.usefixtures("doubles")
NAN = math.nan


def flat(*colour: float, n: int = 1, side: int = 4) -> torch.Tensor:
    return torch.tensor(colour, dtype=torch.float64).view(1, 3, 1, 1).expand(n, 3, side, side).clone()


def test_weights_are_gaussians_around_the_points() -> None:
    """A point in the middle of pixel (row 1, column 2) of 4 has weight 1 there, and falls with the squared distance."""
    weights = landmark_weights(torch.tensor([[[2.5 / 4, 1.5 / 4]]]), 4, 0.25)
    assert weights.shape == (1, 1, 4, 4)
    for row in range(4):
        for column in range(4):
            away = ((row - 1) / 4) ** 2 + ((column - 2) / 4) ** 2
            assert weights[0, 0, row, column].item() == pytest.approx(math.exp(-away / (2 * 0.25**2)))


def test_the_largest_gaussian_counts_and_missing_points_do_not() -> None:
    one, other = [0.25, 0.25], [0.75, 0.6]
    each = landmark_weights(torch.tensor([[one], [other]]), 16, 0.1)
    both = landmark_weights(torch.tensor([[one, other]]), 16, 0.1)
    assert torch.equal(both[0], torch.maximum(each[0], each[1]))
    assert torch.equal(landmark_weights(torch.tensor([[one, [NAN, NAN]]]), 16, 0.1)[0], each[0])
    assert torch.equal(landmark_weights(torch.tensor([[one, [NAN, 0.5]]]), 16, 0.1)[0], each[0])


def test_a_picture_without_points_weighs_nothing() -> None:
    weights = landmark_weights(torch.tensor([[[NAN, NAN]], [[0.5, 0.5]]]), 8, 0.1)
    assert not weights[0].any()
    assert weights[1].any()
    assert landmark_distance(flat(1.0, 1.0, 1.0), flat(-1.0, 0.0, 0.0), weights[:1, :, :4, :4]).item() == 0


def test_distance_is_the_weighted_mean() -> None:
    photos, made = flat(0.0, 0.0, 0.0), flat(0.0, 0.0, 0.0)
    made[0, :, 0, 0] = torch.tensor([0.3, -0.6, 0.9])  # weighs 3; the mean over channels is 0.6
    made[0, :, 3, 3] = 2.0  # weighs 1
    made[0, :, 1, 1] = -7.0  # weighs nothing
    weights = torch.zeros(1, 1, 4, 4)
    weights[0, 0, 0, 0], weights[0, 0, 3, 3] = 3.0, 1.0
    assert landmark_distance(photos, made, weights).item() == pytest.approx((3 * 0.6 + 2.0) / 4)
    assert landmark_distance(photos, made, torch.full_like(weights, 0.2)).item() == pytest.approx(
        (made - photos).abs().mean().item()
    )


@pytest.mark.parametrize("points", [[[0.4, 0.6]], [[NAN, NAN]]])
def test_gradients_of_the_landmark_distance(points: list[list[float]]) -> None:
    random = torch.Generator().manual_seed(0)
    photos, made = torch.rand(2, 2, 3, 6, 6, generator=random).unbind()
    weights = landmark_weights(torch.tensor([points] * 2), 6, 0.2)
    made.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: landmark_distance(photos, x, weights), made)
    (gradient,) = torch.autograd.grad(landmark_distance(photos, made, weights), made)
    assert gradient.isfinite().all()
    assert bool(gradient.any()) == (points == [[0.4, 0.6]])


def test_colour_distance_of_greys_is_that_of_their_levels() -> None:
    """Between greys U and V are 0, but for the rounding of the published coefficients."""
    assert colour_distance(flat(-1, -1, -1), flat(1, 1, 1)).item() == pytest.approx(1, abs=1e-7)
    assert colour_distance(flat(0, 0, 0), flat(0.5, 0.5, 0.5)).item() == pytest.approx(0.25, abs=1e-7)


def test_colour_distance_of_black_and_a_primary() -> None:
    """Of a primary in [0, 1], Y, U and V are the coefficients; below 1 the Huber loss is half the square."""
    for index, (y, u, v) in enumerate(
        [(0.299, -0.147, 0.615), (0.587, -0.289, -0.515), (0.114, 0.436, -0.100)]
    ):
        colour = [-1.0, -1.0, -1.0]
        colour[index] = 1.0
        distance = colour_distance(flat(-1, -1, -1), flat(*colour)).item()
        assert distance == pytest.approx(y + u**2 / 2 + v**2 / 2, abs=1e-3)
        assert distance == pytest.approx(colour_distance(flat(*colour), flat(-1, -1, -1)).item())


def test_gradient_of_the_colour_distance() -> None:
    random = torch.Generator().manual_seed(1)
    photos, made = (torch.rand(2, 2, 3, 4, 4, generator=random) * 2 - 1).unbind()
    assert colour_distance(photos, photos).item() == 0
    assert torch.autograd.gradcheck(lambda x: colour_distance(photos, x), made.requires_grad_(True))
