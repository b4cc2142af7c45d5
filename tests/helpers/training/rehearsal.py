"""A stand-in for CUDA graphs on a processor: steps are taken as they are, and what no graph could do is refused."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from helpers.training.fake_rules import leaves

Work = Callable[[], None]
READS = {"_local_scalar_dense", "nonzero", "equal"}
"""Operators that wait for numbers: nothing does so while a graph is played."""


class OtherStep(AssertionError):
    """A replay does something else than what was recorded: a graph would do what was recorded."""


class Rehearsal:
    """Records work as a list of operators, with the tensors from outside that each was given, and its numbers."""

    def __init__(self) -> None:
        self.recorded, self.played, self.warmed = 0, 0, 0

    def warm(self, work: Work) -> None:
        self.warmed += 1
        work()

    def record(self, work: Work) -> Work:
        self.recorded += 1
        first: list[_Take] = []

        def play() -> None:
            self.played += 1
            with _Take() as take:
                work()
            if not first:
                first.append(take)
            _compare(first[0].calls, take.calls)

        return play


class _Take(TorchDispatchMode):
    """One run, which keeps the memory of its tensors: so two are never one by chance, of the next run either."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[object, ...]] = []
        self._kept: list[Any] = []
        self._made: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if func.namespace == "profiler":
            return func(*args, **(kwargs or {}))
        if name in READS:
            raise OtherStep(f"{name} reads a number")
        given = list(leaves((args, kwargs or {})))
        self.calls.append((name, *(self._said(one) for one in given)))
        before = {_memory(one) for one in given if isinstance(one, Tensor)}
        result = func(*args, **(kwargs or {}))
        for one in leaves(result):
            if isinstance(one, Tensor) and _memory(one) not in before:
                self._made.add(_memory(one))
                self._kept.append(one.untyped_storage())
        return result

    def _said(self, value: object) -> object:
        if not isinstance(value, Tensor):
            return value._cdata if isinstance(value, torch.Generator) else value
        shape = (tuple(value.shape), value.stride(), value.storage_offset(), value.dtype)
        if _memory(value) in self._made:
            return shape
        self._kept.append(value.untyped_storage())
        return _memory(value), *shape


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _compare(recorded: list[tuple[object, ...]], played: list[tuple[object, ...]]) -> None:
    if len(recorded) != len(played):
        raise OtherStep(f"{len(recorded)} operators were recorded, {len(played)} played")
    for number, (old, new) in enumerate(zip(recorded, played, strict=True)):
        if old != new:
            raise OtherStep(f"operator {number}, {old[0]}: recorded with {old[1:]}, played with {new[1:]}")
