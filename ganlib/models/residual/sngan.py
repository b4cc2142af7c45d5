"""SNGAN: residual networks with a spectrally normalised discriminator.

Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, https://arxiv.org/abs/1802.05957,
appendix B.4, tables 3 and 4: batch normalisation in the generator, spectral normalisation of every layer of the
discriminator, whose last maps are added up over the picture. In details that the paper leaves open (bilinear instead of
nearest interpolation, no normalisation before the first convolution of a block in the discriminator, at 64 px twice the
maps at each halving), the networks are those of mimicry (https://github.com/kwotsin/mimicry), whose published FIDs
come from them; their numbers of weights are equal.

At ``width`` 64 and 32 px there are 256 maps throughout the generator and 128 throughout the discriminator; at 64 px
they go from 1024 to 64 in the generator, and from 64 to 1024 in the discriminator.
"""

import math
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from ganlib.config import ModelConfig, Norm
from ganlib.data.alpha import RGB
from ganlib.models.conditioning import Projection, Told, applied, batch_norm, judged, parted, through
from ganlib.models.discriminator_parts import normalise_spectrally
from ganlib.models.family import Family

BASE = 4
"""Side of the smallest feature map of the generator."""
GAIN = math.sqrt(2)
"""Glorot's gain within blocks."""


def convolution(inputs: int, outputs: int, kernel: int = 3, gain: float = GAIN) -> nn.Conv2d:
    """Make a convolution that keeps the size, with Glorot's uniform weights times ``gain``."""
    made = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    nn.init.xavier_uniform_(made.weight, gain)
    return made


def double(x: Tensor) -> Tensor:
    """Enlarge maps to twice their side, bilinearly."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Up(Told):
    """A residual block of the generator, which doubles the picture."""

    def __init__(self, before: int, after: int, classes: int = 0) -> None:
        super().__init__()
        self.first, self.second = batch_norm(before, classes), batch_norm(after, classes)
        self.enlarge, self.refine = convolution(before, after), convolution(after, after)
        self.skip = convolution(before, after, 1, gain=1.0)

    def forward(self, x: Tensor, classes: Tensor | None = None) -> Tensor:
        """Map ``(n, before, h, w)`` to ``(n, after, 2 h, 2 w)``, of the classes ``(n,)`` where there are some."""
        change = self.enlarge(double(F.relu(applied(self.first, x, classes))))
        change = self.refine(F.relu(applied(self.second, change, classes)))
        # A 1x1 convolution and a mean of pixels can change places; here the convolution has a quarter of the work.
        out: Tensor = double(self.skip(x)) + change
        return out


class Down(nn.Module):
    """A residual block of the discriminator.

    Args:
        before: Maps of the input.
        after: Maps of the output.
        halves: Whether the picture is halved.
        first: Whether the input is a picture, which must not go through a ReLU.
    """

    def __init__(self, before: int, after: int, halves: bool, first: bool = False) -> None:
        super().__init__()
        inner = after if first else before
        self.halves, self.first = halves, first
        self.one, self.two = convolution(before, inner), convolution(inner, after)
        self.skip = convolution(before, after, 1, gain=1.0) if halves or before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, before, h, w)`` to ``(n, after, h, w)``, or half as high and wide."""
        change = self.two(F.relu(self.one(x if self.first else F.relu(x))))
        if self.halves:
            x, change = F.avg_pool2d(x, 2), F.avg_pool2d(change, 2)
        out: Tensor = self.skip(x) + change
        return out


class Generator(nn.Module):
    """A network from latents to pictures.

    Shape:
        - input: ``(n, latent_dim)``, standard normal; with classes from `ganlib.models.conditioning.joined`
        - output: ``(n, colours, size, size)``, in [-1, 1]
    """

    def __init__(self, latent_dim: int, maps: list[int], colours: int = RGB, classes: int = 0) -> None:
        super().__init__()
        self.latent_dim, self.size, self.classes = latent_dim, BASE << (len(maps) - 1), classes
        self.stem = nn.Linear(latent_dim, maps[0] * BASE**2)
        nn.init.xavier_uniform_(self.stem.weight)
        self.blocks = nn.Sequential(*(Up(before, after, classes) for before, after in pairwise(maps)))
        self.norm = batch_norm(maps[-1], classes)
        self.to_rgb = convolution(maps[-1], colours, gain=1.0)

    def forward(self, inputs: Tensor) -> Tensor:
        """Make the pictures of latents."""
        latents, classes = parted(inputs, self.classes)
        x = through(self.blocks, self.stem(latents).unflatten(1, (-1, BASE, BASE)), classes)
        pictures: Tensor = self.to_rgb(F.relu(applied(self.norm, x, classes))).tanh()
        return pictures


class Discriminator(nn.Module):
    """A network from pictures to one value each.

    Args:
        maps: Of the blocks.
        halvings: Blocks, from the first on, that halve the picture.
        colours: Channels of the pictures.
        classes: How many the pictures have; 0 without labels.

    Shape:
        - input: ``(n, colours, size, size)``, in [-1, 1]
        - output: ``(n,)``, unbounded
    """

    def __init__(self, maps: list[int], halvings: int, colours: int = RGB, classes: int = 0) -> None:
        super().__init__()
        blocks = [Down(colours, maps[0], halves=True, first=True)]
        blocks += [Down(*pair, halves=place < halvings) for place, pair in enumerate(pairwise(maps), 1)]
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(maps[-1], 1)
        nn.init.xavier_uniform_(self.head.weight)
        self.projection = Projection(classes, maps[-1], maps[-1] ** -0.5) if classes else None

    def forward(self, pictures: Tensor, classes: Tensor | None = None) -> Tensor:
        """Compute one value a picture, of the classes ``(n,)`` where there are some."""
        features = F.relu(self.blocks(pictures)).sum((2, 3))
        return judged(self.head(features).flatten(), self.projection, features, classes)


def build_generator(config: ModelConfig, size: int, channels: int = RGB, classes: int = 0) -> Generator:
    """Build the generator, with freshly drawn weights (torch's global RNG): all that an export needs."""
    width = config.width
    maps = [4 * width] * 4 if size == 32 else [16 * width, 8 * width, 4 * width, 2 * width, width]
    return Generator(config.latent_dim, maps, channels, classes)


def build_discriminator(
    config: ModelConfig, size: int, norm: Norm, channels: int = RGB, classes: int = 0
) -> Discriminator:
    """Build the discriminator, with freshly drawn weights; it is normalised spectrally, whatever a loss asks for."""
    width = config.width
    maps = [2 * width] * 4 if size == 32 else [width, 2 * width, 4 * width, 8 * width, 16 * width]
    discriminator = Discriminator(maps, 2 if size == 32 else len(maps), channels, classes)
    normalise_spectrally(discriminator)
    return discriminator


def _layers(discriminator: Discriminator) -> list[list[nn.Module]]:
    """Give the blocks and the end."""
    return [*([block] for block in discriminator.blocks), [discriminator.head]]


SNGAN = Family(build_generator, build_discriminator, _layers)
