"""Let random numbers go on where they were, or begin anew where they cannot."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def go_on(random: torch.Generator, noise: Tensor, anew: Sequence[int]) -> bool:
    """Let a generator of random numbers go on where another one was.

    Args:
        random: The generator, on its device.
        noise: The state of the other one, uint8, on the CPU.
        anew: Non-negative numbers from which ``random`` begins where it cannot go on.

    Returns:
        Whether it goes on: CPUs and GPUs have generators of their own, with states of other sizes.
    """
    if noise.shape == random.get_state().shape:
        random.set_state(noise)
        return True
    random.manual_seed(int(np.random.SeedSequence(anew).generate_state(1, np.uint64)[0]))
    return False
