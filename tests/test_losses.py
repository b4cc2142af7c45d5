"""Losses at points where the answer is known, and the gradient penalty of critics whose gradient is known."""

import math

import pytest
import torch
from torch import Tensor, nn

from ganlib.config import LOSSES
from ganlib.losses import LeastSquares, NonSaturating, WassersteinGP, gradient_penalty

ONE = torch.tensor(1.0)


def full(value: float, n: int = 4) -> Tensor:
    return torch.full((n,), float(value))


def test_bce_of_a_discriminator_that_knows_nothing() -> None:
    loss = NonSaturating()
    assert loss.discriminator(full(0), full(0), ONE).item() == pytest.approx(2 * math.log(2))
    assert loss.generator(full(0)).item() == pytest.approx(math.log(2))
    assert torch.equal(loss.score(full(0)), full(0.5))


@pytest.mark.parametrize(("name", "on_fake"), [("bce", math.log(2)), ("lsgan", 0.0), ("wgan-gp", 0.0)])
def test_without_the_real_part_only_the_fake_part_is_left(name: str, on_fake: float) -> None:
    loss = LOSSES[name]()
    assert loss.discriminator(full(7), full(0), torch.tensor(0.0)).item() == pytest.approx(on_fake)
    assert loss.discriminator(full(7), full(3), torch.tensor(0.0)).item() > on_fake


def test_bce_is_torchs_with_targets_one_and_zero() -> None:
    real, fake = torch.randn(2, 50).unbind()
    bce = nn.BCEWithLogitsLoss()
    expected = bce(real, torch.ones(50)) + bce(fake, torch.zeros(50))
    torch.testing.assert_close(NonSaturating().discriminator(real, fake, ONE), expected)
    torch.testing.assert_close(NonSaturating().generator(fake), bce(fake, torch.ones(50)))


def test_bce_does_not_saturate_for_the_generator_and_stays_finite() -> None:
    fake = full(-50.0).requires_grad_(True)
    NonSaturating().generator(fake).backward()
    assert torch.allclose(fake.grad, full(-0.25)), "the gradient of a fake that is surely found out is -1/n"
    assert math.isfinite(NonSaturating().discriminator(full(-1e4), full(1e4), ONE).item())


def test_least_squares_at_and_off_its_targets() -> None:
    loss = LeastSquares()
    assert loss.discriminator(full(1), full(0), ONE).item() == 0
    assert loss.discriminator(full(0), full(1), ONE).item() == 0.5 + 0.5
    assert loss.discriminator(full(4), full(0), ONE).item() == 4.5
    assert loss.generator(full(1)).item() == 0
    assert loss.generator(full(0)).item() == 0.5
    assert torch.equal(loss.score(full(3)), full(3))


def test_wasserstein_is_a_difference_of_means() -> None:
    loss = WassersteinGP()
    assert loss.discriminator(torch.tensor([1.0, 3.0]), torch.tensor([5.0, 9.0]), ONE).item() == 7 - 2
    assert loss.generator(torch.tensor([5.0, 9.0])).item() == -7
    assert torch.equal(loss.score(full(-3)), full(-3))


@pytest.mark.parametrize("name", LOSSES)
def test_smoothing_multiplies_the_real_part_and_nothing_else(name: str) -> None:
    loss = LOSSES[name]()
    real, fake = torch.randn(2, 20).double().unbind()
    nothing = loss.discriminator(real, fake, torch.tensor(0.0))
    real_part = loss.discriminator(real, fake, ONE) - nothing
    smoothed = loss.discriminator(real, fake, torch.tensor(0.9, dtype=torch.float64))
    torch.testing.assert_close(smoothed, nothing + 0.9 * real_part)
    torch.testing.assert_close(nothing, loss.discriminator(real + 5, fake, torch.tensor(0.0)))


@pytest.mark.parametrize("name", LOSSES)
def test_signs_push_the_right_way(name: str) -> None:
    loss = LOSSES[name]()
    real, fake = full(0.3).requires_grad_(True), full(0.3).requires_grad_(True)
    loss.discriminator(real, fake, ONE).backward()
    assert (real.grad < 0).all(), "a higher value of real pictures must lower the discriminator's loss"
    assert (fake.grad > 0).all()
    fake = full(0.3).requires_grad_(True)
    loss.generator(fake).backward()
    assert (fake.grad < 0).all(), "the generator wants higher values of its pictures"


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_means_not_sums(name: str) -> None:
    loss = LOSSES[name]()
    real, fake = torch.randn(2, 6).unbind()
    once = loss.discriminator(real, fake, ONE)
    torch.testing.assert_close(loss.discriminator(real.repeat(3), fake.repeat(3), ONE), once)
    torch.testing.assert_close(loss.generator(fake.repeat(3)), loss.generator(fake))


def test_what_each_loss_asks_of_the_discriminator() -> None:
    asked = {name: (c.norm, c.critic_steps, c.penalised, c.probabilities) for name, c in LOSSES.items()}
    assert asked == {
        "bce": ("batch", 1, False, True),
        "lsgan": ("batch", 1, False, False),
        "wgan-gp": ("none", 5, True, False),
    }


def pair(n: int = 6) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    real, fake = torch.randn((2, n, 3, 4, 4), generator=random, dtype=torch.float64).unbind()
    return real, fake


@pytest.mark.parametrize("norm", [0.0, 0.25, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_is_its_slopes_distance_from_one(norm: float) -> None:
    weight = torch.ones(48, dtype=torch.float64)
    weight = (norm * weight / weight.norm()).requires_grad_(True)
    penalty = gradient_penalty(lambda x: x.flatten(1) @ weight, *pair(), torch.Generator().manual_seed(0))
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

    penalty = gradient_penalty(critic, real, fake, torch.Generator().manual_seed(3))
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
    random = torch.Generator()
    weight = critic[0].weight

    def value() -> Tensor:
        return gradient_penalty(lambda x: critic(x).flatten(), real, fake, random.manual_seed(1))

    value().backward()
    # Against a central difference: the double backward is right.
    weight.data[0, 0, 0, 0] += 1e-5
    more = value().item()
    weight.data[0, 0, 0, 0] -= 2e-5
    less = value().item()
    assert weight.grad[0, 0, 0, 0].item() == pytest.approx((more - less) / 2e-5, rel=1e-5)
    assert real.grad is None
