"""Adversarial losses: small classes that read like their papers, one file each, registered by name.

A loss compares the discriminator's raw outputs (float32, shape ``(n,)``) with labels, says what to show of such
an output, and what it needs of the discriminator: its normalisation, how many of its steps go to one of the
generator, and which terms (a gradient penalty, clipped weights) belong to it. The names are in
`ganlib.names.LOSSES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

from torch import Tensor

from ganlib.config import Norm, TrainConfig
from ganlib.losses.regularisers import Regulariser

Outputs = Callable[[], Tensor]
"""What computes the discriminator's outputs ``(n,)`` on a batch of pictures."""


@dataclass(frozen=True)
class Labels:
    """The answers that are wanted of the discriminator, as tensors on its device; plain GANs have 1, 0 and 1.

    Attributes:
        real: The answer for real pictures, a scalar or one for each, ``(n,)``.
        fake: The answer for generated pictures, a scalar or one for each, ``(n,)``.
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
    """Steps of the discriminator for one of the generator where the spec names no number."""
    probabilities: ClassVar[bool] = False
    """Whether scores are probabilities of being real, so that 0 and 1 mean saturation."""

    @classmethod
    def of(cls, train: TrainConfig) -> Self:
        """Make the loss with its numbers from a spec."""
        return cls()

    def regularisers(self, train: TrainConfig) -> list[Regulariser]:
        """List the terms and limits of the discriminator that belong to this loss."""
        return []

    def discriminator(self, real: Tensor, fake: Tensor, labels: Labels) -> Tensor:
        """Compute the discriminator's loss, a scalar, of its outputs ``(n,)`` on real and fake pictures."""
        raise NotImplementedError

    def generator(self, fake: Tensor, real: Outputs) -> Tensor:
        """Compute the generator's loss, a scalar.

        Args:
            fake: The discriminator's outputs on generated pictures, ``(n,)``.
            real: Computes its outputs on real pictures, without a gradient; a loss that does not call it does not
                pay for them.
        """
        raise NotImplementedError

    def score(self, output: Tensor) -> Tensor:
        """Convert an output to what is shown of it: the value itself, where it is no probability."""
        return output

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the output, a scalar, above which a picture is taken for real."""
        return real.new_zeros(())
