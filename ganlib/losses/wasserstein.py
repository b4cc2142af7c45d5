"""The Wasserstein distance, estimated by a critic whose slope is limited.

Arjovsky, Chintala & Bottou, "Wasserstein GAN", 2017, https://arxiv.org/abs/1701.07875, algorithm 1, limits it by
clipping the weights; Gulrajani et al., "Improved Training of Wasserstein GANs", 2017,
https://arxiv.org/abs/1704.00028, algorithm 1, by a penalty on the gradient, for which the critic must not have
batch normalisation. Both papers give the critic five steps to one of the generator.
"""

from typing import ClassVar

from torch import Tensor

from ganlib.config import Norm, TrainConfig
from ganlib.losses import Labels, Loss, Outputs
from ganlib.losses.regularisers import GradientPenalty, Regulariser, WeightClipping


class Wasserstein(Loss):
    """E[D(G(z))] - E[D(x)], and -E[D(G(z))] for the generator; weights are clipped to +- ``clip``."""

    critic_steps: ClassVar[int] = 5

    def regularisers(self, train: TrainConfig) -> list[Regulariser]:
        """List the clipping of weights."""
        return [WeightClipping(train.clip)]

    def discriminator(self, real: Tensor, fake: Tensor, labels: Labels) -> Tensor:
        """Compute the loss, which compares with no labels; ``smoothing`` is a factor on the real half."""
        return fake.mean() - labels.smoothing * real.mean()

    def generator(self, fake: Tensor, real: Outputs) -> Tensor:
        """Compute -E[D(G(z))]."""
        return -fake.mean()

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the point half-way between the two means: a critic's values have no zero of their own."""
        return (real.mean() + fake.mean()) / 2


class WassersteinGP(Wasserstein):
    """`Wasserstein` with a gradient penalty in place of the clipping, and a critic without batch normalisation."""

    norm: ClassVar[Norm] = "none"

    def regularisers(self, train: TrainConfig) -> list[Regulariser]:
        """List the gradient penalty, ``gp_weight`` times."""
        return [GradientPenalty(train.gp_weight, train.gp_every)]
