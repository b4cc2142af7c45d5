"""Penalties on slopes of critics, and limits on weights."""

import math

import pytest
import torch
from torch import Tensor, nn

from ganlib.losses.regularisers import R1, R2, Dragan, GradientPenalty, WeightClipping


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pair(n: int = 6) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    real, fake = torch.randn((2, n, 3, 4, 4), generator=random, dtype=torch.float64).unbind()
    return real, fake


@pytest.mark.parametrize("norm", [0.0, 0.25, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_is_its_slopes_distance_from_one(norm: float) -> None:
    weight = torch.ones(48, dtype=torch.float64)
    weight = (norm * weight / weight.norm()).requires_grad_(True)
    penalty = GradientPenalty(1.0).penalty(lambda x: x.flatten(1) @ weight, *pair(), seeded())
    assert penalty.item() == pytest.approx((norm - 1) ** 2, abs=1e-12)
    penalty.backward()
    # d/dw (||w|| - 1)^2 = 2 (||w|| - 1) w / ||w||; at w = 0 torch takes 0.
    expected = 2 * (norm - 1) * weight.detach() / norm if norm else torch.zeros(48, dtype=torch.float64)
    torch.testing.assert_close(weight.grad, expected, rtol=1e-9, atol=1e-12)


def test_the_penalty_looks_at_points_between_real_and_fake() -> None:
    real, fake = pair(500)
    seen = []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.square().flatten(1).sum(1) / 2  # its gradient is the point itself

    penalty = GradientPenalty(1.0).penalty(critic, real, fake, seeded(3))
    (between,) = seen
    share = ((between - real) / (fake - real)).flatten(1)
    assert (share.std(1) < 1e-6).all(), "one share for a whole picture"
    assert ((share >= 0) & (share <= 1)).all()
    assert share[:, 0].mean().item() == pytest.approx(0.5, abs=0.06)  # five standard errors of a uniform mean
    expected = (between.flatten(1).norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(penalty, expected)


def test_the_penalty_reaches_the_weights_of_a_network_and_not_the_pictures() -> None:
    real, fake = pair()
    critic = nn.Sequential(nn.Conv2d(3, 4, 3), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(16, 1)).double()
    weight = critic[0].weight

    def value() -> Tensor:
        return GradientPenalty(1.0).penalty(lambda x: critic(x).flatten(), real, fake, seeded(1))

    value().backward()
    # Against a central difference: the double backward is right.
    weight.data[0, 0, 0, 0] += 1e-5
    more = value().item()
    weight.data[0, 0, 0, 0] -= 2e-5
    less = value().item()
    assert weight.grad[0, 0, 0, 0].item() == pytest.approx((more - less) / 2e-5, rel=1e-5)
    assert real.grad is None


def test_r1_of_a_quadratic_critic() -> None:
    """D(x) = s |x|^2 / 2 has the gradient s x: R1 is gamma / 2 * s^2 * E|x|^2, and knows nothing of fakes."""
    real, fake = pair()
    scale = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)

    def critic(x: Tensor) -> Tensor:
        return scale * x.square().flatten(1).sum(1) / 2

    penalty = R1(gamma=10.0).penalty(critic, real, fake, seeded())
    energy = real.square().flatten(1).sum(1).mean()
    torch.testing.assert_close(penalty, 5.0 * 9.0 * energy)
    penalty.backward()
    torch.testing.assert_close(scale.grad, 10.0 * 3.0 * energy)
    assert torch.equal(penalty, R1(gamma=10.0).penalty(critic, real, fake * 7, seeded()))
    assert torch.equal(penalty, R2(gamma=10.0).penalty(critic, fake * 7, real, seeded()))


def test_clipping_bounds_every_weight_and_keeps_small_ones() -> None:
    critic = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    critic[1].running_mean.fill_(5.0)
    before = critic[0].weight.detach().clone()
    WeightClipping(0.2).limit(critic)
    assert all(value.abs().max() <= 0.2 for value in critic.parameters())
    inside = before.abs() <= 0.2
    assert inside.any()
    assert not inside.all()
    assert torch.equal(critic[0].weight[inside], before[inside])
    assert (critic[1].running_mean == 5).all(), "statistics are no weights"
    assert all(value.requires_grad and value.grad_fn is None for value in critic.parameters())


def test_dragan_looks_near_real_pictures_and_nowhere_else() -> None:
    real, fake = pair(500)
    points = Dragan(1.0).points(real, fake, seeded(3))
    assert torch.equal(points, Dragan(1.0).points(real, fake * 7, seeded(3)))
    away = ((points - real) / real.std()).flatten(1)
    assert away.min() >= 0
    assert away.max() <= 0.5
    # A share uniform in [0, 1] for a picture times numbers uniform in [0, 1/2]: their means are 1/4 of the share.
    shares = 4 * away.mean(1)
    assert shares.mean().item() == pytest.approx(0.5, abs=0.07)
    assert shares.std().item() == pytest.approx(1 / math.sqrt(12), abs=0.03)


@pytest.mark.parametrize("norm", [0.25, 3.0])
def test_dragan_of_a_linear_critic_is_its_slopes_distance_from_one(norm: float) -> None:
    weight = torch.ones(48, dtype=torch.float64)
    weight *= norm / weight.norm()
    term = Dragan(7.0).penalty(lambda x: x.flatten(1) @ weight, *pair(), seeded())
    assert term.item() == pytest.approx(7 * (norm - 1) ** 2)
