"""Choose the classes of the pictures that an exported generator makes."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ganlib.errors import RequestError
from ganlib.models.conditioning import joined
from ganlib.models.latents import classes_in_proportion
from ganlib.registry import check_name

Told = str | Sequence[str] | Tensor | None
"""Classes of pictures: a name for all, a name or number for each, or None, in the proportions of the data."""


def with_classes(latents: Tensor, told: Told, known: Mapping[str, int]) -> Tensor:
    """Make what a network takes of latents ``(n, latent_dim)`` and classes.

    Args:
        latents: Standard normal.
        told: The classes.
        known: The classes that the generator knows, in order, with their numbers of pictures in the data; of none, the
            latents are returned.

    Raises:
        RequestError: for a class that is not known, another number of classes than latents, or classes where none is
            known.
    """
    if not known:
        if told is None:
            return latents
        raise RequestError("this generator was trained without labels (data.labels), and knows no classes")
    names = tuple(known)
    numbers: Tensor
    if told is None:
        numbers = classes_in_proportion(list(known.values()), len(latents))
    elif isinstance(told, Tensor):
        numbers = told
    else:
        wanted = [told] * len(latents) if isinstance(told, str) else told
        numbers = torch.tensor([names.index(check_name("class", name, names)) for name in wanted])
    if numbers.shape != latents.shape[:1] or not bool(((numbers >= 0) & (numbers < len(names))).all()):
        raise RequestError(
            f"there are {len(latents)} latents, which need as many classes from 0 to {len(names) - 1}; got classes of "
            f"shape {tuple(numbers.shape)}"
        )
    return joined(latents, numbers.to(latents.device))
