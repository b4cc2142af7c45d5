"""Training steps that are taken in several ways in turn, and how many times as fast each is."""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.names import FAMILIES

Work = Callable[[], object]


def stepping(data: DataConfig, model: ModelConfig, train: TrainConfig, steps: int) -> Work:
    """Make a trial on a CPU; what comes back takes so many of its training steps, each on the same noise."""
    step = FAMILIES[model.family].load_step()(data, model, train, 0, torch.device("cpu"))
    shape = (train.batch_size, data.channels, data.size, data.size)
    batch = torch.randint(0, 256, shape, dtype=torch.uint8)

    def batches() -> Iterator[Tensor]:
        while True:
            yield batch

    stream = batches()

    def work() -> None:
        for _ in range(steps):
            step(stream)

    return work


def after(choose: Work, work: Work) -> Work:
    """Make the work of a turn out of what chooses a way and what is done in all of them."""

    def both() -> None:
        choose()
        work()

    return both


def in_turn(works: dict[str, Work], turns: int) -> dict[str, Any]:
    """Let works take turns, and compare each with the first by processor time.

    Args:
        works: One turn of each, by its name.
        turns: How many, after two for warming up.

    Returns:
        Of each work but the first what `compared` says.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(turns + 2):
        for name, work in works.items():
            before = time.process_time()
            work()
            if turn >= 2:
                seconds[name].append(time.process_time() - before)
    first, *others = seconds
    return {name: compared(seconds[first], seconds[name]) for name in others}


def compared(first: Iterable[float], other: Iterable[float]) -> dict[str, Any]:
    """Give the median of the turns' ratios, above 1 where the other is faster, and between which half of them lie."""
    ratios = sorted(one / two for one, two in zip(first, other, strict=True))
    quarter = len(ratios) // 4
    half = [round(ratios[quarter], 3), round(ratios[-1 - quarter], 3)]
    return {"ratio": round(statistics.median(ratios), 3), "half_of_the_ratios": half}
