"""Say how a GPU computes: flags of torch that hold for all of a process, so that one thread at a time says so.

TF32 has float32's range and 10 bits of mantissa in place of 23; sums stay float32. GPUs from Ampere on multiply it
faster than float32. Unless told otherwise torch lets convolutions use it, and not matrix products.
"""

import threading
from collections.abc import Iterator
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


@contextmanager
def alone() -> Iterator[None]:
    """Keep other threads from saying anything: none of them measures or begins a step inside."""
    with _said:
        yield


def unsaid(seconds: float) -> bool:
    """Wait, so long at most, until no other thread says anything; tell whether that came to be."""
    if not _said.acquire(timeout=seconds):
        return False
    _said.release()
    return True


_said = threading.RLock()
"""Held as long as something is said: of several trials in a process, one is measured while another trains."""
