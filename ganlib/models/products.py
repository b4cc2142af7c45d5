"""The three products of a 4x4 stride-2 convolution, each in two ways: by torch's library, and as a matrix product.

A convolution with kernel 4, stride 2 and padding 1 relates ``large`` pictures ``(n, few, 2r, 2c)``, ``small`` ones
``(n, many, r, c)`` and a weight ``(many, few, 4, 4)``, as `ganlib.slopes.products` has it.

As a matrix product, a window of the large picture is a row of 16 * few numbers: rows are gathered with one copy, or
added up where they overlap, and all the arithmetic is one product. The numbers are equal up to the order of summation.
`ganlib.models.choice` tells which way is the faster one.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlib.slopes.convolutions import Geometry


class Ways(NamedTuple):
    """Which products are matrix products; the others are the library's."""

    down: bool = False
    up: bool = False
    weigh: bool = False


class Chosen(NamedTuple):
    """The convolution as `ganlib.slopes.products.Products`, each product in its way."""

    ways: Ways

    def down(self, large: Tensor, weight: Tensor) -> Tensor:
        """Compute small pictures."""
        return down(large, weight, self.ways.down)

    def up(self, small: Tensor, weight: Tensor) -> Tensor:
        """Compute large pictures."""
        return up(small, weight, self.ways.up)

    def weigh(self, large: Tensor, small: Tensor) -> Tensor:
        """Compute a weight."""
        return weigh(large, small, self.ways.weigh)


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


# What follows makes tensors of their own, no views, because a layer behind may change its input in place. None of it is
# recorded for a gradient.


def down(large: Tensor, weight: Tensor, by_matrix: bool) -> Tensor:
    """Compute small pictures of large ones, see the module's text; ``by_matrix`` chooses the way."""
    n, _, height, width = large.shape
    if not by_matrix:
        return _library(height, width).down(large, weight)
    small = _empty(large, n, len(weight), height // 2, width // 2)
    torch.mm(gather(_ordered(large)), _rows(weight).T, out=_ordered(small).view(-1, len(weight)))
    return small


def up(small: Tensor, weight: Tensor, by_matrix: bool) -> Tensor:
    """Compute large pictures of small ones, see the module's text; ``by_matrix`` chooses the way."""
    n, many, rows, cols = small.shape
    if not by_matrix:
        return _library(2 * rows, 2 * cols).up(small, weight)
    large = _empty(small, n, weight.shape[1], 2 * rows, 2 * cols)
    scatter(_ordered(small).view(-1, many) @ _rows(weight), _ordered(large))
    return large


def weigh(large: Tensor, small: Tensor, by_matrix: bool) -> Tensor:
    """Compute a weight of large and small pictures, see the module's text; ``by_matrix`` chooses the way."""
    _, few, height, width = large.shape
    if not by_matrix:
        return _library(height, width).weigh(large, small)
    many = small.shape[1]
    weight = _empty(large, many, few, 4, 4)
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


def _library(height: int, width: int) -> Geometry:
    """Give the convolution of large pictures of a size as torch's."""
    return Geometry((height, width), kernel=(4, 4), stride=(2, 2), padding=(1, 1))


def _empty(like: Tensor, *shape: int) -> Tensor:
    """Make a tensor in which nothing is yet, channels-last."""
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


def _ordered(pictures: Tensor) -> Tensor:
    """Give pictures ``(n, c, h, w)`` as ``(n, h, w, c)`` in order; a view, where they are channels-last."""
    return pictures.permute(0, 2, 3, 1).contiguous()


def _rows(weight: Tensor) -> Tensor:
    """Give a weight ``(many, few, 4, 4)`` as ``(many, 16 * few)``; a view, where it is channels-last."""
    return weight.permute(0, 2, 3, 1).flatten(1)
