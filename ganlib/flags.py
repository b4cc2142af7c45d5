"""Say how a GPU computes: flags of torch that hold for all of a process, so that one thread at a time says so.

TF32 has float32's range and 10 bits of mantissa in place of 23; sums stay float32. GPUs from Ampere on multiply it
faster than float32. Unless told otherwise torch lets convolutions use it, and not matrix products.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


def on_gpu(device: torch.device) -> bool:
    """Tell whether flags of a GPU can be a question at all."""
    return device.type == "cuda"


@contextmanager
def tf32(allowed: bool, device: torch.device) -> Iterator[None]:
    """Allow or forbid TF32 to convolutions and matrix products of float32 inside; elsewhere it is as before.

    It holds for all of a process, and for kernels that a CUDA graph captures inside; another thread that wants to say
    so waits until this one has left.

    Args:
        allowed: Whether products may be rounded to TF32; False is plain float32.
        device: On a CPU nothing is changed.
    """
    if not on_gpu(device):
        yield
        return
    # torch's newer flags (``fp32_precision``) are not used: where one of them differs from these, kernels raise.
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    with _said:
        before = matmul.allow_tf32, cudnn.allow_tf32
        matmul.allow_tf32 = cudnn.allow_tf32 = allowed
        try:
            yield
        finally:
            matmul.allow_tf32, cudnn.allow_tf32 = before


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Make a context for what is measured: in plain float32, by the kernels that cuDNN's rule chooses.

    The fastest ones, which training looks for, are looked for anew in each thread that measures, take longer to find
    than they save, and are not the same each time: nor would be the last digits of a number.

    Args:
        device: On a CPU nothing is changed.
    """
    if not on_gpu(device):
        yield
        return
    with tf32(False, device):
        cudnn, before = torch.backends.cudnn, torch.backends.cudnn.benchmark
        cudnn.benchmark = False
        try:
            yield
        finally:
            cudnn.benchmark = before


def at_first(device: torch.device) -> None:
    """Say how a process computes where nothing else is said: float32 is plain, and fast kernels are looked for."""
    if on_gpu(device):
        with _said:
            torch.backends.cudnn.benchmark = True
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


@contextmanager
def one_at_a_time(device: torch.device, alive: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Measure in one thread at a time, while others train; those that are to be `alone` wait.

    What is computed inside is to be `exact` piece by piece, so that steps that say something else come in between.

    Args:
        device: On a CPU nobody waits.
        alive: Called every second of waiting; what it raises ends that.
    """
    if not on_gpu(device):
        yield
        return
    while not _measured.acquire(timeout=1.0):
        alive()
    try:
        yield
    finally:
        _measured.release()


@contextmanager
def alone() -> Iterator[None]:
    """Keep other threads from measuring and from saying anything inside."""
    with _measured, _said:
        yield


def measured_elsewhere() -> bool:
    """Tell whether another thread measures."""
    free = _measured.acquire(blocking=False)
    if free:
        _measured.release()
    return not free


_said = threading.RLock()
"""Held as long as something is said: of several trials in a process, one is measured while another trains."""
_measured = threading.RLock()
"""Held as long as something is measured. Who takes both takes it first."""
