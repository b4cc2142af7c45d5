"""Keep memory that has been used, so that the kernel need not clear thousands of pages at every training step.

And give back that of a GPU, which others wait for.
"""

import ctypes
import gc
import sys
from functools import cache

import torch

_SETTINGS = {
    -3: 1 << 30,  # M_MMAP_THRESHOLD: smaller blocks come from the heap, and stay in it
    -1: (1 << 31) - 1,  # M_TRIM_THRESHOLD: how much may lie free at the heap's end before it shrinks
    -2: 64 << 20,  # M_TOP_PAD: how much more is asked for when it grows
}
"""glibc's numbers of parameters (malloc.h), and bytes."""


@cache
def keep_memory() -> bool:
    """Have this process keep the memory that it frees, for its next tensors.

    A step of a small GAN on a CPU frees and takes the same tensors again and again; glibc gives the larger ones back to
    the kernel, which clears their pages for the next step. The process stays as large as it was at its largest.

    Returns:
        Whether that was done: only glibc (Linux) can.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return all([bool(mallopt(name, value)) for name, value in _SETTINGS.items()])


def give_back(device: torch.device) -> None:
    """Give back the memory of a GPU that nobody uses: that of garbage too, which torch takes for used."""
    if device.type == "cuda":
        gc.collect()
        torch.cuda.empty_cache()
