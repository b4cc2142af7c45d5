"""R3GAN: residual blocks with grouped convolutions, and nothing else.

Huang et al., "The GAN is dead; long live the GAN! A Modern GAN Baseline", 2024, https://arxiv.org/abs/2501.05441,
section 3, configuration E: no styles, no noise, no normalisation, no minibatch statistics, no skips to the picture. A
block is a 1x1 convolution to twice the maps, a grouped 3x3 and a 1x1 back, with leaky ReLUs between them; the last one
begins at 0 and the others are scaled down by the number of blocks (Zhang et al., "Fixup Initialization", 2019,
https://arxiv.org/abs/1901.09321). Sizes change by bilinear interpolation, and a 1x1 convolution where the maps do. The
generator begins with learned 4x4 maps, each times a number that is linear in the latent, and the discriminator, its
mirror image, ends with as many 4x4 windows and a linear layer. Written from the paper.

Feature maps at ``width`` 64, and blocks for each side:

======= ====== ===== === === === === === ===
variant blocks patch 4   8   16  32  64  128
simple  1      2     512 256 128 64  32
paper   2      1     768 768 768 768 384 192
======= ====== ===== === === === === === ===

``paper`` with ``latent_dim`` 64 is the paper's network for CIFAR-10 at 32 px (20.7 million weights in each of the two
networks) and its network for FFHQ at 64 px (22.4 million each).

``simple`` is for a processor, where a block costs by its pixels more than by its weights (``benchmarks/grouped.py``):
its last maps each show 2x2 pixels at once, so that the pictures that it makes are twice as large, and it has few maps
where there are many pixels.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganlib.config import ModelConfig, Norm
from ganlib.data.alpha import RGB
from ganlib.models.conditioning import Projection, judged, parted
from ganlib.models.family import Family
from ganlib.models.styles.layers import SLOPE, activate

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
    patch: int = 1
    """Side of the squares of pixels that the maps of the last size show."""


_VARIANTS = {
    "simple": _Variant(1, (512, 256, 128, 64, 32), patch=2),
    "paper": _Variant(2, (768, 768, 768, 768, 384, 192)),
}


class Pointwise(nn.Linear):
    """A 1x1 convolution as the matrix product that it is, which is faster where derivatives are taken twice."""

    def forward(self, input: Tensor) -> Tensor:
        """Map ``(n, in_features, h, w)``, best channels-last, to ``(n, out_features, h, w)``."""
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def pointwise(inputs: int, outputs: int, gain: float = 1.0, bias: bool = False) -> Pointwise:
    """Make a 1x1 convolution."""
    made = Pointwise(inputs, outputs, bias)
    _draw(made, gain)
    return made


def _draw(layer: nn.Conv2d | nn.Linear, gain: float) -> None:
    """Draw weights of He's variance for ``gain``; the bias begins at 0."""
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class Block(nn.Module):
    """A residual block, the identity at first.

    Args:
        maps: In and out.
        blocks: Of the whole network, for the scale of the initial weights.
    """

    def __init__(self, maps: int, blocks: int) -> None:
        super().__init__()
        inner, gain = EXPANSION * maps, GAIN * blocks**-0.25
        self.expand = pointwise(maps, inner, gain, bias=True)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=inner // GROUP)
        _draw(self.mix, gain)
        self.shrink = pointwise(inner, maps, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, maps, h, w)`` to its own shape."""
        change: Tensor = self.shrink(activate(self.mix(activate(self.expand(x)))))
        return x + change


class Double(nn.Module):
    """Bilinear interpolation to twice the size, and another number of maps; the 1x1 is cheaper before it."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.change = pointwise(before, after) if before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, before, h, w)`` to ``(n, after, 2 h, 2 w)``."""
        return F.interpolate(self.change(x), scale_factor=2, mode="bilinear", align_corners=False)


class Halve(nn.Module):
    """Bilinear interpolation to half the size, the mean of 2x2 pixels, and another number of maps."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.change = pointwise(before, after) if before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, before, h, w)`` to ``(n, after, h / 2, w / 2)``."""
        halved: Tensor = self.change(F.avg_pool2d(x, 2))
        return halved


class Generator(nn.Module):
    """A network from latents to pictures.

    Shape:
        - input: ``(n, latent_dim)``, standard normal; with classes from `ganlib.models.conditioning.joined`
        - output: ``(n, colours, size, size)``, meant for [-1, 1] but unbounded: there is no tanh
    """

    def __init__(
        self,
        latent_dim: int,
        maps: list[int],
        blocks: int,
        patch: int = 1,
        colours: int = RGB,
        classes: int = 0,
    ) -> None:
        super().__init__()
        self.latent_dim, self.patch, self.size = latent_dim, patch, patch * 4 << (len(maps) - 1)
        self.classes = classes
        self.embedding = nn.Embedding(classes, latent_dim) if classes else None
        self.basis = nn.Parameter(torch.randn(maps[0], 4, 4))
        self.modulate = nn.Linear(latent_dim * (2 if classes else 1), maps[0], bias=False)
        _draw(self.modulate, 1.0)
        stages = [_stage(maps[0], blocks, blocks * len(maps))]
        for before, after in pairwise(maps):
            stages += [Double(before, after), _stage(after, blocks, blocks * len(maps))]
        self.stages = nn.Sequential(*stages)
        self.to_rgb = pointwise(maps[-1], colours * patch**2)
        # At first all pixels of a patch are equal, or pictures begin as chequerboards (Aitken et al., 2017).
        with torch.no_grad():
            self.to_rgb.weight.copy_(self.to_rgb.weight[:: patch**2].repeat_interleave(patch**2, 0))

    def forward(self, inputs: Tensor) -> Tensor:
        """Make the pictures of latents."""
        latents, classes = parted(inputs, self.classes)
        if self.embedding is not None:
            latents = torch.cat([latents, self.embedding(classes)], 1)
        x = self.basis * self.modulate(latents)[:, :, None, None]
        x = x.contiguous(memory_format=torch.channels_last)
        return F.pixel_shuffle(self.to_rgb(self.stages(x)), self.patch)


class Discriminator(nn.Module):
    """A network from pictures to one value each.

    Shape:
        - input: ``(n, colours, size, size)``, in [-1, 1]
        - output: ``(n,)``, unbounded
    """

    def __init__(
        self, maps: list[int], blocks: int, patch: int = 1, colours: int = RGB, classes: int = 0
    ) -> None:
        super().__init__()
        maps, self.patch = maps[::-1], patch
        self.from_rgb = pointwise(colours * patch**2, maps[0])
        stages = [_stage(maps[0], blocks, blocks * len(maps))]
        for before, after in pairwise(maps):
            stages += [Halve(before, after), _stage(after, blocks, blocks * len(maps))]
        self.stages = nn.Sequential(*stages)
        self.basis = nn.Parameter(torch.randn(maps[-1], 4, 4) / 4)
        self.head = nn.Linear(maps[-1], 1, bias=False)
        _draw(self.head, 1.0)
        self.projection = Projection(classes, maps[-1], maps[-1] ** -0.5) if classes else None

    def forward(self, pictures: Tensor, classes: Tensor | None = None) -> Tensor:
        """Compute one value a picture, of the classes ``(n,)`` where there are some."""
        x = self.stages(self.from_rgb(F.pixel_unshuffle(pictures, self.patch)))
        features = (x * self.basis.to(x.dtype)).sum((2, 3))
        return judged(self.head(features).flatten(), self.projection, features, classes)


def _stage(maps: int, blocks: int, all_blocks: int) -> nn.Module:
    """Make the blocks of one size."""
    return nn.Sequential(*(Block(maps, all_blocks) for _ in range(blocks)))


def _maps(config: ModelConfig, size: int) -> list[int]:
    """List the numbers of maps from 4 px to the last size."""
    variant = _VARIANTS[config.variant]
    literal = variant.maps[: (size // variant.patch // 4).bit_length()]
    return [max(1, round(maps * config.width / 64 / LEAST)) * LEAST for maps in literal]


def build_generator(config: ModelConfig, size: int, channels: int = RGB, classes: int = 0) -> Generator:
    """Build the generator, with freshly drawn weights (torch's global RNG): all that an export needs."""
    variant = _VARIANTS[config.variant]
    return Generator(config.latent_dim, _maps(config, size), variant.blocks, variant.patch, channels, classes)


def build_discriminator(
    config: ModelConfig, size: int, norm: Norm, channels: int = RGB, classes: int = 0
) -> Discriminator:
    """Build the discriminator, with freshly drawn weights; it has no normalisation, whatever a loss asks for."""
    variant = _VARIANTS[config.variant]
    return Discriminator(_maps(config, size), variant.blocks, variant.patch, channels, classes)


def _layers(discriminator: Discriminator) -> list[list[nn.Module]]:
    """Give the layer from RGB with the stage of full size, each halving with the stage behind it, and the end."""
    first, *rest = discriminator.stages
    stages = [[halve, stage] for halve, stage in zip(rest[::2], rest[1::2], strict=True)]
    return [[discriminator.from_rgb, first], *stages, [discriminator.head]]


R3GAN = Family(build_generator, build_discriminator, _layers)
