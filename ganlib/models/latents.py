"""Draw latents: picture i's depend on the seed and on i alone, not on how many are drawn, by what, or at once.

`torch.randn` gives neither: its last numbers depend on how many there are, on a GPU on the number of its processors,
and its vectorised and plain code round differently. Here each row begins its own stretch of a counter-based generator
(Philox; Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405), read through `numpy.random.RandomState`, whose
numbers NumPy promises never to change.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

LATENT_SEED = 20_151_106
"""Seed of the latents of grids and metrics: one for all trials of all sweeps."""
RESULT_SEED = 20_261_126
"""Seed of the latents of results: one for all trials, and others than those of evaluations."""
GOLDEN = (5**0.5 - 1) / 2
"""Of its multiples any that follow each other fall evenly between whole numbers."""
BLOCK = 8
"""Pictures that an export makes in one pass."""


def fixed_latents(count: int, latent_dim: int, seed: int = LATENT_SEED, start: int = 0) -> Tensor:
    """Draw standard normal latents ``(count, latent_dim)``, float32, on the CPU: a part of one endless list of rows.

    Row i depends on (seed, i) alone, and that of a narrower space is the beginning of that of a wider one.

    Args:
        count: How many, >= 0.
        latent_dim: Of how many numbers each.
        seed: From 0 to 2**64 - 1.
        start: The first row's number, >= 0.
    """
    rows = np.empty((count, latent_dim), np.float32)
    for i in range(count):
        # The counter has 256 bits; rows are told apart by the highest 64, which none comes near by drawing.
        stretch = np.random.Philox(key=seed, counter=[0, 0, 0, start + i])
        rows[i] = np.random.RandomState(stretch).standard_normal(latent_dim)
    return torch.from_numpy(rows)


def classes_in_proportion(counts: Sequence[int], count: int, start: int = 0) -> Tensor:
    """Give numbers of classes ``(count,)``, int64, as often as in the data: a part of one endless list.

    Number i depends on i and the counts alone. Every stretch of the list has nearly the data's proportions, because
    multiples of the golden ratio fall evenly among the shares (a Weyl sequence).

    Args:
        counts: How many pictures of the data each class has.
        count: How many numbers.
        start: The first one's place, >= 0.
    """
    ends = np.cumsum(counts) / sum(counts)
    points = (np.arange(start, start + count) + 0.5) * GOLDEN % 1
    return torch.from_numpy(np.searchsorted(ends[:-1], points, "right").astype(np.int64))


def in_blocks(make: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Apply a network that treats its rows one by one, always to `BLOCK` of them; the last block is filled up.

    Kernels are chosen by the size of a batch and round in different ways. With one size only, a row's result does not
    depend on how many come after it, to the last bit.
    """
    results = []
    for part in inputs.split(BLOCK):
        block = inputs.new_zeros(BLOCK, *inputs.shape[1:])
        block[: len(part)] = part
        results.append(make(block)[: len(part)])
    return torch.cat(results)
