"""Where the 4x4 stride-2 convolution as a matrix product pays: forward and backward, against torch's own.

One thread, bfloat16, channels-last, batch 64. The two take turns; ratios above 1 are in favour of the matrix product.

    python benchmarks/convolution.py
"""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganlib.models import layers
from ganlib.models.layers import Down, Up

BATCH = 64
CASES = [
    (3, 32, 32),
    (32, 64, 16),
    (64, 128, 8),
    (128, 256, 4),
    (3, 64, 64),
    (64, 128, 32),
    (128, 256, 16),
    (256, 512, 8),
]
"""Channels of the larger picture, of the smaller, and the side of the larger."""


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def work(layer: nn.Module, pictures: Tensor) -> Callable[[], None]:
    """Forward and backward through a layer, to its weight and its input."""

    def call() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = layer(pictures)
        output.backward(torch.ones_like(output))

    return call


def compare(call: Callable[[], None], rounds: int = 7) -> tuple[float, float]:
    """Median milliseconds with the matrix product and without."""
    side, channels = layers.MAX_SIDE, layers.MIN_CHANNELS
    times: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(rounds + 1):
        for matrix in (True, False):
            layers.MAX_SIDE, layers.MIN_CHANNELS = (10**6, 1) if matrix else (0, 1)
            seconds = timed(call)
            if turn:  # the first is for warming up
                times[matrix].append(seconds * 1000)
    layers.MAX_SIDE, layers.MIN_CHANNELS = side, channels
    return statistics.median(times[True]), statistics.median(times[False])


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, bf16, batch {BATCH}: milliseconds, forward + backward")
    for few, many, side in CASES:
        for name, layer, channels, size in (
            ("down", Down(few, many), few, side),
            ("up", Up(many, few), many, side // 2),
        ):
            layer.to(memory_format=torch.channels_last)
            pictures = torch.randn(BATCH, channels, size, size).to(memory_format=torch.channels_last)
            pictures = pictures.to(torch.bfloat16).requires_grad_(True)
            ours, theirs = compare(work(layer, pictures))
            chosen = "*" if side <= layers.MAX_SIDE and few >= layers.MIN_CHANNELS else " "
            print(
                f"{chosen} {name:4s} {few:3d} <-> {many:3d} at {side:2d} px: matrix {ours:7.2f}, torch {theirs:7.2f}, "
                f"ratio {theirs / ours:5.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
