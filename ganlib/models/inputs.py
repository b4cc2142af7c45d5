"""What generators are given when they are measured or shown: latents, or pictures of the other domain.

Both are endless numbered lists, one for evaluations and one for results, so that a trial's result rests on inputs that
played no part in the choice of its best generator.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from ganlib.config import ModelConfig
from ganlib.data.alpha import premultiplied
from ganlib.data.labels.classes import Classes
from ganlib.errors import RequestError
from ganlib.models.conditioning import joined
from ganlib.models.latents import LATENT_SEED, RESULT_SEED, classes_in_proportion, fixed_latents
from ganlib.names import FAMILIES
from ganlib.transfers import sent

Use = Literal["evaluation", "result"]
"""What inputs are for: evaluations of all trials share one list, and results another."""
NO_CLASSES: Mapping[str, int] = MappingProxyType({})
ORDER_SEED = 20_170_330
"""Seed of the order in which pictures are given to translators that are measured: one for all sweeps."""


class Inputs(Protocol):
    """Numbered lists of inputs, one for each `Use`.

    Attributes:
        classes: The classes by name, in order, with the number of pictures that each has in the data; empty without
            labels.
    """

    classes: Mapping[str, int]

    def take(self, count: int, use: Use = "evaluation", start: int = 0) -> Tensor:
        """Give ``count`` inputs from number ``start`` on, float32, on the CPU: what the generator is called with."""

    def name(self, use: Use = "evaluation") -> str:
        """Name the list, for the records."""


class Latents:
    """Standard normal latents ``(count, latent_dim)``.

    Args:
        latent_dim: Of how many numbers each.
    """

    _SEEDS: ClassVar[dict[Use, int]] = {"evaluation": LATENT_SEED, "result": RESULT_SEED}

    classes: Mapping[str, int] = NO_CLASSES

    def __init__(self, latent_dim: int) -> None:
        self.latent_dim = latent_dim

    def take(self, count: int, use: Use = "evaluation", start: int = 0) -> Tensor:
        """Draw latents; see `ganlib.models.latents.fixed_latents`."""
        return fixed_latents(count, self.latent_dim, self._SEEDS[use], start)

    def name(self, use: Use = "evaluation") -> str:
        """Name the list by its distribution and seed."""
        return f"normal:{self._SEEDS[use]}"


class ClassLatents(Latents):
    """Standard normal latents, and behind each the number of a class: ``(count, latent_dim + 1)``.

    Classes come in the proportions of the data (`ganlib.models.latents.classes_in_proportion`).

    Args:
        latent_dim: Of how many numbers each latent.
        classes: See `Inputs`.
    """

    def __init__(self, latent_dim: int, classes: Mapping[str, int]) -> None:
        super().__init__(latent_dim)
        self.classes = classes

    def take(self, count: int, use: Use = "evaluation", start: int = 0) -> Tensor:
        """Draw latents with classes."""
        return joined(super().take(count, use, start), self.numbers(count, start))

    def numbers(self, count: int, start: int = 0) -> Tensor:
        """Give the numbers of the classes of inputs, int64 ``(count,)``; equal for evaluations and results."""
        return classes_in_proportion(list(self.classes.values()), count, start)

    def of_class(self, number: int, count: int, use: Use = "evaluation", start: int = 0) -> Tensor:
        """Draw latents that are all of one class."""
        latents = super().take(count, use, start)
        return joined(latents, torch.full((count,), number, device=latents.device))

    def name(self, use: Use = "evaluation") -> str:
        """Name the list by its distribution and seed."""
        return f"{super().name(use)}:classes"


class Pictures:
    """Pictures ``(count, 3, size, size)`` in [-1, 1], of one set in random order.

    Results take them from the other end of the order, so that they share none with evaluations as long as the two
    together need no more than there are. Beyond the end, a list begins again.

    Args:
        pictures: uint8 ``(n, size, size, 3)``, may be a memory map.
    """

    classes: Mapping[str, int] = NO_CLASSES

    def __init__(self, pictures: np.ndarray) -> None:
        self.pictures = pictures
        order = np.random.RandomState(ORDER_SEED).permutation(len(pictures))
        self._orders = {"evaluation": order, "result": order[::-1]}

    def take(self, count: int, use: Use = "evaluation", start: int = 0) -> Tensor:
        """Give pictures of the list, as a translator takes them."""
        return self.as_input(self.levels(count, use, start))

    @staticmethod
    def as_input(levels: Tensor) -> Tensor:
        """Convert pictures, uint8, to what a translator takes: float32 in [-1, 1]."""
        return premultiplied(levels)

    def levels(self, count: int, use: Use = "evaluation", start: int = 0) -> Tensor:
        """Give pictures of the list as they are, uint8 ``(count, 3, size, size)``."""
        rows = self._orders[use][np.arange(start, start + count) % len(self.pictures)]
        return torch.from_numpy(np.ascontiguousarray(self.pictures[rows])).permute(0, 3, 1, 2)

    def name(self, use: Use = "evaluation") -> str:
        """Name the list by its order."""
        return f"pictures:{ORDER_SEED}{'' if use == 'evaluation' else ':reversed'}"


class Photos(Pictures):
    """Photographs, in the order in which translators are given them, and the drawings for the way back.

    Args:
        photos: uint8 ``(n, size, size, 3)``, may be a memory map.
        drawings: uint8 ``(m, size, size, 3)``.
    """

    def __init__(self, photos: np.ndarray, drawings: np.ndarray) -> None:
        super().__init__(photos)
        self.drawings = Pictures(drawings)
        self._sent: dict[tuple[int, Use, str], Tensor] = {}

    def first(self, count: int, use: Use, device: torch.device) -> Tensor:
        """Give the first photographs of a list on a device, as `levels` does: one tensor for all who ask for them."""
        key = count, use, str(device)
        if key not in self._sent:
            self._sent[key] = sent(self.levels(count, use), device)
        return self._sent[key]


def latents_of(model: ModelConfig, classes: Mapping[str, int]) -> Latents:
    """Give the latents of a family, with classes where there are some."""
    return ClassLatents(model.latent_dim, classes) if classes else Latents(model.latent_dim)


def inputs_of(
    model: ModelConfig,
    pictures: np.ndarray,
    photos: np.ndarray | None = None,
    classes: Classes | None = None,
) -> Inputs:
    """Choose what a family's generators are given.

    Args:
        model: Names the family.
        pictures: Those that generators are compared with, uint8 ``(n, size, size, c)``.
        photos: Those that a translator starts from, uint8 ``(n, size, size, 3)``.
        classes: Of the pictures, where they have labels.

    Raises:
        RequestError: where the family translates and there are no photographs.
    """
    if not FAMILIES[model.family].translates:
        return latents_of(model, NO_CLASSES if classes is None else classes.pictures)
    if photos is None:
        raise RequestError(f"the family {model.family} translates photographs, and was given none")
    return Photos(photos, pictures)
