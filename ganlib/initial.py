"""Make networks whose initial weights depend on a seed alone, and which leave the process's random numbers alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_drawing = threading.RLock()


@contextmanager
def initial_weights(seed: int | None = None) -> Iterator[None]:
    """Let networks be made inside.

    Layers draw their weights from the process's own generator. So one thread does so at a time: of several trials in a
    process one begins while another's result is measured.

    Args:
        seed: Of the weights; None where they are replaced anyway.
    """
    with _drawing, torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the GPUs as well
        yield
