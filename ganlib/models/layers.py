"""The 4x4 stride-2 convolutions of a DCGAN, as matrix products where that is faster.

A convolution with a 4x4 kernel, stride 2 and padding 1 sees a pixel in four windows (fewer at the edges), two
rows by two columns. So its windows can be gathered with four block copies, its input gradient be scattered
with four block additions, and all the arithmetic is three matrix products. From 64 channels, on CPUs with
bfloat16 matrix units (AMX) and pictures of at most 16 px, this is two to seven times faster than the library's
convolution; on CPUs that multiply bfloat16 in vectors it still is on pictures of at most 8 px
(``benchmarks/convolution.py``). Everywhere else the library's is used. The numbers are equal up to the order of
summation.
"""

from typing import Any

import torch
from torch import Tensor, nn

MIN_CHANNELS = 64
MAX_SIDE = 16 if torch.cpu._is_amx_tile_supported() else 8
"""Fewest channels, and largest side, of pictures that are convolved by a matrix product."""


def gather(pictures: Tensor) -> Tensor:
    """Gather all windows of pictures ``(n, h, w, c)`` as rows ``(n * h/2 * w/2, 16 * c)``, kernel row by row."""
    n, h, w, c = pictures.shape
    rows, cols = h // 2, w // 2
    padded = torch.nn.functional.pad(pictures, (0, 0, 1, 1, 1, 1))
    blocks = padded.view(n, rows + 1, 2, cols + 1, 2, c)
    windows = pictures.new_empty(n, rows, cols, 2, 2, 2, 2, c)
    for i in (0, 1):
        for j in (0, 1):
            part = blocks[:, i : i + rows, :, j : j + cols]
            windows[:, :, :, i, :, j] = part.permute(0, 1, 3, 2, 4, 5)
    return windows.view(n * rows * cols, 16 * c)


def scatter(windows: Tensor, n: int, rows: int, cols: int) -> Tensor:
    """Add rows of windows up to pictures ``(n, 2 * rows, 2 * cols, c)``: the transpose of `gather`."""
    c = windows.shape[1] // 16
    parts = windows.view(n, rows, cols, 2, 2, 2, 2, c)
    blocks = windows.new_zeros(n, rows + 1, 2, cols + 1, 2, c)
    for i in (0, 1):
        for j in (0, 1):
            blocks[:, i : i + rows, :, j : j + cols] += parts[:, :, :, i, :, j].permute(0, 1, 3, 2, 4, 5)
    return blocks.view(n, 2 * rows + 2, 2 * cols + 2, c)[:, 1:-1, 1:-1].contiguous()


class _Down(torch.autograd.Function):
    """The map of ``(n, h, w, c)`` and a kernel ``(out, 16 * c)`` to ``(n, h/2, w/2, out)``."""

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, kernel: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(pictures, kernel)
        n, h, w, _ = pictures.shape
        return (gather(pictures) @ kernel.T).view(n, h // 2, w // 2, -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:  # noqa: ANN401
        pictures, kernel = ctx.saved_tensors
        n, rows, cols, out = gradients[0].shape
        gradient = gradients[0].reshape(-1, out)
        to_pictures = scatter(gradient @ kernel, n, rows, cols) if ctx.needs_input_grad[0] else None
        to_kernel = gradient.T @ gather(pictures) if ctx.needs_input_grad[1] else None
        return to_pictures, to_kernel


class _Up(torch.autograd.Function):
    """The map of ``(n, h, w, c)`` and a kernel ``(c, 16 * out)`` to ``(n, 2h, 2w, out)``."""

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, kernel: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(pictures, kernel)
        n, h, w, c = pictures.shape
        return scatter(pictures.reshape(-1, c) @ kernel, n, h, w)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:  # noqa: ANN401
        pictures, kernel = ctx.saved_tensors
        windows = gather(gradients[0].contiguous())
        to_pictures = (windows @ kernel.T).view(pictures.shape) if ctx.needs_input_grad[0] else None
        to_kernel = None
        if ctx.needs_input_grad[1]:
            to_kernel = pictures.reshape(-1, pictures.shape[-1]).T @ windows
        return to_pictures, to_kernel


def _as_matrix(weight: Tensor) -> Tensor:
    """Convert a weight ``(a, b, 4, 4)`` to ``(a, 16 * b)`` bfloat16; a view, where it is channels-last."""
    return weight.to(torch.bfloat16).permute(0, 2, 3, 1).flatten(1)


def prefers_matrix(pictures: Tensor, side: int, channels: int) -> bool:
    """Tell whether the matrix product is the faster way for this call (see the module's text)."""
    return (
        pictures.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and side <= MAX_SIDE
        and side % 2 == 0
        and channels >= MIN_CHANNELS
    )


class Down(nn.Conv2d):
    """A convolution that halves the picture: kernel 4, stride 2, padding 1."""

    def __init__(self, in_channels: int, out_channels: int, bias: bool = False) -> None:
        super().__init__(in_channels, out_channels, 4, 2, 1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Map ``(n, in, h, w)`` to ``(n, out, h/2, w/2)``."""
        if not prefers_matrix(input, input.shape[-1], self.in_channels):
            return super().forward(input)
        pictures = input.to(torch.bfloat16).permute(0, 2, 3, 1).contiguous()
        output: Tensor = _Down.apply(pictures, _as_matrix(self.weight)).permute(0, 3, 1, 2)
        return output if self.bias is None else output + self.bias[:, None, None].to(output.dtype)


class Up(nn.ConvTranspose2d):
    """A transposed convolution that doubles the picture: kernel 4, stride 2, padding 1."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 4, 2, 1, bias=False)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map ``(n, in, h, w)`` to ``(n, out, 2h, 2w)``."""
        if not prefers_matrix(input, 2 * input.shape[-1], self.out_channels):
            return super().forward(input, output_size)
        pictures = input.to(torch.bfloat16).permute(0, 2, 3, 1).contiguous()
        output: Tensor = _Up.apply(pictures, _as_matrix(self.weight)).permute(0, 3, 1, 2)
        return output


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
