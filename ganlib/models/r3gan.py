"""R3GAN: residual blocks with grouped convolutions, and nothing else.

Huang et al., "The GAN is dead; long live the GAN! A Modern GAN Baseline", 2024, https://arxiv.org/abs/2501.05441,
section 3, configuration E: no styles, no noise, no normalisation, no minibatch statistics, no skips to the picture. A
block is a 1x1 convolution to twice the maps, a grouped 3x3 and a 1x1 back, with leaky ReLUs between them; the last one
begins at 0 and the others are scaled down by the number of blocks (Zhang et al., "Fixup Initialization", 2019,
https://arxiv.org/abs/1901.09321). Sizes change by bilinear interpolation, and a 1x1 convolution where the maps do. The
generator begins with learned 4x4 maps, each times a number that is linear in the latent, and the discriminator, its
mirror image, ends with as many 4x4 windows and a linear layer. Written from the paper.

Feature maps at ``width`` 64, and blocks for each side:

======= ====== === === === === === ===
variant blocks 4   8   16  32  64  128
simple  1      512 512 256 128 64  32
paper   2      768 768 768 768 384 192
======= ====== === === === === === ===

``paper`` with ``latent_dim`` 64 is the paper's network for CIFAR-10 at 32 px (20.7 million weights in each of the two
networks) and its network for FFHQ at 64 px (22.4 million each). ``simple`` has few maps where there are many pixels,
because on a processor a block costs by its pixels (``benchmarks/grouped.py``).
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganlib.config import ModelConfig, Norm
from ganlib.data.alpha import RGB
from ganlib.models.family import Family
from ganlib.models.style_layers import SLOPE, activate

GROUP = 16
"""Maps in a group of the 3x3 convolution."""
EXPANSION = 2
"""How many times as many maps as outside there are within a block."""
GAIN = math.sqrt(2 / (1 + SLOPE**2))
"""He's gain for a leaky ReLU."""
LEAST = GROUP // EXPANSION
"""Numbers of maps are multiples of this, so that groups are whole."""


@dataclass(frozen=True)
class _Variant:
    blocks: int
    maps: tuple[int, ...]
    """At 4 px, 8 px and so on, at ``width`` 64."""


_VARIANTS = {
    "simple": _Variant(1, (512, 512, 256, 128, 64, 32)),
    "paper": _Variant(2, (768, 768, 768, 768, 384, 192)),
}


def convolution(
    inputs: int, outputs: int, kernel: int = 1, gain: float = 1.0, groups: int = 1, bias: bool = False
) -> nn.Conv2d:
    """Make a convolution that keeps the size, with weights of He's variance for ``gain``; the bias begins at 0."""
    made = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=bias)
    nn.init.normal_(made.weight, 0.0, gain / math.sqrt(made.weight[0].numel()))
    if made.bias is not None:
        nn.init.zeros_(made.bias)
    return made


class Block(nn.Module):
    """A residual block, the identity at first.

    Args:
        maps: In and out.
        blocks: Of the whole network, for the scale of the initial weights.
    """

    def __init__(self, maps: int, blocks: int) -> None:
        super().__init__()
        inner, gain = EXPANSION * maps, GAIN * blocks**-0.25
        self.expand = convolution(maps, inner, gain=gain, bias=True)
        self.mix = convolution(inner, inner, 3, gain=gain, groups=inner // GROUP, bias=True)
        self.shrink = convolution(inner, maps, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, maps, h, w)`` to its own shape."""
        change: Tensor = self.shrink(activate(self.mix(activate(self.expand(x)))))
        return x + change


class Double(nn.Module):
    """Bilinear interpolation to twice the size, and another number of maps; the 1x1 is cheaper before it."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.change = convolution(before, after) if before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, before, h, w)`` to ``(n, after, 2 h, 2 w)``."""
        return F.interpolate(self.change(x), scale_factor=2, mode="bilinear", align_corners=False)


class Halve(nn.Module):
    """Bilinear interpolation to half the size, the mean of 2x2 pixels, and another number of maps."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.change = convolution(before, after) if before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, before, h, w)`` to ``(n, after, h / 2, w / 2)``."""
        halved: Tensor = self.change(F.avg_pool2d(x, 2))
        return halved


class Generator(nn.Module):
    """A network from latents to pictures.

    Shape:
        - input: ``(n, latent_dim)``, standard normal
        - output: ``(n, colours, size, size)``, meant for [-1, 1] but unbounded: there is no tanh
    """

    def __init__(self, latent_dim: int, maps: list[int], blocks: int, colours: int = RGB) -> None:
        super().__init__()
        self.latent_dim, self.size = latent_dim, 4 << (len(maps) - 1)
        self.basis = nn.Parameter(torch.randn(maps[0], 4, 4))
        self.modulate = nn.Linear(latent_dim, maps[0], bias=False)
        nn.init.normal_(self.modulate.weight, 0.0, 1 / math.sqrt(latent_dim))
        stages = [_stage(maps[0], blocks, blocks * len(maps))]
        for before, after in pairwise(maps):
            stages += [Double(before, after), _stage(after, blocks, blocks * len(maps))]
        self.stages = nn.Sequential(*stages)
        self.to_rgb = convolution(maps[-1], colours)

    def forward(self, latents: Tensor) -> Tensor:
        """Make the pictures of latents."""
        x = self.basis * self.modulate(latents)[:, :, None, None]
        x = x.contiguous(memory_format=torch.channels_last)
        pictures: Tensor = self.to_rgb(self.stages(x))
        return pictures


class Discriminator(nn.Module):
    """A network from pictures to one value each.

    Shape:
        - input: ``(n, colours, size, size)``, in [-1, 1]
        - output: ``(n,)``, unbounded
    """

    def __init__(self, maps: list[int], blocks: int, colours: int = RGB) -> None:
        super().__init__()
        maps = maps[::-1]
        self.from_rgb = convolution(colours, maps[0])
        stages = [_stage(maps[0], blocks, blocks * len(maps))]
        for before, after in pairwise(maps):
            stages += [Halve(before, after), _stage(after, blocks, blocks * len(maps))]
        self.stages = nn.Sequential(*stages)
        self.basis = nn.Parameter(torch.randn(maps[-1], 4, 4) / 4)
        self.head = nn.Linear(maps[-1], 1, bias=False)
        nn.init.normal_(self.head.weight, 0.0, 1 / math.sqrt(maps[-1]))

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute one value a picture."""
        x = self.stages(self.from_rgb(pictures))
        values: Tensor = self.head((x * self.basis.to(x.dtype)).sum((2, 3)))
        return values.flatten()


def _stage(maps: int, blocks: int, all_blocks: int) -> nn.Module:
    """Make the blocks of one size."""
    return nn.Sequential(*(Block(maps, all_blocks) for _ in range(blocks)))


def _maps(config: ModelConfig, size: int) -> list[int]:
    """List the numbers of maps from 4 px to ``size``."""
    literal = _VARIANTS[config.variant].maps[: (size // 4).bit_length()]
    return [max(1, round(maps * config.width / 64 / LEAST)) * LEAST for maps in literal]


def build_generator(config: ModelConfig, size: int, channels: int = RGB) -> Generator:
    """Build the generator, with freshly drawn weights (torch's global RNG): all that an export needs."""
    blocks = _VARIANTS[config.variant].blocks
    return Generator(config.latent_dim, _maps(config, size), blocks, channels)


def build_discriminator(config: ModelConfig, size: int, norm: Norm, channels: int = RGB) -> Discriminator:
    """Build the discriminator, with freshly drawn weights; it has no normalisation, whatever a loss asks for."""
    return Discriminator(_maps(config, size), _VARIANTS[config.variant].blocks, channels)


R3GAN = Family(build_generator, build_discriminator)
