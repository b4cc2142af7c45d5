"""DCGAN, a deep convolutional generator and discriminator.

Radford, Metz & Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks", 2015, https://arxiv.org/abs/1511.06434. Strided (transposed) convolutions instead of pooling, batch
normalisation everywhere but at the image ends, no biases beside it, weights drawn from N(0, 0.02).

Four variants, as the student studies of anime faces name them. At 64 px and ``width`` 64, for RGB:

========== ======================================= ================================================
variant    generator                               discriminator
========== ======================================= ================================================
simple     512-256-128-64-3, five layers           64-128-256-512-1, five layers
extended   768-384-192-96-3, five layers           96-192-384-768-768-1, six layers (one keeps 4x4)
buffed     1024-512-256-128-3                      128-256-512-1024-1
extra      512-256-128-64-64-3, six layers         64-128-256-512-512-1, six layers (one keeps 4x4)
           (one keeps 32x32), LeakyReLU throughout
========== ======================================= ================================================

The number of up- and down-sampling layers follows the picture size: 28 px starts at 7x7, the others at 4x4.
Filters double with every halving of the picture, up to eight times the width.
"""

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from ganlib.config import ModelConfig, Norm
from ganlib.data.alpha import RGB
from ganlib.models.conditioning import Projection, batch_norm, judged, parted, through
from ganlib.models.discriminator_parts import Dropout, needs_bias, normalisation, normalise_spectrally
from ganlib.models.family import Family, convolutions
from ganlib.models.layers import Down, Head, Stem, Up

WIDEST = 8
"""Filters grow to at most this multiple of the width, as in the paper."""
DRAWN = 0.02
"""Standard deviation of the initial weights, the paper's."""


@dataclass(frozen=True)
class _Variant:
    width: float
    extra_d_layer: bool = False
    extra_g_layer: bool = False
    leaky_g: bool = False


_VARIANTS = {
    "simple": _Variant(width=1.0),
    "extended": _Variant(width=1.5, extra_d_layer=True),
    "buffed": _Variant(width=2.0),
    "extra": _Variant(width=1.0, extra_d_layer=True, extra_g_layer=True, leaky_g=True),
}


def _shape(size: int) -> tuple[int, int]:
    """Return the side of the smallest feature map, and how often it doubles to reach ``size``."""
    base = 7 if size == 28 else 4
    doublings = (size // base).bit_length() - 1
    if doublings < 1 or base << doublings != size:
        raise ValueError(f"a DCGAN makes pictures of 28 or 4 * 2**k pixels, not {size}")
    return base, doublings


def _filters(width: int, doublings: int) -> list[int]:
    """List the filters of the feature maps from the largest picture to the smallest."""
    return [width * min(2**i, WIDEST) for i in range(doublings)]


class Generator(nn.Module):
    """A network from latents to pictures.

    Shape:
        - input: ``(n, latent_dim)``, standard normal; with classes from `ganlib.models.conditioning.joined`
        - output: ``(n, colours, size, size)``, in [-1, 1]
    """

    def __init__(
        self,
        latent_dim: int,
        size: int,
        width: int,
        extra_layer: bool = False,
        leaky: bool = False,
        colours: int = RGB,
        classes: int = 0,
    ) -> None:
        super().__init__()
        self.latent_dim, self.size, self.classes = latent_dim, size, classes
        base, doublings = _shape(size)
        filters = _filters(width, doublings)[::-1]

        def activated(channels: int) -> list[nn.Module]:
            return [batch_norm(channels, classes), nn.LeakyReLU(0.2, True) if leaky else nn.ReLU(True)]

        layers: list[nn.Module] = [Stem(latent_dim, filters[0], base), *activated(filters[0])]
        for before, after in pairwise(filters):
            layers += [Up(before, after), *activated(after)]
        if extra_layer:
            layers += [nn.Conv2d(filters[-1], filters[-1], 3, 1, 1, bias=False), *activated(filters[-1])]
        layers += [Up(filters[-1], colours), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Tensor:
        """Make the pictures of latents."""
        return through(self.layers, *parted(inputs, self.classes))


class Discriminator(nn.Module):
    """A network from pictures to one logit (or critic value) each.

    Shape:
        - input: ``(n, colours, size, size)``, in [-1, 1]
        - output: ``(n,)``, unbounded
    """

    def __init__(
        self,
        size: int,
        width: int,
        norm: Norm,
        extra_layer: bool,
        dropout: float = 0.0,
        colours: int = RGB,
        classes: int = 0,
    ) -> None:
        super().__init__()
        base, doublings = _shape(size)
        filters = _filters(width, doublings)
        bias = needs_bias(norm)

        def activated(channels: int, norm: Norm = norm) -> list[nn.Module]:
            dropouts = [Dropout(dropout)] if dropout else []
            return [*normalisation(norm, channels), nn.LeakyReLU(0.2, True), *dropouts]

        layers: list[nn.Module] = [Down(colours, filters[0], bias), *activated(filters[0], "none")]
        for before, after in pairwise(filters):
            layers += [Down(before, after, bias), *activated(after)]
        if extra_layer:
            layers += [nn.Conv2d(filters[-1], filters[-1], 3, 1, 1, bias=bias), *activated(filters[-1])]
        layers += [Head(filters[-1], base)]
        self.layers = nn.Sequential(*layers)
        self.side = base
        self.projection = Projection(classes, filters[-1], DRAWN) if classes else None

    def forward(self, pictures: Tensor, classes: Tensor | None = None) -> Tensor:
        """Compute one value a picture, of the classes ``(n,)`` where there are some."""
        if self.projection is None:
            values: Tensor = self.layers(pictures)
            return values
        maps = self.layers[:-1](pictures)
        # Divided by the side, and not by its square, the sum varies as much as that of the head.
        return judged(self.layers[-1](maps), self.projection, maps.sum((2, 3)) / self.side, classes)


def _initialise(module: nn.Module) -> None:
    """Draw the paper's initial weights: N(0, 0.02), and N(1, 0.02) for the scale of a normalisation."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, DRAWN)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d):
        nn.init.normal_(module.weight, 1.0, DRAWN)
        nn.init.zeros_(module.bias)


def build_generator(config: ModelConfig, size: int, channels: int = RGB, classes: int = 0) -> Generator:
    """Build the generator, with freshly drawn weights (torch's global RNG): all that an export needs."""
    variant = _VARIANTS[config.variant]
    width = round(config.width * variant.width)
    generator = Generator(
        config.latent_dim, size, width, variant.extra_g_layer, variant.leaky_g, channels, classes
    )
    generator.apply(_initialise)
    return generator


def build_discriminator(
    config: ModelConfig, size: int, norm: Norm, channels: int = RGB, classes: int = 0
) -> Discriminator:
    """Build the discriminator, with freshly drawn weights (torch's global RNG).

    Args:
        config: family ``dcgan``; variant, width and dropout.
        size: side of the pictures, 28, 32, 64 or 128 pixels.
        norm: of its layers but the first; batch normalisation is not for losses that look at one picture at a
            time (WGAN-GP).
        channels: of the pictures.
        classes: how many the pictures have; 0 without labels.
    """
    variant = _VARIANTS[config.variant]
    width = round(config.width * variant.width)
    discriminator = Discriminator(
        size, width, norm, variant.extra_d_layer, config.d_dropout, channels, classes
    )
    discriminator.apply(_initialise)
    if norm == "spectral":
        normalise_spectrally(discriminator)
    return discriminator


def _layers(discriminator: Discriminator) -> list[list[nn.Module]]:
    return convolutions(discriminator.layers)


DCGAN = Family(build_generator, build_discriminator, _layers)
