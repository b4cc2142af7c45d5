"""What grey saves: the processor time of a DCGAN's step with one channel over that with three, in turns.

    OMP_NUM_THREADS=1 python benchmarks/grey.py

One thread, float32, width 32, batch 32; the median of seven turns.
"""

import statistics
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.heap import keep_memory
from ganlib.names import FAMILIES
from ganlib.steps.adversarial import AdversarialStep

BATCH, STEPS, TURNS = 32, 6, 7


def made(size: int, channels: int) -> tuple[AdversarialStep, Iterator[Tensor]]:
    """Build a step, and batches of noise."""
    train = TrainConfig(batch_size=BATCH, precision="fp32", kimg=10.0)
    make = FAMILIES["dcgan"].load_step()
    step = make(
        DataConfig(size=size, channels=channels), ModelConfig(width=32), train, 0, torch.device("cpu")
    )

    def batches() -> Iterator[Tensor]:
        while True:
            yield torch.randint(0, 256, (BATCH, channels, size, size), dtype=torch.uint8)

    return step, batches()


def main() -> None:
    """Let both take turns."""
    keep_memory()
    torch.set_num_threads(1)
    for size in (32, 64):
        both = {channels: made(size, channels) for channels in (1, 3)}
        ratios = []
        for turn in range(TURNS + 1):
            seconds = {}
            for channels, (step, batches) in both.items():
                begin = time.process_time()
                for _ in range(STEPS):
                    step(batches)
                seconds[channels] = time.process_time() - begin
            if turn:  # the first warms up
                ratios.append(seconds[1] / seconds[3])
        print(f"{size} px: {statistics.median(ratios):.2f} of RGB's ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
