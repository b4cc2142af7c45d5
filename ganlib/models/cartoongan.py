"""CartoonGAN: one generator from photographs to drawings, kept near the photograph by features of a fixed network.

Chen, Lai & Liu, "CartoonGAN: Generative Adversarial Networks for Photo Cartoonization", 2018,
https://openaccess.thecvf.com/content_cvpr_2018/html/Chen_CartoonGAN_Generative_Adversarial_CVPR_2018_paper.html,
figure 2. Here `width` stands for the paper's 64. Normalisation is instance normalisation, which suits the small batches
of translators (Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022).
"""

from torch import nn

from ganlib.config import ModelConfig, Norm
from ganlib.models.family import Family, convolutions
from ganlib.models.translator import Residual, Translator, Upsample, doubling, initialise, judged, normalised

BLOCKS = 8


def _generator(width: int, blocks: int, upsample: Upsample) -> nn.Module:
    """Make the generator, photographs ``(n, 3, h, w)`` in [-1, 1] to drawings; sides are multiples of 4."""
    w, inner = width, 4 * width
    return nn.Sequential(
        *normalised(nn.Conv2d(3, w, 7, padding=3, padding_mode="reflect"), w),
        nn.Conv2d(w, 2 * w, 3, 2, 1),
        *normalised(nn.Conv2d(2 * w, 2 * w, 3, 1, 1), 2 * w),
        nn.Conv2d(2 * w, inner, 3, 2, 1),
        *normalised(nn.Conv2d(inner, inner, 3, 1, 1), inner),
        *(Residual(inner) for _ in range(blocks)),
        doubling(inner, 2 * w, upsample),
        *normalised(nn.Conv2d(2 * w, 2 * w, 3, 1, 1), 2 * w),
        doubling(2 * w, w, upsample),
        *normalised(nn.Conv2d(w, w, 3, 1, 1), w),
        nn.Conv2d(w, 3, 7, padding=3, padding_mode="reflect"),
        nn.Tanh(),
    )


def _discriminator(width: int) -> nn.Sequential:
    """Make the discriminator of patches, seven convolutions: pictures ``(n, 3, h, w)`` to ``(n, patches)``."""
    w = width // 2  # the paper's 32
    return nn.Sequential(
        *(nn.Conv2d(3, w, 3, 1, 1), nn.LeakyReLU(0.2, True)),
        *(nn.Conv2d(w, 2 * w, 3, 2, 1), nn.LeakyReLU(0.2, True)),
        *judged(nn.Conv2d(2 * w, 4 * w, 3, 1, 1), 4 * w),
        *(nn.Conv2d(4 * w, 4 * w, 3, 2, 1), nn.LeakyReLU(0.2, True)),
        *judged(nn.Conv2d(4 * w, 8 * w, 3, 1, 1), 8 * w),
        *judged(nn.Conv2d(8 * w, 8 * w, 3, 1, 1), 8 * w),
        *(nn.Conv2d(8 * w, 1, 3, 1, 1), nn.Flatten()),
    )


def build_generator(config: ModelConfig, size: int, channels: int = 3, classes: int = 0) -> Translator:
    """Build the generator, with freshly drawn weights (torch's global RNG): all that an export needs."""
    translator = Translator(_generator(config.width, config.blocks or BLOCKS, config.upsample))
    initialise(translator, config.init_gain)
    return translator


def build_discriminator(
    config: ModelConfig, size: int, norm: Norm, channels: int = 3, classes: int = 0
) -> nn.Sequential:
    """Build the discriminator, with freshly drawn weights (torch's global RNG).

    Its normalisation is instance normalisation, whatever the loss asks for.
    """
    discriminator = _discriminator(config.width)
    initialise(discriminator, config.init_gain)
    return discriminator


CARTOONGAN = Family(build_generator, build_discriminator, convolutions)
