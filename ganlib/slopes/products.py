"""A map that is linear in two tensors, with all its derivatives made of three products.

A convolution relates ``large`` pictures, ``small`` ones and a weight. From any two of them a product makes the third:

- ``down``: large pictures and the weight to small ones, which is the convolution;
- ``up``: small pictures and the weight to large ones, the transposed convolution;
- ``weigh``: large and small pictures to a weight.

Each is linear in both, so the gradient for either is the product that makes it, and so on for the gradients' gradients.
"""

from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from ganlib.slopes.taking import alone

Part = Literal["large", "small", "weight"]
_PARTS: tuple[Part, ...] = ("large", "small", "weight")


class Products(Protocol):
    """The three products of a convolution. They return tensors of their own, no views, and are recorded by nobody."""

    def down(self, large: Tensor, weight: Tensor) -> Tensor:
        """Compute small pictures."""

    def up(self, small: Tensor, weight: Tensor) -> Tensor:
        """Compute large pictures."""

    def weigh(self, large: Tensor, small: Tensor) -> Tensor:
        """Compute a weight."""


def convolved(large: Tensor, weight: Tensor, products: Products) -> Tensor:
    """Convolve large pictures with a weight to small ones; it can be differentiated as often as one likes."""
    return _product(products, "small", large, weight)


def spread(small: Tensor, weight: Tensor, products: Products) -> Tensor:
    """Convolve small pictures, transposed, with a weight to large ones; differentiable as `convolved` is."""
    return _product(products, "large", small, weight)


def _product(products: Products, made: Part, first: Tensor, second: Tensor) -> Tensor:
    """Compute one part of the other two, which are given in the order of `_PARTS`."""
    # Where a gradient is not to be differentiated, it need not be recorded; which is nearly always.
    if not torch.is_grad_enabled():
        return _computed(products, made, first, second)
    result: Tensor = _Product.apply(products, made, first, second)
    return result


def _computed(products: Products, made: Part, first: Tensor, second: Tensor) -> Tensor:
    if made == "small":
        return products.down(first, second)
    return products.up(first, second) if made == "large" else products.weigh(first, second)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, products: Products, made: Part, first: Tensor, second: Tensor) -> Tensor:  # noqa: ANN401
        ctx.products, ctx.made = products, made
        ctx.save_for_backward(first, second)
        return _computed(products, made, first, second)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        given = [part for part in _PARTS if part != ctx.made]
        parts = {**dict(zip(given, ctx.saved_tensors, strict=True)), ctx.made: gradients[0]}

        def gradient(part: Part, asked: bool) -> Tensor | None:
            if not asked or (part == "weight" and alone()):
                return None
            return _product(ctx.products, part, *(parts[other] for other in _PARTS if other != part))

        asked = ctx.needs_input_grad[2:]
        return None, None, *(gradient(part, one) for part, one in zip(given, asked, strict=True))
