"""Regularisers that keep a discriminator smooth: terms that are added to its loss, and limits on its weights.

A loss brings those that belong to it (`ganlib.losses.Loss.regularisers`); a spec may add others.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from ganlib.config import TrainConfig

Critic = Callable[[Tensor], Tensor]


class Scalars(Protocol):
    """Numbers of the configuration as scalars on the device (`ganlib.training.numbers.Numbers`, or a dict)."""

    def __getitem__(self, key: str, /) -> Tensor:
        """Return the scalar of a key."""


class Regulariser:
    """The base of all regularisers: no term, no limit.

    A term that comes only at every ``every``-th step of the discriminator is added ``every`` times (Karras et al.,
    "Analyzing and Improving the Image Quality of StyleGAN", 2020, https://arxiv.org/abs/1912.04958, section 3.1).
    """

    every: int = 1

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
        """Compute the term, a scalar that can be differentiated with respect to the critic's weights.

        Args:
            critic: pictures ``(n, c, h, w)`` to values ``(n,)``.
            real: ``(n, c, h, w)`` float32, as the critic sees them.
            fake: of the shape of ``real``, without a gradient.
            random: the RNG, on the pictures' device.
        """
        return real.new_zeros(())

    def limit(self, critic: nn.Module) -> None:
        """Change the weights after each step of the discriminator's optimizer."""


class GradientPenalty(Regulariser):
    """weight * E[(||grad D(x_hat)||_2 - 1)^2] on points x_hat drawn between real and fake pictures.

    Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, https://arxiv.org/abs/1704.00028.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
        """Compute the penalty; see `Regulariser.penalty`."""
        share = torch.rand((len(real), 1, 1, 1), generator=random, device=real.device, dtype=real.dtype)
        gradient = _slope(critic, torch.lerp(real, fake, share))
        norms: Tensor = torch.linalg.vector_norm(gradient, dim=1)
        return self.weight * (norms - 1).square().mean()


class R1(Regulariser):
    """gamma / 2 * E[||grad D(x)||^2] on real pictures.

    Mescheder, Geiger & Nowozin, "Which Training Methods for GANs do actually Converge?", 2018,
    https://arxiv.org/abs/1801.04406, equation 9.
    """

    def __init__(self, gamma: float | Tensor, every: int = 1) -> None:
        self.gamma, self.every = gamma, every

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
        """Compute the penalty; see `Regulariser.penalty`."""
        return self.gamma / 2 * _slope(critic, real).square().sum(1).mean()


class WeightClipping(Regulariser):
    """A limit that keeps every weight of the critic within [-bound, bound].

    Arjovsky, Chintala & Bottou, "Wasserstein GAN", 2017, https://arxiv.org/abs/1701.07875, algorithm 1.
    """

    def __init__(self, bound: float) -> None:
        self.bound = bound

    @torch.no_grad()
    def limit(self, critic: nn.Module) -> None:
        """Clip all parameters, as in the paper's own code; running statistics are none."""
        weights: list[Tensor] = list(critic.parameters())
        torch._foreach_clamp_min_(weights, -self.bound)
        torch._foreach_clamp_max_(weights, self.bound)


def _slope(critic: Critic, pictures: Tensor) -> Tensor:
    """Compute the gradient ``(n, c * h * w)`` of each picture's value; it can be differentiated again."""
    points = pictures.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return gradient.flatten(1)


def of_spec(train: TrainConfig, numbers: Scalars) -> list[Regulariser]:
    """List the regularisers that the spec adds to any loss.

    Args:
        train: Which of them, and how often.
        numbers: Their weights, by their keys in ``train``: scalars that may change in training.
    """
    return [R1(numbers["r1_gamma"], train.r1_every)] if train.r1_gamma else []
