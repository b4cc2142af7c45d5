"""What generators that turn pictures into pictures share: the way forth and back, residual blocks, upsampling."""

from typing import Literal

from torch import Tensor, nn

Upsample = Literal["transpose", "resize"]


class Translator(nn.Module):
    """A generator from photographs to drawings, and where it has learned that, one from drawings to photographs.

    Args:
        forth: A network from photographs ``(n, 3, h, w)`` in [-1, 1] to drawings of that shape; sides are multiples
            of 4.
        back: A network of the other direction, or None.
    """

    def __init__(self, forth: nn.Module, back: nn.Module | None = None) -> None:
        super().__init__()
        self.forth, self.back = forth, back

    def forward(self, photos: Tensor) -> Tensor:
        """Turn photographs into drawings."""
        drawings: Tensor = self.forth(photos)
        return drawings


class Discriminators(nn.Module):
    """A discriminator of drawings and one of photographs.

    Args:
        drawings: A network from pictures ``(n, 3, h, w)`` to ``(n, patches)``.
        photos: Another one.
    """

    def __init__(self, drawings: nn.Sequential, photos: nn.Sequential) -> None:
        super().__init__()
        self.drawings, self.photos = drawings, photos


class Residual(nn.Module):
    """Two 3x3 convolutions, each with instance normalisation, whose result is added to what they are given.

    Args:
        channels: Of the feature maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
            nn.ReLU(True),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(n, channels, h, w)`` to as many."""
        added: Tensor = features + self.layers(features)
        return added


def normalised(convolution: nn.Module, channels: int) -> list[nn.Module]:
    """Put instance normalisation and ReLU behind a convolution."""
    return [convolution, nn.InstanceNorm2d(channels), nn.ReLU(True)]


def judged(convolution: nn.Module, channels: int) -> list[nn.Module]:
    """Put instance normalisation and a leaky ReLU behind a convolution of a discriminator."""
    return [convolution, nn.InstanceNorm2d(channels), nn.LeakyReLU(0.2, True)]


def doubling(channels: int, out: int, upsample: Upsample) -> nn.Module:
    """Make a layer ``(n, channels, h, w)`` to ``(n, out, 2 h, 2 w)``; both kinds have as many weights.

    ``resize`` repeats each pixel before a 3x3 convolution: Odena et al., "Deconvolution and Checkerboard Artifacts",
    2016, https://distill.pub/2016/deconv-checkerboard.
    """
    if upsample == "transpose":
        return nn.ConvTranspose2d(channels, out, 3, 2, 1, output_padding=1)
    return nn.Sequential(
        nn.UpsamplingNearest2d(scale_factor=2),
        nn.Conv2d(channels, out, 3, padding=1, padding_mode="reflect"),
    )


def initialise(network: nn.Module, gain: float) -> None:
    """Draw the weights of all convolutions from N(0, gain), with biases of 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
