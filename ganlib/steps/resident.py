"""Hold packed pictures where batches are drawn from: on the GPU as long as there is room."""

import warnings
import weakref

import numpy as np
import torch
from torch import Tensor

GPU_SHARE = 0.5
"""The packed set is moved to the GPU when it takes at most this share of the memory that the process may still take."""


def resident(pictures: np.ndarray, device: torch.device, share: float = GPU_SHARE) -> Tensor:
    """Make a tensor of the packed pictures: on the device where they fit, else over the memory map.

    Pictures that nobody can write to are moved to a GPU once, and stay there for the next trials of this process, as
    long as the array is in use.

    Args:
        pictures: ``(n, size, size, c)`` uint8, may be a read-only memory map (it is never written to).
        device: where training runs.
        share: of what `free_memory` counts that the set may take.
    """
    if device.type == "cuda":
        key = id(pictures), str(device)
        if key in _moved:
            return _moved[key]
        if pictures.nbytes <= share * free_memory(device):
            moved = torch.from_numpy(np.array(pictures)).to(device)
            if not pictures.flags.writeable:
                _moved[key] = moved
                weakref.finalize(pictures, _moved.pop, key, None)
            return moved
    if not pictures.flags.writeable:
        # torch warns of read-only arrays because it cannot protect them; this one is only ever indexed.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(pictures)
    return torch.from_numpy(pictures)


_moved: dict[tuple[int, str], Tensor] = {}
"""Pictures that are on a GPU, by the array that they were copied from (its `id`) and the device."""


def free_memory(device: torch.device) -> int:
    """Count the bytes that this process may still take of a GPU.

    Trials that share a GPU are limited to a part of it each (`torch.cuda.set_per_process_memory_fraction`): what is
    free beyond that part belongs to others, and taking it is refused as if nothing were free.
    """
    free, total = torch.cuda.mem_get_info(device)
    # Unlike the others this function takes no device without a number; None is the one in use.
    part = torch.cuda.get_per_process_memory_fraction(device.index) * total
    # What torch's allocator holds and nobody uses is free to this process, though not to others.
    most = min(free + torch.cuda.memory_reserved(device), part)
    return max(0, int(most) - torch.cuda.memory_allocated(device))
