"""Binary cross-entropy; the generator's loss does not saturate.

Goodfellow et al., "Generative Adversarial Nets", 2014, https://arxiv.org/abs/1406.2661, section 3.
"""

from typing import ClassVar, Self

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ganlib.config import TrainConfig
from ganlib.losses import Labels, Loss, Outputs


class NonSaturating(Loss):
    """With labels 1 and 0: -E[log D(x)] - E[log(1 - D(G(z)))], and -E[log D(G(z))] for the generator.

    Args:
        wanted: The label that the generator wants for its pictures.
    """

    probabilities: ClassVar[bool] = True

    def __init__(self, wanted: float = 1.0) -> None:
        self.wanted = wanted

    @classmethod
    def of(cls, train: TrainConfig) -> Self:
        """Make the loss with the spec's ``label_g``."""
        return cls(train.label_g)

    def discriminator(self, real: Tensor, fake: Tensor, labels: Labels) -> Tensor:
        """Compute the cross-entropy with the labels, the real half times ``smoothing``, as the studies did."""
        on_real = binary_cross_entropy_with_logits(real, labels.real.to(real).expand_as(real))
        on_fake = binary_cross_entropy_with_logits(fake, labels.fake.to(fake).expand_as(fake))
        return labels.smoothing * on_real + on_fake

    def generator(self, fake: Tensor, real: Outputs) -> Tensor:
        """Compute the cross-entropy with the wanted label."""
        return binary_cross_entropy_with_logits(fake, torch.full_like(fake, self.wanted))

    def score(self, output: Tensor) -> Tensor:
        """Convert an output to the probability of being real."""
        return torch.sigmoid(output)
