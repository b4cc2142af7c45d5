"""Move numbers between the processor and a device, and wait for the device as seldom as possible.

A GPU does what it is given one after another, while the processor goes on. Each number that is read makes the processor
wait until all is done, and then the GPU waits for the processor. So what is measured stays on the device, as `Pending`
results, until all of it is read at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
U = TypeVar("U")
NONE = torch.empty(0, dtype=torch.float64)
"""The numbers of a result that needs none."""


@dataclass(frozen=True)
class Pending(Generic[T]):
    """A result whose numbers are still on a device.

    Attributes:
        numbers: (k,) float64.
        finish: Makes the result of them when they have been read; what it raises says why there is none.
    """

    numbers: Tensor
    finish: Callable[[list[float]], T]

    @classmethod
    def of(cls, numbers: Sequence[Tensor], finish: Callable[[list[float]], T]) -> "Pending[T]":
        """Make one of single numbers, of any types and at least one."""
        return cls(torch.stack([number.double() for number in numbers]), finish)

    def then(self, change: Callable[[T], U]) -> "Pending[U]":
        """Change the result when it has been read."""
        return Pending(self.numbers, lambda found: change(self.finish(found)))

    def read(self) -> T:
        """Wait for the device, once, and give the result."""
        return self.finish(self.numbers.cpu().tolist())


def gathered(parts: Sequence[Pending[T]]) -> Pending[list[T]]:
    """Gather results of one device, so that they are read together; they finish in their order."""
    ends = list(accumulate((len(part.numbers) for part in parts), initial=0))

    def finish(found: list[float]) -> list[T]:
        return [
            part.finish(found[start:end]) for part, (start, end) in zip(parts, pairwise(ends), strict=True)
        ]

    numbers = [part.numbers for part in parts if len(part.numbers)]
    return Pending(torch.cat(numbers) if numbers else NONE, finish)


def pending_number(number: Tensor) -> Pending[float]:
    """Give a single number of any type that is still on its device."""
    return Pending.of([number], lambda found: found[0])


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """Send a tensor to a device without waiting for it: from pinned memory, a GPU copies when it comes to that."""
    if tensor.device.type == device.type:  # "cuda" and "cuda:0" differ, but mean one device
        return tensor
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def fetched(tensor: Tensor) -> Tensor:
    """Copy a tensor into memory of the processor without waiting for it; what is on a CPU is cloned.

    A GPU copies when it has done what it was given before: the copy is whole once the GPU has been waited for.
    """
    if tensor.device.type != "cuda":
        return tensor.detach().clone()
    host = torch.empty_like(tensor, device="cpu", pin_memory=True, requires_grad=False)
    return host.copy_(tensor.detach(), non_blocking=True)
