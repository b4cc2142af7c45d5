"""Adversarial losses. A loss is a small class that reads like its paper.

Each has ``discriminator(real, fake, smoothing)`` and ``generator(fake)`` on the discriminator's raw outputs
(float32, shape ``(n,)``), ``score`` (what to show of such an output), and says what it needs of the
discriminator: its normalisation, how many of its steps go to one of the generator, and whether its gradient
is penalised. They are registered by name in `ganlib.config.LOSSES`.
"""

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Critic = Callable[[Tensor], Tensor]


class NonSaturating:
    """Binary cross-entropy with logits; the generator's loss does not saturate.

    Goodfellow et al., "Generative Adversarial Nets", 2014, https://arxiv.org/abs/1406.2661, section 3.
    ``smoothing`` multiplies the loss on real pictures, as the anime-face studies did it (1.0 = off).
    """

    norm: ClassVar[Literal["batch", "none"]] = "batch"
    critic_steps: ClassVar[int] = 1
    penalised: ClassVar[bool] = False
    probabilities: ClassVar[bool] = True
    """Whether scores are probabilities of being real, so that 0 and 1 mean saturation."""

    def discriminator(self, real: Tensor, fake: Tensor, smoothing: Tensor) -> Tensor:
        """-E[log D(x)] * smoothing - E[log(1 - D(G(z)))]."""
        return smoothing * F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """-E[log D(G(z))]."""
        return F.softplus(-fake).mean()

    def score(self, output: Tensor) -> Tensor:
        """The probability of being real."""
        return torch.sigmoid(output)


class LeastSquares:
    """Least squares with targets a = 0, b = c = 1.

    Mao et al., "Least Squares Generative Adversarial Networks", 2016, https://arxiv.org/abs/1611.04076,
    equations 2 and 9 (with their factors of 1/2).
    """

    norm: ClassVar[Literal["batch", "none"]] = "batch"
    critic_steps: ClassVar[int] = 1
    penalised: ClassVar[bool] = False
    probabilities: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor, smoothing: Tensor) -> Tensor:
        """E[(D(x) - b)^2] / 2 * smoothing + E[(D(G(z)) - a)^2] / 2."""
        return smoothing * 0.5 * (real - 1).square().mean() + 0.5 * fake.square().mean()

    def generator(self, fake: Tensor) -> Tensor:
        """E[(D(G(z)) - c)^2] / 2."""
        return 0.5 * (fake - 1).square().mean()

    def score(self, output: Tensor) -> Tensor:
        """The raw output: near 1 is real, near 0 is fake."""
        return output


class WassersteinGP:
    """Wasserstein distance with a gradient penalty.

    Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, https://arxiv.org/abs/1704.00028,
    algorithm 1. The critic has no batch normalisation and takes five steps to one of the generator.
    """

    norm: ClassVar[Literal["batch", "none"]] = "none"
    critic_steps: ClassVar[int] = 5
    penalised: ClassVar[bool] = True
    probabilities: ClassVar[bool] = False

    def discriminator(self, real: Tensor, fake: Tensor, smoothing: Tensor) -> Tensor:
        """E[D(G(z))] - smoothing * E[D(x)]."""
        return fake.mean() - smoothing * real.mean()

    def generator(self, fake: Tensor) -> Tensor:
        """-E[D(G(z))]."""
        return -fake.mean()

    def score(self, output: Tensor) -> Tensor:
        """The critic's value."""
        return output


Loss = NonSaturating | LeastSquares | WassersteinGP


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    """E[(||grad D(x_hat)||_2 - 1)^2] on points x_hat drawn between real and fake pictures.

    Args:
        critic: pictures ``(n, c, h, w)`` to values ``(n,)``.
        real: ``(n, c, h, w)``.
        fake: the same shape, without a gradient.
        generator: the RNG of the mixing weights, on the pictures' device.

    Returns:
        A scalar that can be differentiated with respect to the critic's weights.
    """
    share = torch.rand((len(real), 1, 1, 1), generator=generator, device=real.device, dtype=real.dtype)
    between = torch.lerp(real, fake, share).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return (norms - 1).square().mean()
