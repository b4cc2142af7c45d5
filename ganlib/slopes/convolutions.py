"""Torch's convolutions, with derivatives of any order that are convolutions of torch's too."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlib.slopes.products import convolved, spread

Pair = tuple[int, int]
_gradients = torch.ops.aten.convolution_backward.default


class Geometry(NamedTuple):
    """A convolution, as the products of `ganlib.slopes.products`.

    Attributes:
        large: Height and width of the large pictures.
        kernel: Height and width of the weight, which is ``(many, few / groups, *kernel)``.
        stride: Pixels of the large pictures from one window to the next.
        padding: Zeros around the large pictures.
        dilation: Pixels from one number of a window to the next.
        groups: Into how many parts channels fall, each convolved by itself.
    """

    large: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    def down(self, large: Tensor, weight: Tensor) -> Tensor:
        """Convolve large pictures ``(n, few, ...)`` to small ones ``(n, many, ...)``."""
        return F.conv2d(large, weight, None, self.stride, self.padding, self.dilation, self.groups)

    def up(self, small: Tensor, weight: Tensor) -> Tensor:
        """Convolve small pictures, transposed, to large ones."""
        beyond = [size - end for size, end in zip(self.large, self.reached(small), strict=True)]
        return F.conv_transpose2d(
            small, weight, None, self.stride, self.padding, beyond, self.groups, self.dilation
        )

    def weigh(self, large: Tensor, small: Tensor) -> Tensor:
        """Compute a weight of large and small pictures."""
        shape = small.shape[1], large.shape[1] // self.groups, *self.kernel
        layout = torch.contiguous_format if small.is_contiguous() else torch.channels_last
        weight = torch.empty(shape, dtype=large.dtype, device=large.device, memory_format=layout)
        # Of the weight that it is given it reads the shape and the layout, no number.
        geometry = (self.stride, self.padding, self.dilation, False, [0, 0], self.groups)
        [_, found, _] = _gradients(small, large, weight, None, *geometry, [False, True, False])
        return cast("Tensor", found)

    def reached(self, small: Tensor) -> list[int]:
        """Tell to which height and width of large pictures the windows of small ones reach."""
        ends = zip(small.shape[2:], self.stride, self.padding, self.dilation, self.kernel, strict=True)
        return [
            (count - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1
            for count, stride, padding, dilation, kernel in ends
        ]


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve as `torch.nn.functional.conv2d` does."""
    if isinstance(padding, str) or input.dim() != 4:
        return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    shapes = _pair(input.shape[2:]), _pair(weight.shape[2:])
    geometry = Geometry(*shapes, _pair(stride), _pair(padding), _pair(dilation), groups)
    return _biased(convolved(input, weight, geometry), bias)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Convolve, transposed, as `torch.nn.functional.conv_transpose2d` does."""
    beyond = _pair(output_padding)
    geometry = Geometry(
        (0, 0), _pair(weight.shape[2:]), _pair(stride), _pair(padding), _pair(dilation), groups
    )
    # As many rows beyond as a stride has would be one more window of the convolution whose transpose this is.
    if input.dim() != 4 or any(more >= step for more, step in zip(beyond, geometry.stride, strict=True)):
        return F.conv_transpose2d(input, weight, bias, stride, padding, output_padding, groups, dilation)
    height, width = (end + more for end, more in zip(geometry.reached(input), beyond, strict=True))
    return _biased(spread(input, weight, geometry._replace(large=(height, width))), bias)


def _pair(numbers: int | Sequence[int]) -> Pair:
    if isinstance(numbers, int):
        return numbers, numbers
    first, last = numbers[0], numbers[-1]  # one number may be given in a list
    return first, last


def _biased(pictures: Tensor, bias: Tensor | None) -> Tensor:
    return pictures if bias is None else pictures + bias[:, None, None]
