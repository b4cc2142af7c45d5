"""The three products of a 4x4 stride-2 convolution, each in two ways: by torch's library, and as a matrix product.

A convolution with kernel 4, stride 2 and padding 1 relates ``large`` pictures ``(n, few, 2r, 2c)``, ``small`` ones
``(n, many, r, c)`` and a weight ``(many, few, 4, 4)``. From any two of them a product makes the third:

- ``down``: large pictures and the weight to small ones, which is the convolution;
- ``up``: small pictures and the weight to large ones, the transposed convolution;
- ``weigh``: large and small pictures to a weight.

Each is linear in both, so the gradients of each are the other two, and so are theirs: penalties on gradients
differentiate them as often as they like.

As a matrix product, a window of the large picture is a row of 16 * few numbers: rows are gathered with one copy, or
added up where they overlap, and all the arithmetic is one product. The numbers are equal up to the order of summation.
`ganlib.models.choice` tells which way is the faster one.
"""

from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor

_gradients = torch.ops.aten.convolution_backward.default


class Ways(NamedTuple):
    """Which products are matrix products; the others are the library's."""

    down: bool = False
    up: bool = False
    weigh: bool = False


class Size(NamedTuple):
    """What the time of a product depends on.

    Attributes:
        pictures: How many at once.
        few: Channels of the large pictures.
        many: Channels of the small pictures.
        rows: Of the small pictures, half as many as the large ones have.
        cols: Of the small pictures.
        dtype: Number format of all of them.
    """

    pictures: int
    few: int
    many: int
    rows: int
    cols: int
    dtype: torch.dtype

    @property
    def work(self) -> int:
        """Count the multiplications and additions."""
        return 2 * self.pictures * self.rows * self.cols * self.many * self.few * 16


def convolved(large: Tensor, weight: Tensor, ways: Ways) -> Tensor:
    """Convolve pictures ``(n, few, 2r, 2c)`` with ``(many, few, 4, 4)`` to ``(n, many, r, c)``."""
    output: Tensor = _Down.apply(large, weight, ways)
    return output


def spread(small: Tensor, weight: Tensor, ways: Ways) -> Tensor:
    """Convolve pictures ``(n, many, r, c)``, transposed, with ``(many, few, 4, 4)`` to ``(n, few, 2r, 2c)``."""
    output: Tensor = _Up.apply(small, weight, ways)
    return output


# What follows makes tensors of their own, no views, because a layer behind may change its input in place. None of it is
# recorded for a gradient.


def down(large: Tensor, weight: Tensor, by_matrix: bool) -> Tensor:
    """Compute small pictures of large ones, see the module's text; ``by_matrix`` chooses the way."""
    if not by_matrix:
        return F.conv2d(large, weight, stride=2, padding=1)
    n, _, height, width = large.shape
    small = _empty(large, n, len(weight), height // 2, width // 2)
    torch.mm(gather(_ordered(large)), _rows(weight).T, out=_ordered(small).view(-1, len(weight)))
    return small


def up(small: Tensor, weight: Tensor, by_matrix: bool) -> Tensor:
    """Compute large pictures of small ones, see the module's text; ``by_matrix`` chooses the way."""
    if not by_matrix:
        return F.conv_transpose2d(small, weight, stride=2, padding=1)
    n, many, rows, cols = small.shape
    large = _empty(small, n, weight.shape[1], 2 * rows, 2 * cols)
    scatter(_ordered(small).view(-1, many) @ _rows(weight), _ordered(large))
    return large


def weigh(large: Tensor, small: Tensor, by_matrix: bool) -> Tensor:
    """Compute a weight of large and small pictures, see the module's text; ``by_matrix`` chooses the way."""
    few, many = large.shape[1], small.shape[1]
    weight = _empty(large, many, few, 4, 4)
    if not by_matrix:
        # Of the weight that it is given it reads the shape and the layout, no number.
        [_, found, _] = _gradients(
            small, large, weight, None, [2, 2], [1, 1], [1, 1], False, [0, 0], 1, [False, True, False]
        )
        return cast("Tensor", found)
    torch.mm(_ordered(small).view(-1, many).T, gather(_ordered(large)), out=_rows(weight))
    return weight


def gather(pictures: Tensor) -> Tensor:
    """Gather all windows of pictures ``(n, h, w, c)`` as rows ``(n * h/2 * w/2, 16 * c)``, kernel row by row."""
    n, h, w, c = pictures.shape
    padded = F.pad(pictures, (0, 0, 1, 1, 1, 1))
    picture, row, col = padded.stride()[:3]
    # Four neighbours in a row lie side by side in memory: windows are read in runs of 4 * c.
    windows = padded.as_strided((n, h // 2, w // 2, 4, 4 * c), (picture, 2 * row, 2 * col, row, 1))
    return windows.reshape(-1, 16 * c)


def scatter(windows: Tensor, pictures: Tensor) -> None:
    """Add rows of windows up to pictures ``(n, h, w, c)``, in order: the transpose of `gather`."""
    n, h, w, c = pictures.shape
    rows, cols = h // 2, w // 2
    lines = windows.new_empty(n, h, cols, 4 * c)
    _overlap(windows.view(n, rows, cols, 4, 4 * c).transpose(2, 3), lines)
    _overlap(lines.view(n * h, cols, 4, c), pictures.view(n * h, w, c))


def _overlap(fours: Tensor, line: Tensor) -> None:
    """Add up lines of four, each half over the next: ``(n, k, 4, ...)`` to ``(n, 2k, ...)``, without both ends."""
    torch.add(fours[:, 1:, :2], fours[:, :-1, 2:], out=line[:, 1:-1].unflatten(1, (-1, 2)))
    line[:, 0] = fours[:, 0, 1]
    line[:, -1] = fours[:, -1, 2]


def _empty(like: Tensor, *shape: int) -> Tensor:
    """Make a tensor in which nothing is yet, channels-last."""
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


def _ordered(pictures: Tensor) -> Tensor:
    """Give pictures ``(n, c, h, w)`` as ``(n, h, w, c)`` in order; a view, where they are channels-last."""
    return pictures.permute(0, 2, 3, 1).contiguous()


def _rows(weight: Tensor) -> Tensor:
    """Give a weight ``(many, few, 4, 4)`` as ``(many, 16 * few)``; a view, where it is channels-last."""
    return weight.permute(0, 2, 3, 1).flatten(1)


class _Down(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, large: Tensor, weight: Tensor, ways: Ways) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(large, weight)
        ctx.ways = ways
        return down(large, weight, ways.down)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # noqa: ANN401
        large, weight = ctx.saved_tensors
        to_large, to_weight, _ = ctx.needs_input_grad
        return (
            _up(gradients[0], weight, ctx.ways) if to_large else None,
            _weigh(large, gradients[0], ctx.ways) if to_weight else None,
            None,
        )


class _Up(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, small: Tensor, weight: Tensor, ways: Ways) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(small, weight)
        ctx.ways = ways
        return up(small, weight, ways.up)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # noqa: ANN401
        small, weight = ctx.saved_tensors
        to_small, to_weight, _ = ctx.needs_input_grad
        return (
            _down(gradients[0], weight, ctx.ways) if to_small else None,
            _weigh(gradients[0], small, ctx.ways) if to_weight else None,
            None,
        )


class _Weigh(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, large: Tensor, small: Tensor, ways: Ways) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(large, small)
        ctx.ways = ways
        return weigh(large, small, ways.weigh)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # noqa: ANN401
        large, small = ctx.saved_tensors
        to_large, to_small, _ = ctx.needs_input_grad
        return (
            _up(small, gradients[0], ctx.ways) if to_large else None,
            _down(large, gradients[0], ctx.ways) if to_small else None,
            None,
        )


# Where a gradient is not to be differentiated, the products need not be recorded; which is nearly always.


def _down(large: Tensor, weight: Tensor, ways: Ways) -> Tensor:
    return convolved(large, weight, ways) if torch.is_grad_enabled() else down(large, weight, ways.down)


def _up(small: Tensor, weight: Tensor, ways: Ways) -> Tensor:
    return spread(small, weight, ways) if torch.is_grad_enabled() else up(small, weight, ways.up)


def _weigh(large: Tensor, small: Tensor, ways: Ways) -> Tensor:
    if not torch.is_grad_enabled():
        return weigh(large, small, ways.weigh)
    weight: Tensor = _Weigh.apply(large, small, ways)
    return weight
