"""The layers of a DCGAN: 4x4 stride-2 convolutions in the way that is the fastest, and the ends of its networks."""

import torch
from torch import Tensor, nn

from ganlib.models.products import Chosen, Size, Ways
from ganlib.slopes.products import convolved, spread


def _ways(pictures: Tensor, weight: Tensor, doubled: bool) -> Ways:
    """Choose the ways of a layer's products; the library's but for what is trained, or made in bfloat16, on a CPU.

    Args:
        pictures: What goes in.
        weight: Of the layer, ``(many, few, 4, 4)``.
        doubled: Whether they are doubled, and not halved.
    """
    autocast, recorded = torch.is_autocast_enabled("cpu"), torch.is_grad_enabled()
    back, weigh = recorded and pictures.requires_grad, recorded and weight.requires_grad
    if type(pictures) is not Tensor or pictures.device.type != "cpu" or not (autocast or back or weigh):
        return Ways()
    if torch.jit.is_tracing() or torch.compiler.is_compiling():  # type: ignore[attr-defined, no-untyped-call]
        return Ways()
    (count, _, rows, cols), (many, few) = pictures.shape, weight.shape[:2]
    if not doubled:
        if rows % 2 or cols % 2:  # windows pair rows
            return Ways()
        rows, cols = rows // 2, cols // 2
    from ganlib.models.choice import ways_of  # not above: programs that load an export never train

    fast = ways_of(Size(count, few, many, rows, cols, torch.bfloat16 if autocast else pictures.dtype))
    # What is not asked for need not be ours: the library's layer costs less beside its products.
    return Ways(fast.down and (back or not doubled), fast.up and (back or doubled), fast.weigh and weigh)


def _converted(pictures: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Convert both to what autocast multiplies, where it is on."""
    if torch.is_autocast_enabled("cpu"):
        return pictures.to(torch.bfloat16), weight.to(torch.bfloat16)
    return pictures, weight


class Down(nn.Conv2d):
    """A convolution that halves the picture: kernel 4, stride 2, padding 1."""

    def __init__(self, in_channels: int, out_channels: int, bias: bool = False) -> None:
        super().__init__(in_channels, out_channels, 4, 2, 1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Map ``(n, in, h, w)`` to ``(n, out, h/2, w/2)``."""
        ways = _ways(input, self.weight, doubled=False)
        if not any(ways):
            return super().forward(input)
        output = convolved(*_converted(input, self.weight), Chosen(ways))
        return output if self.bias is None else output + self.bias[:, None, None].to(output.dtype)


class Up(nn.ConvTranspose2d):
    """A transposed convolution that doubles the picture: kernel 4, stride 2, padding 1."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 4, 2, 1, bias=False)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map ``(n, in, h, w)`` to ``(n, out, 2h, 2w)``."""
        ways = _ways(input, self.weight, doubled=True)
        if not any(ways):
            return super().forward(input, output_size)
        return spread(*_converted(input, self.weight), Chosen(ways))


class Stem(nn.ConvTranspose2d):
    """A layer from latents to the smallest feature map: a transposed convolution of a 1x1 picture, so one product."""

    def __init__(self, latent_dim: int, out_channels: int, side: int) -> None:
        super().__init__(latent_dim, out_channels, side, 1, 0, bias=False)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map ``(n, latent_dim)`` to ``(n, out, side, side)``, channels-last."""
        kernel = self.weight.permute(0, 2, 3, 1)  # (latent, side, side, out)
        maps: Tensor = (input @ kernel.flatten(1)).unflatten(1, kernel.shape[1:])
        return maps.permute(0, 3, 1, 2)


class Head(nn.Conv2d):
    """A layer from the smallest feature map to one value: a convolution that covers it all, which is one product."""

    def __init__(self, in_channels: int, side: int) -> None:
        super().__init__(in_channels, 1, side, 1, 0, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """Map ``(n, in, side, side)`` to ``(n,)``."""
        features = input.permute(0, 2, 3, 1).flatten(1)
        values: Tensor = features @ self.weight.permute(0, 2, 3, 1).flatten(1).T
        return values.flatten()
