"""Layers that StyleGAN and StyleGAN2 share.

Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation", 2017,
https://arxiv.org/abs/1710.10196 (equalised learning rate, section 4.1; minibatch standard deviation, section 3);
Karras, Laine & Aila, "A Style-Based Generator Architecture for Generative Adversarial Networks", 2019,
https://arxiv.org/abs/1812.04948 (mapping network, noise, bilinear filtering).

Doubling and halving are a 3x3 convolution together with a 2x2 box and the binomial filter [1, 2, 1]. The box is
folded into the kernel (3x3 becomes 4x4 with stride 2), which costs 4 products for a pixel instead of 9; box and
[1, 2, 1] make the papers' [1, 3, 3, 1]. These are convolutions of torch, so that nothing has to be compiled and
everything can be differentiated twice.
"""

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganlib.models.conditioning import Projection, judged, parted

GAIN = math.sqrt(2)
"""He's gain for ReLU, which the papers use before a leaky ReLU too."""
SLOPE = 0.2
EPSILON = 1e-7
"""What keeps roots in generators from zero; the papers' 1e-8 is taken for zero, and dropped, by the ONNX exporter."""
GROUP = 4
"""Pictures that are compared with each other in a group of the minibatch standard deviation."""


def activate(x: Tensor) -> Tensor:
    """Apply the leaky ReLU with slope 0.2."""
    return F.leaky_relu(x, SLOPE)


def at_least_float32(x: Tensor) -> Tensor:
    """Convert bfloat16 to float32, for sums over many numbers; other types stay."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def channels(side: int, width: int, doubled: bool = False) -> int:
    """Count the feature maps at ``side`` x ``side`` pixels; ``width`` 64 is the papers' numbers, another scales them.

    Args:
        side: 4 to 1024.
        width: 64 for 512 maps at up to 32 px, then half as many at each doubling.
        doubled: Twice as many from 64 px on, still at most 512: StyleGAN2's configuration F.
    """
    literal = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}
    return min(512, literal[side] * (1 + doubled)) * width // 64


class EqualizedLinear(nn.Module):
    """A linear layer with equalised learning rate: weights of N(0, 1), scaled by He's constant when used.

    Args:
        inputs: Width of the input.
        outputs: Width of the output.
        gain: Standard deviation of the output for an input of N(0, 1).
        lr_factor: Makes the layer learn as if with that multiple of the learning rate, bias included.
        bias: Initial bias.
    """

    def __init__(
        self, inputs: int, outputs: int, gain: float = GAIN, lr_factor: float = 1.0, bias: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_factor)
        self.bias = nn.Parameter(torch.full((outputs,), bias / lr_factor))
        self.scale, self.lr_factor = gain / math.sqrt(inputs) * lr_factor, lr_factor

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, inputs)`` to ``(n, outputs)``."""
        return F.linear(x, self.weight * self.scale, self.bias * self.lr_factor)


class EqualizedConv(nn.Module):
    """A convolution with equalised learning rate, which may halve or double the picture.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the output.
        kernel: 1 or 3; 3 where the picture doubles.
        size: What becomes of the picture's side.
        gain: Standard deviation of the output for an input of N(0, 1).
        bias: Whether there is one; it begins at 0.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        size: Literal["same", "half", "double"] = "same",
        gain: float = GAIN,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.size, self.scale = size, gain / math.sqrt(inputs * kernel**2)
        if size == "half":
            self.blur = Blur(inputs, padding=(kernel + 1) // 2)
        elif size == "double":
            self.blur = Blur(outputs, padding=0)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, outputs, h, w)``, or half or twice as high and wide."""
        weight = self.weight * self.scale
        if self.size == "same":
            return F.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)
        if self.size == "half":
            return F.conv2d(self.blur(x), _boxed(weight) / 4, self.bias, stride=2)
        x = F.conv_transpose2d(x, _boxed(weight.flip(2, 3)).transpose(0, 1), stride=2)
        x = self.blur(x)
        return x if self.bias is None else x + self.bias[:, None, None].to(x.dtype)


def _boxed(weight: Tensor) -> Tensor:
    """Convolve kernels with a 2x2 box of ones: ``(a, b, k, k)`` to ``(a, b, k + 1, k + 1)``."""
    wide = F.pad(weight, (1, 1, 1, 1))
    return wide[:, :, 1:, 1:] + wide[:, :, :-1, 1:] + wide[:, :, 1:, :-1] + wide[:, :, :-1, :-1]


class _Blur(torch.autograd.Function):
    """Depthwise convolution with a symmetric 3x3 kernel ``(c, 1, 3, 3)``; its gradient is one too.

    Torch's own gradient of a depthwise convolution is many times slower on a CPU, and its second derivative is a
    loop over the channels.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, padding: int) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(kernel)
        ctx.padding = padding
        with torch.autocast(x.device.type, enabled=False):
            return F.conv2d(x, kernel.to(x.dtype), padding=padding, groups=len(kernel))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        (kernel,) = ctx.saved_tensors
        back: Tensor = _Blur.apply(gradients[0], kernel, 2 - ctx.padding)
        return back, None, None


class Blur(nn.Module):
    """The filter [1, 2, 1] / 4 along rows and columns; zero beyond the edges.

    Args:
        channels: Of the input.
        padding: 0 (only where the filter fits: one pixel less at each edge), 1 or 2 (wherever it touches).
    """

    kernel: Tensor

    def __init__(self, channels: int, padding: int) -> None:
        super().__init__()
        row = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("kernel", torch.outer(row, row).repeat(channels, 1, 1, 1), persistent=False)
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, channels, h, w)`` to ``(n, channels, h + 2 * padding - 2, w + 2 * padding - 2)``."""
        blurred: Tensor = _Blur.apply(x, self.kernel, self.padding)
        return blurred


def double(x: Tensor) -> Tensor:
    """Double height and width, bilinear: [1, 3, 3, 1] / 4 along rows and columns (edges are repeated)."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Noise(nn.Module):
    """One picture of noise for each layer, shared by all channels: either fresh or fixed.

    Args:
        side: Of the feature maps.
    """

    fixed: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.register_buffer("fixed", torch.randn(1, 1, side, side))

    def forward(self, x: Tensor, random: torch.Generator | None) -> Tensor:
        """Return noise for maps ``(n, c, side, side)``: N(0, 1) drawn for each picture, or without ``random`` fixed."""
        if random is None:
            return self.fixed.to(x.dtype)
        n, _, h, w = x.shape
        return torch.randn((n, 1, h, w), generator=random, device=x.device).to(x.dtype)


def normalised(x: Tensor) -> Tensor:
    """Scale rows ``(n, d)`` to a mean square of 1."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + EPSILON)


class Mapping(nn.Module):
    """A network from latents to intermediate latents: normalised, then layers that learn 100 times slower.

    With classes, the latent stands beside an embedding of its class, each normalised by itself (Karras et al.,
    "Training Generative Adversarial Networks with Limited Data", 2020, https://arxiv.org/abs/2006.06676).

    Args:
        latent_dim: Width of the latents, of embeddings and of all layers (the papers': 512).
        layers: How many (the papers': 8).
        classes: How many; 0 without labels.
    """

    def __init__(self, latent_dim: int, layers: int, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.embedding = nn.Embedding(classes, latent_dim) if classes else None
        widths = [latent_dim * (2 if classes else 1), *[latent_dim] * (layers - 1)]
        self.layers = nn.ModuleList(EqualizedLinear(width, latent_dim, lr_factor=0.01) for width in widths)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map latents ``(n, latent_dim)``, with classes as `parted` has them, to intermediate ones, in float32."""
        latents, classes = parted(inputs, self.classes)
        with torch.autocast(latents.device.type, enabled=False):
            x = normalised(at_least_float32(latents))
            if self.embedding is not None:
                x = torch.cat([x, normalised(self.embedding(classes).to(x))], 1)
            for layer in self.layers:
                x = activate(layer(x))
        return x


class MinibatchStd(nn.Module):
    """A layer that adds a channel with how much the pictures of a group differ, so that a collapse shows.

    A group is the largest number of pictures up to `GROUP` that divides the batch, or the whole batch where that
    would be one picture, so that every batch size works.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, h, w)`` to ``(n, c + 1, h, w)``; picture i is in the group of i + n / group."""
        n, _, h, w = x.shape
        group = max((size for size in range(1, min(GROUP, n) + 1) if n % size == 0), default=1)
        group = n if group == 1 else group
        groups = at_least_float32(x).unflatten(0, (group, n // group))
        spread = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
        channel = spread.repeat(group)[:, None, None, None].expand(n, 1, h, w)
        return torch.cat([x, channel.to(x.dtype)], 1).contiguous(memory_format=torch.channels_last)


class StyleHead(nn.Module):
    """The end of both discriminators: 4x4 maps to one value.

    Args:
        width: Channels of the maps.
        classes: How many the pictures have; 0 without labels.
    """

    def __init__(self, width: int, classes: int = 0) -> None:
        super().__init__()
        self.spread = MinibatchStd()
        self.conv = EqualizedConv(width + 1, width)
        self.hidden = EqualizedLinear(16 * width, width)
        self.out = EqualizedLinear(width, 1, gain=1.0)
        self.projection = Projection(classes, width, std=1.0, scale=width**-0.5) if classes else None

    def forward(self, x: Tensor, classes: Tensor | None = None) -> Tensor:
        """Map ``(n, width, 4, 4)`` to ``(n,)``, of the classes ``(n,)`` where there are some."""
        x = activate(self.conv(self.spread(x)))
        features = activate(self.hidden(x.flatten(1)))
        return judged(self.out(features).flatten(), self.projection, features, classes)
