"""CycleGAN: two generators that undo each other, and two discriminators of patches.

Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", 2017,
https://arxiv.org/abs/1703.10593, appendix 7.2. In the paper's words the generator is c7s1-64, d128, d256, R256 (6 for
128 px, 9 for 256 px), u128, u64, c7s1-3, with reflection padding and instance normalisation, and the discriminator
C64-C128-C256-C512. Here `width` stands for 64.
"""

from itertools import pairwise

from torch import nn

from ganlib.config import ModelConfig, Norm
from ganlib.models.family import Family, convolutions
from ganlib.models.translator import (
    Discriminators,
    Residual,
    Translator,
    Upsample,
    doubling,
    initialise,
    judged,
    normalised,
)

BLOCKS = 9


def _generator(width: int, blocks: int, upsample: Upsample) -> nn.Module:
    """Make a generator of one direction, pictures ``(n, 3, h, w)`` in [-1, 1] to pictures; sides are multiples of 4."""
    w, inner = width, 4 * width
    return nn.Sequential(
        *normalised(nn.Conv2d(3, w, 7, padding=3, padding_mode="reflect"), w),
        *normalised(nn.Conv2d(w, 2 * w, 3, 2, 1), 2 * w),
        *normalised(nn.Conv2d(2 * w, inner, 3, 2, 1), inner),
        *(Residual(inner) for _ in range(blocks)),
        *normalised(doubling(inner, 2 * w, upsample), 2 * w),
        *normalised(doubling(2 * w, w, upsample), w),
        nn.Conv2d(w, 3, 7, padding=3, padding_mode="reflect"),
        nn.Tanh(),
    )


def _discriminator(width: int) -> nn.Sequential:
    """Make a discriminator that judges patches of 70 px: pictures ``(n, 3, h, w)`` to ``(n, patches)``."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    for before, after in pairwise([width, 2 * width, 4 * width, 8 * width]):
        stride = 1 if after == 8 * width else 2
        layers += judged(nn.Conv2d(before, after, 4, stride, 1), after)
    return nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1), nn.Flatten())


def build_generator(config: ModelConfig, size: int, channels: int = 3, classes: int = 0) -> Translator:
    """Build both generators, with freshly drawn weights (torch's global RNG): all that an export needs."""
    blocks = config.blocks or BLOCKS
    forth, back = (_generator(config.width, blocks, config.upsample) for _ in range(2))
    translator = Translator(forth, back)
    initialise(translator, config.init_gain)
    return translator


def build_discriminator(
    config: ModelConfig, size: int, norm: Norm, channels: int = 3, classes: int = 0
) -> Discriminators:
    """Build both discriminators, with freshly drawn weights (torch's global RNG).

    Their normalisation is instance normalisation, whatever the loss asks for.
    """
    discriminators = Discriminators(_discriminator(config.width), _discriminator(config.width))
    initialise(discriminators, config.init_gain)
    return discriminators


def _layers(discriminators: Discriminators) -> list[list[nn.Module]]:
    """Give the layers of both discriminators, side by side."""
    both = (convolutions(one) for one in (discriminators.drawings, discriminators.photos))
    return [[*drawings, *photos] for drawings, photos in zip(*both, strict=True)]


CYCLEGAN = Family(build_generator, build_discriminator, _layers)
