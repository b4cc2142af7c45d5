"""Take slopes: gradients for a network's inputs alone, which can be differentiated again."""

import torch
from torch import Tensor

_taken = 0
"""How many slopes are being taken in this process."""


def slope(output: Tensor, inputs: Tensor) -> Tensor:
    """Compute the gradient of a scalar for inputs, of their shape; it can be differentiated again.

    What is `ganlib.slopes`' own on the way leaves out the gradients of weights (`alone`), which nobody would read.
    """
    global _taken
    _taken += 1
    try:
        (gradient,) = torch.autograd.grad(output, inputs, create_graph=True)
    finally:
        _taken -= 1
    return gradient


def alone() -> bool:
    """Tell a function that goes backward whether it does so for a slope: its weights need no gradients then.

    Backward passes of a GPU run in threads of torch, which know of their pass whether it is recorded, and no more.
    Those that are recorded are slopes, and those of other threads, which teach weights, are not.
    """
    return _taken > 0 and torch.is_grad_enabled()
