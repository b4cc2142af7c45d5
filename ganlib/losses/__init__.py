"""Adversarial losses. A loss is a small class that reads like its paper; one file each, registered by name.

A loss compares the discriminator's raw outputs (float32, shape ``(n,)``) with labels, says what to show of such
an output, and what it needs of the discriminator: its normalisation, how many of its steps go to one of the
generator, and which terms (a gradient penalty, clipped weights) belong to it. The names are in
`ganlib.names.LOSSES`.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from torch import Tensor

from ganlib.config import Norm, TrainConfig
from ganlib.losses.regularisers import Regulariser


@dataclass(frozen=True)
class Labels:
    """What the discriminator is to answer, as tensors on its device; plain GANs have 1, 0 and 1.

    Attributes:
        real: The answer for real pictures, a scalar or one for each, ``(n,)``.
        fake: The answer for generated ones, likewise.
        smoothing: A factor on the loss of real pictures, a scalar; 1 = off.
    """

    real: Tensor
    fake: Tensor
    smoothing: Tensor


class Loss:
    """The base of all losses: what holds for most of them."""

    norm: ClassVar[Norm] = "batch"
    """The discriminator's normalisation where the spec names none."""
    critic_steps: ClassVar[int] = 1
    """Steps of the discriminator for one of the generator, likewise."""
    probabilities: ClassVar[bool] = False
    """Whether scores are probabilities of being real, so that 0 and 1 mean saturation."""

    @classmethod
    def of(cls, train: TrainConfig) -> Self:
        """The loss with its numbers from a spec."""
        return cls()

    def regularisers(self, train: TrainConfig) -> list[Regulariser]:
        """Terms and limits of the discriminator that belong to this loss."""
        return []

    def discriminator(self, real: Tensor, fake: Tensor, labels: Labels) -> Tensor:
        """The discriminator's loss, a scalar, of its outputs ``(n,)`` on real and fake pictures."""
        raise NotImplementedError

    def generator(self, fake: Tensor) -> Tensor:
        """The generator's loss, a scalar, of the discriminator's outputs ``(n,)`` on its pictures."""
        raise NotImplementedError

    def score(self, output: Tensor) -> Tensor:
        """What to show of an output: the value itself, where it is no probability."""
        return output

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor:
        """The output, a scalar, above which a picture is taken for real."""
        return real.new_zeros(())
