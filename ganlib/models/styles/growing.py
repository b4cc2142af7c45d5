"""Networks that begin with 4x4 pictures and grow.

Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation", 2017,
https://arxiv.org/abs/1710.10196, section 2: each size trains for a while, then the layers of the next one are
faded in. How far a network has grown is one number, its doublings, and a pure function of the clock.
"""

import math

import torch
from torch import Tensor, nn


def doublings_at(kimg: float, grow_kimg: float, fade_kimg: float, last: int) -> float:
    """Return the doublings at a time: each size trains for ``grow_kimg``, the next is faded in over ``fade_kimg``.

    Args:
        kimg: Thousands of real images shown.
        grow_kimg: 0 = full size from the start.
        fade_kimg: 0 = the next size comes at once.
        last: Doublings to the full size.
    """
    if not grow_kimg:
        return float(last)
    grown, within = divmod(kimg, grow_kimg + fade_kimg)
    faded = (within - grow_kimg) / fade_kimg if fade_kimg else 0.0
    return min(grown + max(faded, 0.0), float(last))


class Growth(nn.Module):
    """The growth of a network; kept in ``state_dict`` too, so that a half-grown network is loaded half-grown.

    After d whole doublings pictures have 4 * 2**d pixels; between d and d + 1 the next size is faded in with a weight
    that rises from 0 to 1.

    Args:
        last: Doublings to the full size, where it begins.

    Attributes:
        doublings: From 0 to ``last``.
        reached: Doublings to the largest layers in use.
        fading: Whether those are being faded in.
    """

    fade: Tensor

    def __init__(self, last: int) -> None:
        super().__init__()
        # In a tensor, because it changes with every step; the number of doublings decides what is computed at all.
        self.register_buffer("fade", torch.ones(()), persistent=False)
        self.last = last
        self.grow_to(float(last))

    def grow_to(self, doublings: float) -> None:
        """Set the doublings."""
        self.doublings, self.reached = doublings, math.ceil(doublings)
        self.fading = doublings != self.reached
        self.fade.fill_(doublings - math.floor(doublings) if self.fading else 1.0)

    @property
    def side(self) -> int:
        """Return the side of the pictures in pixels."""
        return 4 << self.reached

    def forward(self, old: Tensor, new: Tensor) -> Tensor:
        """Blend what the smaller network gives with what the new layers give."""
        return torch.lerp(old, new, self.fade.to(new.dtype))

    def get_extra_state(self) -> Tensor:
        """Return the doublings, for ``state_dict``."""
        return torch.tensor(self.doublings, dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        """Grow to the doublings of a ``state_dict``."""
        self.grow_to(float(state))
