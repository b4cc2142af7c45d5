"""Average a generator's weights over training: the average makes better pictures than the weights of any one step.

Karras et al., "Progressive Growing of GANs", 2017, https://arxiv.org/abs/1710.10196, section 4; the ramp is that of
Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, https://arxiv.org/abs/1912.04958.
"""

from functools import cached_property

import torch
from torch import Tensor, nn

EMA_RAMP = 0.05
"""The average's half-life is at most this share of what was trained so far."""


class Averaging:
    """Moves a network of averages to the weights and batch statistics of another one.

    Args:
        average: What is moved.
        network: Of the same layers, on the same device.

    Attributes:
        keep: What is kept of the average at each step, in [0, 1); a tensor on the device.
    """

    def __init__(self, average: nn.Module, network: nn.Module) -> None:
        self._average, self._network = average, network
        self.keep = torch.zeros((), device=next(network.parameters()).device)

    def schedule(self, step_kimg: float, kimg: float, half_life: float) -> None:
        """Set what is kept.

        Args:
            step_kimg: The pictures of a step, in thousands.
            kimg: Thousands of pictures that the network will have been trained on after the next step.
            half_life: In kimg; 0 does not average.
        """
        half_life = min(half_life, EMA_RAMP * kimg)
        self.keep.fill_(0.5 ** (step_kimg / half_life) if half_life else 0.0)

    @torch.no_grad()
    def update(self) -> None:
        """Take a step: average = weight + keep * (average - weight)."""
        averages, weights = self._pairs
        torch._foreach_sub_(averages, weights)
        torch._foreach_mul_(averages, self.keep)
        torch._foreach_add_(averages, weights)

    @cached_property
    def _pairs(self) -> tuple[list[Tensor], list[Tensor]]:
        """What is averaged, and of what; loading a state changes these tensors and keeps them."""
        return _floats(self._average), _floats(self._network)


def _floats(module: nn.Module) -> list[Tensor]:
    return [tensor for tensor in (*module.parameters(), *module.buffers()) if tensor.is_floating_point()]
