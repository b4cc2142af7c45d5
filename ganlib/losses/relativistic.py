"""Relativistic pairing: the discriminator says which of two pictures is the real one.

Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard GAN", 2018,
https://arxiv.org/abs/1807.00734, section 4; Huang et al., "The GAN is dead; long live the GAN! A Modern GAN Baseline"
(R3GAN), 2024, https://arxiv.org/abs/2501.05441, section 2, which adds R1 and R2 (`ganlib.losses.regularisers`) and
proves that training then converges locally.
"""

from torch import Tensor
from torch.nn.functional import softplus

from ganlib.losses import Labels, Loss, Outputs


class RelativisticPairing(Loss):
    """E[softplus(-(D(x) - D(G(z))))], and E[softplus(-(D(G(z)) - D(x)))] for the generator; pairs share an index.

    Only differences count, so that outputs have no zero: what is shown of them are plain values, as of a critic.
    Where there are several times as many generated pictures as real ones, each real one is in so many pairs.
    """

    def discriminator(self, real: Tensor, fake: Tensor, labels: Labels) -> Tensor:
        """Compute the loss of the pairs, which compares with no labels and has no half of real pictures alone."""
        return softplus(fake - _beside(real, fake)).mean()

    def generator(self, fake: Tensor, real: Outputs) -> Tensor:
        """Compute the loss of the pairs the other way round."""
        return softplus(_beside(real(), fake) - fake).mean()

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the point half-way between the two means."""
        return (real.mean() + fake.mean()) / 2


def _beside(real: Tensor, fake: Tensor) -> Tensor:
    """Repeat outputs on real pictures, ``(n, ...)``, so that there is one for each of ``(k * n, ...)``."""
    return real.repeat(len(fake) // len(real), *[1] * (real.dim() - 1))
