"""Batch norm and instance norm whose second derivatives take a few operations."""

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ganlib.slopes.taking import alone

_gradients = torch.ops.aten.native_batch_norm_backward.default


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise as `torch.nn.functional.batch_norm` does."""
    alike = all(numbers is None or numbers.dtype == input.dtype for numbers in (weight, bias))
    if not training or not alike or input.numel() == input.shape[1]:  # of one number there is no deviation
        return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if weight is None:
        weight = input.new_ones(input.shape[1])
    output: Tensor = _Normed.apply(input, weight, bias, running_mean, running_var, momentum, eps)
    return output


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each picture as `torch.nn.functional.instance_norm` does."""
    if running_mean is not None or not use_input_stats or input.dim() != 4 or input.shape[2:].numel() == 1:
        return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)
    count, channels = input.shape[:2]
    planes = input.reshape(1, count * channels, *input.shape[2:])
    weight, bias = (None if numbers is None else numbers.repeat(count) for numbers in (weight, bias))
    return batch_norm(planes, None, None, weight, bias, True, momentum, eps).view(input.shape)


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        pictures: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        momentum: float,
        eps: float,
    ) -> Tensor:
        output, mean, inverse = torch.native_batch_norm(
            pictures, weight, bias, running_mean, running_var, True, momentum, eps
        )
        ctx.save_for_backward(pictures, weight, mean, inverse)
        ctx.eps = eps
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        pictures, weight, mean, inverse = ctx.saved_tensors
        if alone():
            slope = _Slope.apply(gradients[0], pictures, weight, mean, inverse, ctx.eps)
            return slope, *[None] * 6
        asked = ctx.needs_input_grad[:3]
        return *_backward(gradients[0], pictures, weight, mean, inverse, ctx.eps, asked), *[None] * 4


class _Slope(torch.autograd.Function):
    """The gradient of pictures through a norm, for a gradient g ``(n, c, ...)`` of what it returns.

    With x^ = (x - mean) / deviation and <> for a mean over a channel, it is weight / deviation * (g - <g> - x^ <g x^>).
    Its own gradients, for u, are written with the five means <g>, <u>, <g x^>, <u x^> and <g u>.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        gradient: Tensor,
        pictures: Tensor,
        weight: Tensor,
        mean: Tensor,
        inverse: Tensor,
        eps: float,
    ) -> Tensor:
        slope, along, total = _backward(gradient, pictures, weight, mean, inverse, eps)
        ctx.save_for_backward(gradient, pictures, weight, mean, inverse, along, total)
        ctx.eps = eps
        return cast("Tensor", slope)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        (u,) = gradients
        g, pictures, weight, mean, inverse, along, total = ctx.saved_tensors
        # What takes g to the slope is symmetric, so it takes u to the gradient of g.
        to_gradient, along_u, total_u = _backward(u, pictures, weight, mean, inverse, ctx.eps)
        count = u.numel() // u.shape[1]
        mean_g, mean_u, g_x, u_x = total / count, total_u / count, along / count, along_u / count
        g_u = (g * u).mean([axis for axis in range(u.dim()) if axis != 1]) - mean_g * mean_u - g_x * u_x
        factor = -weight * inverse.square()

        def wide(numbers: Tensor) -> Tensor:
            return numbers.view(-1, *[1] * (u.dim() - 2))

        to_pictures = (pictures - wide(mean)) * wide(factor * inverse * (g_u - 2 * g_x * u_x))
        to_pictures.addcmul_(u - wide(mean_u), wide(factor * g_x))
        to_pictures.addcmul_(g - wide(mean_g), wide(factor * u_x))
        return to_gradient, to_pictures, count * inverse * g_u, None, None, None


def _backward(
    gradient: Tensor,
    pictures: Tensor,
    weight: Tensor,
    mean: Tensor,
    inverse: Tensor,
    eps: float,
    asked: Sequence[bool] = (True, True, True),
) -> Any:  # noqa: ANN401
    """Compute the gradients of pictures, weight and bias; None for those that are not asked for."""
    return _gradients(gradient, pictures, weight, None, None, mean, inverse, True, eps, asked)
