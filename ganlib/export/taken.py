"""Read what exported generators take: whole numbers, and latents in whatever holds numbers."""

import operator

import numpy as np
import torch
from torch import Tensor

from ganlib.errors import RequestError

Numbers = Tensor | np.ndarray | list[list[float]]
"""Rows of numbers: a tensor, an array or nested lists."""


def whole(value: object, name: str, least: int, below: int = 2**63) -> int:
    """Read a whole number.

    Raises:
        RequestError: for what is none, or too small or large.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise RequestError(f"{name} must be a whole number, got {value!r}") from None
    if number < least:
        raise RequestError(f"{name} must be at least {least}, got {number}")
    if number >= below:
        raise RequestError(f"{name} must be less than {below:,}, got {number}")
    return number


def latents_of(rows: Numbers, dim: int) -> Tensor:
    """Read latents ``(n, dim)`` as float32, where they are.

    Raises:
        RequestError: for what are none, or none of this length.
    """
    try:
        # A copy, because what a view of NumPy's may be (backwards, another byte order) no tensor is.
        numbers = rows if isinstance(rows, Tensor) else torch.from_numpy(np.array(rows, np.float32))
    except (TypeError, ValueError):
        raise RequestError(f"latents must be numbers (n, {dim}), got {type(rows).__name__}") from None
    if numbers.is_complex() or numbers.shape[1:] != (dim,):
        shape = tuple(numbers.shape)
        raise RequestError(
            f"latents must be (n, {dim}), standard normal, as generator.latents(n) draws them; got {numbers.dtype} "
            f"{shape}"
        )
    return numbers.float()
