"""Say whether a GPU may round what it multiplies in float32 to TF32.

TF32 has float32's range and 10 bits of mantissa in place of 23; sums stay float32. GPUs from Ampere on multiply it
faster than float32. Unless told otherwise torch lets convolutions use it, and not matrix products.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def on_gpu(device: torch.device) -> bool:
    """Tell whether TF32 can be a question at all."""
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


_said = threading.RLock()
"""Held as long as something is said: of several trials in a process, one is measured while another trains."""
