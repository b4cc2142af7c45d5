"""StyleGAN2, styles that scale the weights of a convolution, which are normalised after that.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, https://arxiv.org/abs/1912.04958:
weight demodulation (section 2.2), a generator whose sizes add up to the picture through skip connections and a
residual discriminator (section 4.1, figure 7), path length regularisation (section 3.2, `ganlib.steps.styles`).

Variant ``large`` is the paper's configuration F, ``simple`` its configuration E with half as many maps from 64 px on.
With ``width`` 64 and ``latent_dim`` 512 the feature maps are the paper's:

======= === === === === === ===
side    4   8   16  32  64  128
simple  512 512 512 512 256 128
large   512 512 512 512 512 256
======= === === === === === ===
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from ganlib.config import ModelConfig, Norm
from ganlib.data.alpha import RGB
from ganlib.models.family import Family
from ganlib.models.styles.generator import StyleGenerator, sides_of
from ganlib.models.styles.layers import (
    EPSILON,
    GAIN,
    EqualizedConv,
    EqualizedLinear,
    Noise,
    StyleHead,
    activate,
    channels,
    double,
)


class Modulated(nn.Module):
    """A convolution whose input maps are scaled by the style, and its output maps back to unit variance.

    Equal to scaling the weights (equations 1 and 3), because a convolution is linear; like this, one set of
    weights serves the whole batch.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        latent_dim: int,
        kernel: int = 3,
        size: Literal["same", "double"] = "same",
        demodulate: bool = True,
    ) -> None:
        super().__init__()
        self.affine = EqualizedLinear(latent_dim, inputs, gain=1.0, bias=1.0)
        self.conv = EqualizedConv(inputs, outputs, kernel, size, gain=1.0, bias=False)
        self.demodulate = demodulate

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Map ``(n, inputs, h, w)`` with a style ``(n, latent_dim)`` to ``(n, outputs, h, w)``, or twice the size."""
        with torch.autocast(x.device.type, enabled=False):
            scale = self.affine(style)
            if self.demodulate:
                power = (self.conv.weight * self.conv.scale).square().sum((2, 3))
                back = torch.rsqrt(scale.square() @ power.T + EPSILON)
        x = self.conv(x * scale[:, :, None, None].to(x.dtype))
        return x * back[:, :, None, None].to(x.dtype) if self.demodulate else x


class StyledLayer(nn.Module):
    """Modulated convolution, noise with one learned strength, bias, leaky ReLU."""

    def __init__(
        self, inputs: int, width: int, side: int, latent_dim: int, size: Literal["same", "double"] = "same"
    ) -> None:
        super().__init__()
        self.conv = Modulated(inputs, width, latent_dim, size=size)
        self.noise = Noise(side)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, style: Tensor, random: torch.Generator | None) -> Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, width, side, side)``, with a style ``(n, latent_dim)``."""
        x = self.conv(x, style)
        x = x + self.strength.to(x.dtype) * self.noise(x, random) + self.bias[:, None, None].to(x.dtype)
        return activate(x) * GAIN


class ToRGB(nn.Module):
    """The part of the picture that one size adds: a modulated 1x1 convolution that is not demodulated."""

    def __init__(self, inputs: int, latent_dim: int, colours: int = RGB) -> None:
        super().__init__()
        self.conv = Modulated(inputs, colours, latent_dim, kernel=1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(colours))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, colours, h, w)``, with a style ``(n, latent_dim)``."""
        out: Tensor = self.conv(x, style)
        return out + self.bias[:, None, None].to(out.dtype)


class Generator(StyleGenerator):
    """A `StyleGenerator` in which the RGB of a size shares its style with the next size's first convolution."""

    def __init__(
        self,
        latent_dim: int,
        size: int,
        width: int,
        doubled: bool,
        mapping_layers: int = 8,
        colours: int = RGB,
        classes: int = 0,
    ) -> None:
        super().__init__(latent_dim, size, mapping_layers, classes)
        widths = [channels(side, width, doubled) for side in self.sides]
        self.constant = nn.Parameter(torch.randn(widths[0], 4, 4))
        layers = [StyledLayer(widths[0], widths[0], 4, latent_dim)]
        for before, after, side in zip(widths, widths[1:], self.sides[1:], strict=False):
            layers.append(StyledLayer(before, after, side, latent_dim, "double"))
            layers.append(StyledLayer(after, after, side, latent_dim))
        self.convs = nn.ModuleList(layers)
        self.to_rgb = nn.ModuleList(ToRGB(maps, latent_dim, colours) for maps in widths)

    def synthesize(self, styles: Tensor, random: torch.Generator | None = None) -> Tensor:
        """Make pictures of styles; see `StyleGenerator.synthesize`."""
        n = styles.shape[0]  # not len(): a trace would take it for a constant
        x = self.constant[None].expand(n, -1, -1, -1).contiguous(memory_format=torch.channels_last)
        x = self.convs[0](x, styles[:, 0], random)
        picture: Tensor = self.to_rgb[0](x, styles[:, 1])
        for i in range(1, len(self.sides)):
            x = self.convs[2 * i - 1](x, styles[:, 2 * i - 1], random)
            x = self.convs[2 * i](x, styles[:, 2 * i], random)
            picture = double(picture) + self.to_rgb[i](x, styles[:, 2 * i + 1])
        return picture


class Residual(nn.Module):
    """Two convolutions, the second of which halves the picture, and a 1x1 convolution past them."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.first = EqualizedConv(inputs, inputs)
        self.second = EqualizedConv(inputs, width, size="half")
        self.skip = EqualizedConv(inputs, width, kernel=1, size="half", gain=1.0, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, width, h / 2, w / 2)``, with the variance of one of the two ways."""
        out = activate(self.second(activate(self.first(x))))
        past: Tensor = self.skip(x)
        return (out + past) / GAIN


class Discriminator(nn.Module):
    """A network from pictures to one value each.

    Shape:
        - input: ``(n, colours, size, size)``, in [-1, 1]
        - output: ``(n,)``, unbounded
    """

    def __init__(self, size: int, width: int, doubled: bool, colours: int = RGB, classes: int = 0) -> None:
        super().__init__()
        widths = [channels(side, width, doubled) for side in reversed(sides_of(size))]
        self.from_rgb = EqualizedConv(colours, widths[0], kernel=1)
        self.blocks = nn.Sequential(*(Residual(before, after) for before, after in pairwise(widths)))
        self.head = StyleHead(widths[-1], classes)

    def forward(self, pictures: Tensor, classes: Tensor | None = None) -> Tensor:
        """Compute one value a picture, of the classes ``(n,)`` where there are some."""
        values: Tensor = self.head(self.blocks(activate(self.from_rgb(pictures))), classes)
        return values


def build_generator(config: ModelConfig, size: int, channels: int = RGB, classes: int = 0) -> Generator:
    """Build the generator, with freshly drawn weights (torch's global RNG): all that an export needs."""
    large = config.variant == "large"
    return Generator(config.latent_dim, size, config.width, large, config.mapping_layers, channels, classes)


def build_discriminator(
    config: ModelConfig, size: int, norm: Norm, channels: int = RGB, classes: int = 0
) -> Discriminator:
    """Build the discriminator, with freshly drawn weights; it has no normalisation, whatever a loss asks for."""
    return Discriminator(size, config.width, config.variant == "large", channels, classes)


def _layers(discriminator: Discriminator) -> list[list[nn.Module]]:
    """Give the layer from RGB, the blocks, each of which halves the picture, and the end."""
    blocks = [[block] for block in discriminator.blocks]
    return [[discriminator.from_rgb], *blocks, [discriminator.head]]


STYLEGAN2 = Family(build_generator, build_discriminator, _layers)
