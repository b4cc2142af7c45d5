"""Regularisers that keep a discriminator smooth: penalties on its slope, and limits on its weights.

A loss brings those that belong to it (`ganlib.losses.Loss.regularisers`); a spec may add others.

A slope is the gradient of the discriminator's output with respect to a picture **before** it is augmented (DiffAugment,
ADA, instance noise), through the augmentation: what the generator learns from. Karras et al., "Training Generative
Adversarial Networks with Limited Data", 2020, https://arxiv.org/abs/2006.06676, and R3GAN do so too.
"""

from collections.abc import Callable
from typing import ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn

from ganlib.config import TrainConfig
from ganlib.slopes import taking

Critic = Callable[[Tensor], Tensor]
Place = Literal["real", "fake", "own"]


class Scalars(Protocol):
    """Numbers of the configuration as scalars on the device (`ganlib.steps.numbers.Numbers`, or a dict)."""

    def __getitem__(self, key: str, /) -> Tensor:
        """Return the scalar of a key."""


class Regulariser:
    """The base of all regularisers: no limit."""

    def limit(self, critic: nn.Module) -> None:
        """Change the weights after each step of the discriminator's optimizer."""


class Penalty(Regulariser):
    """A term of the discriminator's loss that is made of slopes.

    A term that comes only at every ``every``-th step of the discriminator is added ``every`` times (Karras et al.,
    "Analyzing and Improving the Image Quality of StyleGAN", 2020, https://arxiv.org/abs/1912.04958, section 3.1).
    """

    at: ClassVar[Place] = "own"
    """Where slopes are taken: at all real or generated pictures, whose outputs the loss needs too, or at points of the
    penalty's own."""
    every: int = 1

    def points(self, real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
        """Choose where slopes are taken.

        Args:
            real: ``(n, c, h, w)`` float32, before augmentation.
            fake: of the shape of ``real``, without a gradient.
            random: the RNG, on the pictures' device.

        Returns:
            Pictures of that shape.
        """
        return fake if self.at == "fake" else real

    def term(self, slope: Tensor) -> Tensor:
        """Compute the term, a scalar, of slopes ``(n, c * h * w)``."""
        raise NotImplementedError

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
        """Compute the term, a scalar that can be differentiated with respect to the critic's weights.

        Args:
            critic: pictures ``(n, c, h, w)`` to values ``(n,)``, or ``(n, patches)``, in float32.
            real: as in `points`.
            fake: as in `points`.
            random: as in `points`.
        """
        points = self.points(real, fake, random).detach().requires_grad_(True)
        return self.term(slope(critic(points), points))


class GradientPenalty(Penalty):
    """weight * E[(||grad D(x_hat)||_2 - 1)^2] on points x_hat drawn between real and fake pictures.

    Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, https://arxiv.org/abs/1704.00028.
    """

    def __init__(self, weight: float, every: int = 1) -> None:
        self.weight, self.every = weight, every

    def points(self, real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
        """Draw a point on the way from each real picture to a generated one."""
        return torch.lerp(real, fake, _shares(real, random))

    def term(self, slope: Tensor) -> Tensor:
        """Compute the squared distances of the slopes' norms from 1."""
        norms: Tensor = torch.linalg.vector_norm(slope, dim=1)
        return self.weight * (norms - 1).square().mean()


class Dragan(GradientPenalty):
    """weight * E[(||grad D(x + delta)||_2 - 1)^2] around real pictures alone.

    Kodali et al., "On Convergence and Stability of GANs" (DRAGAN), 2017, https://arxiv.org/abs/1705.07215.
    delta is the noise of the authors' code: uniform in [0, 1] for each number, times half the standard deviation of the
    batch, times a share in [0, 1] for each picture.
    """

    SPREAD = 0.5

    def points(self, real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
        """Draw a point near each real picture."""
        noise = torch.rand(real.shape, generator=random, device=real.device, dtype=real.dtype)
        return real + _shares(real, random) * self.SPREAD * real.std() * noise


class R1(Penalty):
    """gamma / 2 * E[||grad D(x)||^2] on real pictures.

    Mescheder, Geiger & Nowozin, "Which Training Methods for GANs do actually Converge?", 2018,
    https://arxiv.org/abs/1801.04406, equation 9.
    """

    at: ClassVar[Place] = "real"

    def __init__(self, gamma: float | Tensor, every: int = 1) -> None:
        self.gamma, self.every = gamma, every

    def term(self, slope: Tensor) -> Tensor:
        """Compute the squared norms of the slopes."""
        return self.gamma / 2 * slope.square().sum(1).mean()


class R2(R1):
    """gamma / 2 * E[||grad D(G(z))||^2], `R1` on all that the discriminator is to take for generated.

    Mescheder, Geiger & Nowozin, 2018, equation 10.
    """

    at: ClassVar[Place] = "fake"


class WeightClipping(Regulariser):
    """A limit that keeps every weight of the critic within [-bound, bound].

    Arjovsky, Chintala & Bottou, "Wasserstein GAN", 2017, https://arxiv.org/abs/1701.07875, algorithm 1.
    """

    def __init__(self, bound: float) -> None:
        self.bound = bound

    @torch.no_grad()
    def limit(self, critic: nn.Module) -> None:
        """Clip all parameters that learn, as in the paper's own code; running statistics are none."""
        weights: list[Tensor] = [weight for weight in critic.parameters() if weight.requires_grad]
        torch._foreach_clamp_min_(weights, -self.bound)
        torch._foreach_clamp_max_(weights, self.bound)


def slope(outputs: Tensor, pictures: Tensor) -> Tensor:
    """Compute the gradient ``(n, c * h * w)`` of each picture's output; it can be differentiated again."""
    return taking.slope(outputs.sum(), pictures).flatten(1)


def _shares(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Draw one number in [0, 1] for each picture."""
    return torch.rand(
        (len(pictures), 1, 1, 1), generator=random, device=pictures.device, dtype=pictures.dtype
    )


def of_spec(train: TrainConfig, numbers: Scalars) -> list[Regulariser]:
    """List the regularisers that the spec adds to any loss.

    Args:
        train: Which of them, and how often.
        numbers: Their weights, by their keys in ``train``: scalars that may change in training.
    """
    found: list[Regulariser] = []
    if train.r1_gamma:
        found.append(R1(numbers["r1_gamma"], train.r1_every))
    if train.r2_gamma:
        found.append(R2(numbers["r2_gamma"], train.r2_every))
    if train.dragan_weight:
        found.append(Dragan(train.dragan_weight, train.gp_every))
    return found
