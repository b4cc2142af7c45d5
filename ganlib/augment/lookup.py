"""Move pictures along a grid, differentiable twice.

`torch.nn.functional.grid_sample` has no second derivative. A penalty on the slope of a discriminator that sees moved
pictures needs one, but only of the kind that is easy: a lookup is linear in the pictures, so that the derivative of its
backward pass is the lookup itself.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

BILINEAR, REFLECTION = 0, 2
"""The numbers of torch's operator for what `look_up` does between pixels and outside of pictures."""


class _Lookup(torch.autograd.Function):
    """The map of pictures ``(n, c, h, w)`` and a grid ``(n, h, w, 2)`` to moved pictures."""

    @staticmethod
    def forward(ctx: Any, pictures: Tensor, grid: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(grid)
        return F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None]:  # noqa: ANN401
        (grid,) = ctx.saved_tensors
        moved: Tensor = _Return.apply(gradients[0], grid)
        return moved, None


class _Return(torch.autograd.Function):
    """The transpose of `_Lookup` for one grid."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(grid)
        # Pictures and grids are of one size, and the values of the pictures do not matter.
        moved, _ = torch.ops.aten.grid_sampler_2d_backward(
            gradient, gradient, grid, BILINEAR, REFLECTION, False, [True, False]
        )
        return moved  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None]:  # noqa: ANN401
        (grid,) = ctx.saved_tensors
        moved: Tensor = _Lookup.apply(gradients[0], grid)
        return moved, None


def look_up(pictures: Tensor, grid: Tensor) -> Tensor:
    """Move pictures: each pixel of the result is looked up between those of the picture, mirrored at its edges.

    Args:
        pictures: ``(n, c, h, w)`` float; gradients pass, twice.
        grid: ``(n, h, w, 2)``, where each pixel comes from, as of `torch.nn.functional.affine_grid` with
            ``align_corners=False``; no gradient passes.

    Returns:
        ``(n, c, h, w)``.
    """
    moved: Tensor = _Lookup.apply(pictures, grid)
    return moved
