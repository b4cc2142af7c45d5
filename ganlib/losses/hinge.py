"""The hinge loss.

Lim & Ye, "Geometric GAN", 2017, https://arxiv.org/abs/1705.02894; Miyato et al., "Spectral Normalization for
Generative Adversarial Networks", 2018, https://arxiv.org/abs/1802.05957, equations 16 and 17.
"""

from torch import Tensor
from torch.nn.functional import relu

from ganlib.losses import Labels, Loss, Outputs


class Hinge(Loss):
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))], and -E[D(G(z))] for the generator."""

    def discriminator(self, real: Tensor, fake: Tensor, labels: Labels) -> Tensor:
        """Compute the loss of the pictures inside the margin; ``smoothing`` is a factor on the real half."""
        return labels.smoothing * relu(1 - real).mean() + relu(1 + fake).mean()

    def generator(self, fake: Tensor, real: Outputs) -> Tensor:
        """Compute -E[D(G(z))]."""
        return -fake.mean()
