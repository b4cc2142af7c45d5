"""Copy the state of training while training goes on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import TypeVar

import torch
from torch import Tensor

from ganlib.transfers import fetched

T = TypeVar("T")


def copied(state: T) -> T:
    """Copy nested dicts and lists of tensors and plain values; tensors of a GPU are copied into memory of the host.

    That memory is pinned, so that nobody waits for the GPU: it copies when it has done what it was given before, and
    goes on with what it is given afterwards. The copies are whole when what `mark` returns has been called.
    """
    return deepcopy(state, {id(tensor): fetched(tensor) for tensor in _tensors(state)})


def mark(device: torch.device) -> Callable[[], None]:
    """Return what waits until a device has done all that it was given so far; it can be called in another thread."""
    if device.type != "cuda":
        return _done_already
    event = torch.cuda.Event()
    event.record(torch.cuda.current_stream(device))
    return event.synchronize


def _done_already() -> None:
    """Wait for a CPU, which has done what it was given."""


def _tensors(state: object) -> Iterator[Tensor]:
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, Mapping):
        for value in state.values():
            yield from _tensors(value)
    elif isinstance(state, Sequence) and not isinstance(state, str | bytes):
        for value in state:
            yield from _tensors(value)
