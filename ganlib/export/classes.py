"""Choose the classes of the pictures that an exported generator makes."""

import operator
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ganlib.data.listing import matched
from ganlib.errors import RequestError
from ganlib.models.conditioning import joined
from ganlib.models.latents import classes_in_proportion
from ganlib.registry import check_name

Told = str | int | Sequence[str | int] | np.ndarray | Tensor | None
"""Classes of pictures: a name or number for all or for each, or None, in the proportions of the data."""


def with_classes(latents: Tensor, told: Told, known: Mapping[str, int]) -> Tensor:
    """Make what a network takes of latents ``(n, latent_dim)`` and classes.

    Args:
        latents: Standard normal.
        told: The classes.
        known: The classes that the generator knows, in order, with their numbers of pictures in the data; of none, the
            latents are returned.

    Raises:
        RequestError: for a class that is not known or neither name nor number, another number of classes than latents,
            or classes where none is known.
    """
    if not known:
        if told is None:
            return latents
        raise RequestError("this generator was trained without labels (data.labels), and knows no classes")
    names = tuple(known)
    numbers: Tensor
    if told is None:
        numbers = classes_in_proportion(list(known.values()), len(latents))
    elif isinstance(told, Tensor) and told.dim() and not told.is_floating_point():
        numbers = told
    else:
        # An array without a dimension is one number, as of `numbers[0]`.
        one = isinstance(told, str | int) or np.ndim(told) == 0
        many = told.tolist() if isinstance(told, Tensor) else told
        wanted: Iterable[object] = [told] * len(latents) if one else many  # type: ignore[assignment]
        numbers = torch.tensor([_number(each, names) for each in wanted], dtype=torch.int64)
    if numbers.shape != latents.shape[:1] or not bool(((numbers >= 0) & (numbers < len(names))).all()):
        raise RequestError(
            f"there are {len(latents)} latents, which need as many classes from 0 to {len(names) - 1}; got classes of "
            f"shape {tuple(numbers.shape)}"
        )
    return joined(latents, numbers.to(latents.device))


def _number(told: object, names: Sequence[str]) -> int:
    """Read the name or the number of a class; whether there are so many is not looked at.

    Raises:
        RequestError: for what is neither, or a name that is not known.
    """
    if isinstance(told, str):
        return names.index(check_name("class", matched([told], names)[0], names))
    try:
        return operator.index(told)  # type: ignore[arg-type]
    except TypeError:
        raise RequestError(
            f"a class is a name ({', '.join(names[:8])}) or a whole number, got {told!r}"
        ) from None
