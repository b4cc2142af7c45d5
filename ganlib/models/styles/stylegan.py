"""StyleGAN, a mapping network, a learned constant, and styles that set the statistics of every layer.

Karras, Laine & Aila, "A Style-Based Generator Architecture for Generative Adversarial Networks", 2019,
https://arxiv.org/abs/1812.04948. The discriminator and the growing of both networks are those of Karras et al.,
"Progressive Growing of GANs for Improved Quality, Stability, and Variation", 2017,
https://arxiv.org/abs/1710.10196, table 2.

With ``width`` 64 and ``latent_dim`` 512 the feature maps are the paper's:

====== === === === === === ===
side   4   8   16  32  64  128
maps   512 512 512 512 256 128
====== === === === === === ===

Upsampling is bilinear, as the paper's configuration B made it, the RGB of a picture linear (no tanh). Left out are
the paper's larger batches for small pictures.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganlib.config import ModelConfig, Norm
from ganlib.data.alpha import RGB
from ganlib.models.family import Family
from ganlib.models.styles.generator import StyleGenerator, sides_of
from ganlib.models.styles.growing import Growth
from ganlib.models.styles.layers import (
    EPSILON,
    EqualizedConv,
    EqualizedLinear,
    Noise,
    StyleHead,
    activate,
    at_least_float32,
    channels,
)


class AdaIN(nn.Module):
    """A layer that normalises each map, then gives it the mean and the scale that the style says (equation 1)."""

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        self.affine = EqualizedLinear(latent_dim, 2 * width, gain=1.0)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Normalise maps ``(n, width, h, w)``, and apply a style ``(n, latent_dim)``."""
        with torch.autocast(x.device.type, enabled=False):
            scale, shift = self.affine(style)[:, :, None, None].chunk(2, 1)
            variance, mean = torch.var_mean(at_least_float32(x), (2, 3), correction=0, keepdim=True)
            factor = (scale + 1) * torch.rsqrt(variance + EPSILON)
            offset = shift - mean * factor
        return torch.addcmul(offset.to(x.dtype), x, factor.to(x.dtype))


class StyledLayer(nn.Module):
    """Convolution, noise with a learned strength for each map, bias, leaky ReLU, AdaIN."""

    def __init__(
        self, inputs: int, width: int, side: int, latent_dim: int, conv: Literal["none", "same", "double"]
    ) -> None:
        super().__init__()
        self.conv = None if conv == "none" else EqualizedConv(inputs, width, size=conv, bias=False)
        self.noise = Noise(side)
        self.strength = nn.Parameter(torch.zeros(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.adain = AdaIN(latent_dim, width)

    def forward(self, x: Tensor, style: Tensor, random: torch.Generator | None) -> Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, width, side, side)``, with a style ``(n, latent_dim)``."""
        x = x if self.conv is None else self.conv(x)
        strength, bias = (value[:, None, None].to(x.dtype) for value in (self.strength, self.bias))
        x = activate(x + strength * self.noise(x, random) + bias)
        styled: Tensor = self.adain(x, style)
        return styled


class Block(nn.Module):
    """The two layers of one size; the first size has the constant in place of the first convolution."""

    def __init__(self, inputs: int, width: int, side: int, latent_dim: int) -> None:
        super().__init__()
        self.first = StyledLayer(inputs, width, side, latent_dim, "none" if side == 4 else "double")
        self.second = StyledLayer(width, width, side, latent_dim, "same")

    def forward(self, x: Tensor, styles: Tensor, random: torch.Generator | None) -> Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, width, side, side)``, with two styles ``(n, 2, latent_dim)``."""
        x = self.first(x, styles[:, 0], random)
        out: Tensor = self.second(x, styles[:, 1], random)
        return out


class Generator(StyleGenerator):
    """StyleGAN's generator, a `StyleGenerator`; until it has grown, its small pictures are shown enlarged."""

    def __init__(
        self,
        latent_dim: int,
        size: int,
        width: int,
        mapping_layers: int = 8,
        colours: int = RGB,
        classes: int = 0,
    ) -> None:
        super().__init__(latent_dim, size, mapping_layers, classes)
        widths = [channels(side, width) for side in self.sides]
        self.constant = nn.Parameter(torch.ones(widths[0], 4, 4))
        self.blocks = nn.ModuleList(
            Block(before, after, side, latent_dim)
            for before, after, side in zip([widths[0], *widths], widths, self.sides, strict=False)
        )
        self.to_rgb = nn.ModuleList(EqualizedConv(maps, colours, kernel=1, gain=1.0) for maps in widths)
        self.growth = Growth(len(widths) - 1)

    def synthesize(self, styles: Tensor, random: torch.Generator | None = None) -> Tensor:
        """Make pictures of styles; see `StyleGenerator.synthesize`."""
        small = self.grown(styles, random)
        return small if small.shape[-1] == self.size else F.interpolate(small, size=self.size, mode="nearest")

    def grown(self, styles: Tensor, random: torch.Generator | None = None) -> Tensor:
        """Make the pictures of styles at the size to which the network has grown."""
        n = styles.shape[0]  # not len(): a trace would take it for a constant
        x = self.constant[None].expand(n, -1, -1, -1).contiguous(memory_format=torch.channels_last)
        before, reached = x, self.growth.reached
        for i in range(reached + 1):
            before, x = x, self.blocks[i](x, styles[:, 2 * i : 2 * i + 2], random)
        pictures: Tensor = self.to_rgb[reached](x)
        if self.growth.fading:
            enlarged = F.interpolate(self.to_rgb[reached - 1](before), scale_factor=2, mode="nearest")
            pictures = self.growth(enlarged, pictures)
        return pictures


class DiscriminatorBlock(nn.Module):
    """Two convolutions, the second of which halves the picture."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.first = EqualizedConv(inputs, inputs)
        self.second = EqualizedConv(inputs, width, size="half")

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, width, h / 2, w / 2)``."""
        return activate(self.second(activate(self.first(x))))


class Discriminator(nn.Module):
    """A network from pictures to one value each.

    Shape:
        - input: ``(n, colours, side, side)``, of the size to which the network has grown
        - output: ``(n,)``, unbounded
    """

    def __init__(self, size: int, width: int, colours: int = RGB, classes: int = 0) -> None:
        sides = sides_of(size)
        super().__init__()
        widths = [channels(side, width) for side in sides]
        self.from_rgb = nn.ModuleList(EqualizedConv(colours, maps, kernel=1) for maps in widths)
        # Block i leads from the side of from_rgb[i + 1] to that of from_rgb[i].
        self.blocks = nn.ModuleList(DiscriminatorBlock(large, small) for small, large in pairwise(widths))
        self.head = StyleHead(widths[0], classes)
        self.growth = Growth(len(widths) - 1)

    def forward(self, pictures: Tensor, classes: Tensor | None = None) -> Tensor:
        """Compute one value a picture, of the classes ``(n,)`` where there are some."""
        reached = self.growth.reached
        x = activate(self.from_rgb[reached](pictures))
        for i in reversed(range(reached)):
            x = self.blocks[i](x)
            if self.growth.fading and i == reached - 1:
                x = self.growth(activate(self.from_rgb[i](F.avg_pool2d(pictures, 2))), x)
        values: Tensor = self.head(x, classes)
        return values


def build_generator(config: ModelConfig, size: int, channels: int = RGB, classes: int = 0) -> Generator:
    """Build the generator, with freshly drawn weights (torch's global RNG): all that an export needs."""
    return Generator(config.latent_dim, size, config.width, config.mapping_layers, channels, classes)


def build_discriminator(
    config: ModelConfig, size: int, norm: Norm, channels: int = RGB, classes: int = 0
) -> Discriminator:
    """Build the discriminator, with freshly drawn weights; it has no normalisation, whatever a loss asks for."""
    return Discriminator(size, config.width, channels, classes)


def _layers(discriminator: Discriminator) -> list[list[nn.Module]]:
    """Give the layers from RGB (of all sizes), the blocks, each of which halves the picture, and the end."""
    blocks = [[block] for block in reversed(discriminator.blocks)]
    return [[discriminator.from_rgb], *blocks, [discriminator.head]]


STYLEGAN = Family(build_generator, build_discriminator, _layers)
