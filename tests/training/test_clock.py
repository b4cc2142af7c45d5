"""When evaluations come."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from helpers.training.networks import MeanPicture
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganlib.clock import kimg_of, pictures_of
from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.training.fit import Fit


class NoStep:
    """Takes its batches and learns nothing."""

    def __init__(self, take: int) -> None:
        self.take = take

    def __call__(self, batches: Iterator[Tensor]) -> None:
        for _ in range(self.take):
            next(batches)

    def schedule(self, kimg: float, lr_factor: float, progress: float, epoch: float) -> None:
        pass

    def means(self) -> None:
        pass

    def read_means(self) -> None:
        pass

    @property
    def pictures_per_step(self) -> int:
        return 1


def clock(images: int, batch: int, take: int, every: float, unit: str, **budget: float) -> Any:
    """Train without training: yields the pictures shown at each evaluation."""
    config = TrialConfig(
        data=DataConfig(size=28),
        model=ModelConfig(width=4, latent_dim=1),
        train=TrainConfig(batch_size=batch, **budget),
        evaluate=EvaluateConfig(every=every, unit=unit),
        collapse=CollapseConfig(),
    )
    run: Any = Fit(config, np.zeros((images, 28, 28, 3), np.uint8), MeanPicture())
    run.step = NoStep(take)
    run.apart = lambda evaluate: run.stream.shown
    return run


@settings(max_examples=40, deadline=None)
@given(
    images=st.integers(8, 400),
    batch=st.integers(2, 8),
    take=st.integers(1, 3),
    every=st.integers(1, 40),
    budget=st.integers(1, 60),
)
def test_evaluations_come_at_multiples_of_the_interval_and_at_the_end(
    images: int, batch: int, take: int, every: int, budget: int
) -> None:
    """Tenths of epochs, which floats cannot hold: 1.1 epochs of 300 pictures are 330, not 330.00000000000006."""
    run = clock(images, batch, take, every / 10, "epochs", epochs=budget / 10)
    whole, interval = Fraction(budget * images, 10), Fraction(every * images, 10)
    targets = [interval * k for k in range(1, math.ceil(whole / interval))] + [whole]
    # An evaluation comes after the first step that reaches its target; targets that one step passes share one.
    step = batch * take
    expected = sorted({math.ceil(target / step) * step for target in targets})
    assert list(run) == expected
    assert next(run, None) is None


def test_a_quotient_that_floats_round_down_is_no_extra_evaluation() -> None:
    assert 0.3 / 0.1 < 3
    assert list(clock(100, 10, 1, 0.1, "kimg", kimg=0.5)) == [100, 200, 300, 400, 500]


@pytest.mark.parametrize("unit", ["epochs", "kimg"])
@pytest.mark.parametrize("every", [1e-9, 0.100000001, 0.1 + 0.2, 1 / 3])
def test_kimg_strictly_grows_whatever_the_interval(unit: str, every: float) -> None:
    shown = list(clock(100, 10, 1, every, unit, kimg=0.3))
    assert shown == sorted(set(shown))
    assert shown[-1] == 300


def test_a_budget_smaller_than_a_batch_is_one_step() -> None:
    assert list(clock(100, 10, 1, 1.0, "epochs", kimg=1e-9)) == [10]


def test_epochs_and_kimg_are_two_names_for_one_clock() -> None:
    assert kimg_of(2.5, "epochs", 4000) == kimg_of(10.0, "kimg", 4000) == 10
    assert pictures_of(10.0) == 10_000
    assert pictures_of(0.1 + 0.2) == 300
    assert pictures_of(0.3001) == 301
    by_epochs = clock(200, 8, 1, 0.5, "epochs", epochs=2.0)
    by_kimg = clock(200, 8, 1, 0.1, "kimg", kimg=0.4)
    assert list(by_epochs) == list(by_kimg) == [104, 200, 304, 400]
