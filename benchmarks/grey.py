"""What grey saves: the processor time of a DCGAN's step with one channel over that with three, in turns.

    python benchmarks/grey.py

One thread, float32, width 32, batch 32; the median of seven turns, and between which half of them lie.
"""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.turns import in_turn, stepping
from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.heap import keep_memory

STEPS, TURNS = 6, 7
TRAIN = TrainConfig(batch_size=32, precision="fp32", kimg=1000)


def main() -> None:
    """Let both take turns."""
    keep_memory()
    torch.set_num_threads(1)
    for size in (32, 64):
        works = {
            name: stepping(DataConfig(size=size, channels=channels), ModelConfig(width=32), TRAIN, STEPS)
            for name, channels in (("grey", 1), ("RGB", 3))
        }
        found = in_turn(works, TURNS)["RGB"]
        low, high = found["half_of_the_ratios"]
        print(f"{size} px: {found['ratio']:.2f} of RGB's ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
