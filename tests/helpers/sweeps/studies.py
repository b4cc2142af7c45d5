"""Studies of a few trials, for tests of samplers."""

import math

import pytest

from sweep.records.status import Status
from sweep.search.trial_source import PastTrial
from sweep.spec.distributions import Categorical, Float, Int
from sweep.spec.space import Space

optuna = pytest.importorskip("optuna")


SPACE = Space(
    {
        "model.variant": Categorical(("simple", "extended")),
        "train.loss": Categorical(("bce", "lsgan")),
        "train.lr_g": Float(1e-5, 1e-3, log=True),
        "train.betas": Categorical(([0.5, 0.999], [0.0, 0.9])),
        "train.batch_size": Int(16, 128, step=16),
        "train.smoothing": Float(0.8, 1.0, step=0.05, when={"train.loss": ("bce",)}),
    }
)


GRID = Space(
    {
        "train.loss": Categorical(("bce", "lsgan")),
        "train.batch_size": Int(32, 96, step=32),
        "train.smoothing": Float(0.8, 1.0, step=0.1, when={"train.loss": ("bce",)}),
    }
)


NUMBERS = Space({"train.lr_g": Float(1e-5, 1e-3, log=True), "train.augment_p": Float(0.0, 0.6)})


def load(path, name="dcgan"):
    return optuna.load_study(study_name=name, storage=f"sqlite:///{path}")


def outcome(number, params):
    """How a made-up trial ends: some of every kind, and the value depends on the parameters."""
    value = abs(math.log10(params.get("train.lr_g", 1e-4)) + 4) + len(params) + number % 3 * 0.01
    kimg = 10.0 * (1 + number % 3)
    if number % 7 == 3:
        # One that was stopped, but whose generator makes no finite pictures any more, has no result.
        return PastTrial(number, params, Status.STOPPED, kimg, value + 1 / kimg if number % 2 else None)
    if number % 7 == 5:
        return PastTrial(number, params, Status.COLLAPSED, kimg, value, {"verdict": "flat_image"})
    if number % 7 == 6:
        return PastTrial(number, params, Status.FAILED, kimg, value)
    return PastTrial(number, params, Status.FINISHED, 40.0, value)
