"""A CUDA device that is not there: tensors on it have a shape, a type and a device, but no numbers.

`FakeTensorMode` runs all operators so, on machines without a card too. What a card would fail at or wait for is refused
as a `Misstep`, and what would launch kernels on it is counted.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest import mock
from weakref import ref

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch._utils import _get_device_index
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from helpers.training.fake_rules import (
    CARD,
    CHECKED,
    COPIES,
    META,
    Generator,
    Misstep,
    in_inference,
    laid_out,
    leaves,
    made_up,
    on_card,
    refuse_a_mix,
    refuse_another_generator,
    waits,
)

MEMORY = 80 << 30
"""Bytes of the card, all of them free."""
NO_KERNEL = {
    *("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"),  # these allocate
    *("_unsafe_view", "lift_fresh"),  # these name a tensor anew
}
"""Operators that launch no kernel, beside views."""


class Record:
    """What ran for a while.

    Attributes:
        launched: How many operators ran that launch kernels on the card, by name.
        waits: How often the processor waited for the card, by operator.
        calls: Operators, each with the shapes and types of all tensors that it took and gave, and how often.
    """

    def __init__(self) -> None:
        self.launched: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()
        self.calls: Counter[tuple[object, ...]] = Counter()


class Card(TorchDispatchMode):
    """The card: it judges and records all operators before `FakeTensorMode` runs them.

    Where torch's C++ code asks for the device of a tensor on the card, it is told ``meta``, and what it makes there is
    made on the card: else the graph of a backward pass would have streams of the card, for which its engine asks a
    driver. Only what begins a call is told the truth, because autocast asks for it there.

    Attributes:
        strict: Whether it is a misstep to wait for the card; otherwise it is recorded, and the number that is read is
            made up: True, 0 or 1.0.
        record: Of what ran.
    """

    def __init__(self) -> None:
        super().__init__()
        self.strict, self.record = False, Record()
        self.called = False
        self._latest: list[ref[Tensor]] = []
        self._leaves: list[Any] = []

    @contextmanager
    def watch(self, strict: bool = True) -> Iterator[Record]:
        """Record what runs now."""
        before = self.strict, self.record
        self.strict, self.record = strict, Record()
        try:
            yield self.record
        finally:
            self.strict, self.record = before

    def begin_call(self) -> None:
        """Begin to tell the truth about all tensors, until operators make new ones."""
        self.called, self._latest = True, []

    def take_leaf(self, leaf: Tensor) -> None:
        """Let the place where a leaf's gradients are added up be made now, and keep it."""
        self.called = False
        self._leaves.append(torch.autograd.graph.get_gradient_edge(leaf))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.prim.device.default:
            return self._told(args[0])
        kwargs = kwargs or {}
        if moved := kwargs.get("device") == META:
            kwargs["device"] = CARD
        if in_inference(args):  # there, operators arrive that are made of others
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        name = func.overloadpacket.__name__
        if moved and name == "_to_copy" and kwargs.get("dtype") in (None, args[0].dtype):
            return args[0].detach()  # it lies there
        return self._run(func, name, args, kwargs)

    def _told(self, tensor: Any) -> torch.device:
        """Give the device that C++ code is told."""
        device: torch.device = tensor.fake_device
        hidden = not self.called or any(one() is tensor for one in self._latest)
        return META if hidden and device.type == CARD.type else device

    def _run(self, func: Any, name: str, args: Any, kwargs: Any) -> Any:
        found = list(leaves((args, kwargs)))
        given = [leaf for leaf in found if isinstance(leaf, Tensor)]
        if name not in COPIES:
            refuse_a_mix(name, given)
        if name == "_pin_memory":  # fake tensors cannot be pinned
            pinned = torch.empty_like(given[0])
            pinned.pinned = True  # type: ignore[attr-defined]
            return pinned
        if name == "empty_like" and kwargs.get("pin_memory"):
            pinned = func(*args, **(kwargs | {"pin_memory": False}))
            pinned.pinned = True
            return pinned
        if name == "_local_scalar_dense" and (on_card(given) or not self.strict):
            if on_card(given):
                self._wait(name)
            return made_up(given[0].dtype)
        # Fused optimizers make nothing, and some have no fake kernel.
        result = None if name.startswith("_fused_") else func(*args, **kwargs)
        if name.startswith("convolution"):
            result = laid_out(result, given)
        made = [leaf for leaf in leaves(result) if isinstance(leaf, Tensor)]
        self._latest = [ref(one) for one in made]
        self.called = self.called and name == "_to_copy"  # autocast's
        if self.strict and torch.Tag.nondeterministic_seeded in func.tags:
            refuse_another_generator(name, found, made)
        asynchronous = bool(kwargs.get("non_blocking") or (name == "copy_" and args[2:3] == (True,)))
        if (name in COPIES and waits(given, made, asynchronous)) or (name in CHECKED and on_card(given)):
            self._wait(name)
        if on_card(given + made) and not func.is_view and name not in NO_KERNEL:
            self.record.launched[name] += 1
        self.record.calls[name, *((tuple(one.shape), one.dtype) for one in given + made)] += 1
        return result

    def _wait(self, name: str) -> None:
        if self.strict:
            raise Misstep(f"{name} waits for the card")
        self.record.waits[name] += 1


class _Calls(TorchFunctionMode):
    """Tells a card when torch is called from Python."""

    def __init__(self, card: Card) -> None:
        super().__init__()
        self.card = card

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in _ENGINE:
            self.card.begin_call()
        result = func(*args, **(kwargs or {}))
        self.card.called = False
        if func is Tensor.requires_grad_ and result.requires_grad and result.is_leaf:
            self.card.take_leaf(result)
        return result


_ENGINE = (Tensor.backward, torch.autograd.backward, torch.autograd.grad)


def _synchronize(device: object = None) -> None:
    raise Misstep("synchronize waits for the card")


def _apply(module: nn.Module, change: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
    """Move a module by new parameters: torch would swap tensors, which it cannot do with fake ones."""
    for child in module.children():
        child._apply(change)
    with torch.no_grad():
        for name, weight in module.named_parameters(recurse=False):
            moved = nn.Parameter(change(weight), requires_grad=False)
            setattr(module, name, moved.requires_grad_(weight.requires_grad))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, change(buffer))
    return module


def _deepcopy(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """Copy a tensor by an operator: torch would copy memory, which fake tensors do not have."""
    made = tensor.detach().clone()
    memo[id(tensor)] = made = (
        nn.Parameter(made, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else made
    )
    return made


def _numpy(tensor: Tensor) -> np.ndarray:
    """Make up an array; only what lies on the processor has one."""
    assert tensor.device.type == "cpu"
    return np.zeros(tensor.shape, str(tensor.dtype).removeprefix("torch."))


def part_of_memory(part: float, device: object = None) -> float:
    """Give the part of the memory that a process may take; as torch, refuse a device without a number."""
    if device is not None:
        _get_device_index(device)
    return part


@contextmanager
def fake_card(memory: int = MEMORY) -> Iterator[Card]:
    """Let ``device="cuda"`` work as if there was a card, one that computes bfloat16 and has so much memory."""
    mode = FakeTensorMode(allow_fallback_kernels=False, allow_non_fake_inputs=True)
    with ExitStack() as stack:
        for owner, name, value in (
            (torch, "Generator", Generator),
            (nn.Module, "_apply", _apply),
            (torch.cuda, "synchronize", _synchronize),
            (FakeTensor, "__deepcopy__", _deepcopy),
            (FakeTensor, "numpy", _numpy),
            (torch.cuda, "mem_get_info", lambda *_: (memory, memory)),
            (torch.cuda, "get_per_process_memory_fraction", partial(part_of_memory, 1.0)),
            (torch.cuda, "memory_reserved", lambda *_: 0),
            (torch.cuda, "memory_allocated", lambda *_: 0),
            (torch.cuda, "is_bf16_supported", lambda *_, **__: True),
            (torch.cuda.amp.common, "amp_definitely_not_available", lambda: False),
        ):
            stack.enter_context(mock.patch.object(owner, name, value, create=owner is FakeTensor))
        stack.enter_context(mode)
        card = stack.enter_context(Card())
        stack.enter_context(_Calls(card))
        yield card
