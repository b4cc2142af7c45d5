"""What a card refuses and waits for, and how what it makes lies in memory."""

from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor

CARD = torch.device("cuda:0")
COPIES = {"_to_copy", "copy_"}
CHECKED = {"_linalg_eigh", "_linalg_svd"}
"""Operators that read from the card whether they have converged."""
META = torch.device("meta")


class Misstep(AssertionError):
    """Something that a training step must not do, because a card would fail at it or wait for it."""


def leaves(value: Any) -> Iterator[Any]:
    """List what is in nested lists, tuples and dicts."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        yield from leaves(list(value.values()))
    else:
        yield value


def in_inference(given: Any) -> bool:
    return torch.is_inference_mode_enabled() or any(
        isinstance(leaf, Tensor) and leaf.is_inference() for leaf in leaves(given)
    )


def on_card(tensors: list[Tensor]) -> bool:
    return any(one.device.type == CARD.type for one in tensors)


def refuse_a_mix(name: str, tensors: list[Tensor]) -> None:
    """Refuse devices that differ, but for single numbers of the processor, which go with the launch."""
    if on_card(tensors) and any(one.device.type != CARD.type and one.dim() for one in tensors):
        raise Misstep(f"{name} is given tensors of the card and of the processor")


def refuse_another_generator(name: str, given: list[Any], made: list[Tensor]) -> None:
    if on_card(made) and not any(
        isinstance(leaf, TorchGenerator) and leaf._cdata in Generator.of_card for leaf in given
    ):
        raise Misstep(f"{name} draws numbers on the card without a generator of the card")


def waits(given: list[Tensor], made: list[Tensor], asynchronous: bool) -> bool:
    """Tell whether a copy waits: one from the card into, or to it out of, memory that is not pinned."""
    source, target = given[-1], made[0]
    if source.device.type == target.device.type:
        return False
    of_processor = given[0] if source.device.type == CARD.type else source
    return not (asynchronous and getattr(of_processor, "pinned", False))


def laid_out(result: Any, given: list[Tensor]) -> Any:
    """Lay maps out as cuDNN does, channels last where one of its maps is; torch asks the card whether to use cuDNN."""
    if not any(one.dim() == 4 and one.is_contiguous(memory_format=torch.channels_last) for one in given):
        return result
    made = [
        torch.empty_like(one, memory_format=torch.channels_last)
        if isinstance(one, Tensor) and one.dim() == 4
        else one
        for one in leaves(result)
    ]
    return made[0] if isinstance(result, Tensor) else tuple(made)


def made_up(dtype: torch.dtype) -> bool | int | float:
    if dtype.is_floating_point:
        return 1.0
    return True if dtype == torch.bool else 0


TorchGenerator = torch.Generator


class Generator(torch.Generator):
    """An RNG; that of the card is one of the processor, because torch makes none for a card that it does not find.

    Those of the card are kept: the address of one that is gone may become that of one of the processor.
    """

    of_card: ClassVar[dict[int, torch.Generator]] = {}

    def __new__(cls, device: torch.device | str = "cpu") -> "Generator":
        made = super().__new__(cls)
        if torch.device(device).type == CARD.type:
            cls.of_card[made._cdata] = made
        return made
