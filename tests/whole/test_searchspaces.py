"""Every shipped spec trains: two steps of its given configurations, or of the first that its search draws."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ganlib.config import TrainConfig
from ganlib.data.labels.classes import Classes
from ganlib.metrics import Extremes, Score
from ganlib.training.fit import Fit
from sweep.search.draws import preview
from sweep.spec.specification import load

SHIPPED = sorted((Path(__file__).parents[2] / "searchspaces").rglob("*.yaml"))
DRAWN = 4
BATCH = 4
CHEAP = [
    f"train.batch_size={BATCH}",
    "model.width=8",
    "evaluate.every=1000",
    "evaluate.unit=kimg",
    "asha=null",
]
OFFLINE = ["train.content=efficientnet_lite0"]
BUDGET = ["train.epochs=null", "train.kimg=1000"]


class NoScore:
    """Metrics that nobody asks for."""

    def extremes(self, n_fake: int) -> Extremes:
        return Extremes(pixel_std=0.2, similarity=0.25, vendi=2.0, fid=0.0)

    def score(self, generate: Callable[[int], torch.Tensor], n_fake: int, full: bool) -> Score:
        raise NotImplementedError


def test_the_studies_and_one_spec_for_each_system_are_there() -> None:
    names = {path.stem for path in SHIPPED}
    assert {
        "dcgan",
        "wgan",
        "wgan-gp",
        "lsgan",
        "hinge",
        "stylegan",
        "stylegan2",
        "r3gan",
        "sngan",
        "dragan",
        "compare",
        "collapse-study",
        "gamma-ladder",
        "labels",
        "transfer",
        "quickstart",
        "cyclegan",
        "cartoongan",
        "quick-translate",
    } <= names
    studies = {path.stem for path in SHIPPED if path.parent.name == "studies"}
    assert studies == {"madajczak", "wang", "wang-dcgan", "menon", "koivisto", "wu"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_spec_trains_two_steps(path: Path) -> None:
    spec = load(path, [*CHEAP, *BUDGET, *OFFLINE])
    count = len(spec.configs) or min(DRAWN, spec.search.trials)
    for params in preview(spec.space, spec.search, count, spec.configs):
        config = spec.resolve(params)
        fresh = config.model.model_copy(
            update={"init": None}
        )  # the weights are those of a sweep that is not there
        config = config.model_copy(update={"model": fresh})
        pictures = np.random.default_rng(0).integers(0, 256, (8, *[config.data.size] * 2, 3), np.uint8)
        classes = Classes.named(["a", "b"] * 4) if config.data.labels else None
        run = Fit(config, pictures, NoScore(), photos=pictures if config.photos else None, classes=classes)
        for _ in range(2):
            run._schedule()
            run.step(run.stream)
        assert run.step.read_means().finite, params
        assert run.step.sample(run.inputs.take(2)).shape == (
            2,
            3,
            *[config.data.size] * 2,
        )


def test_a_change_of_the_default_does_not_change_how_a_study_was_run() -> None:
    """`augment` was [flip, color] by default when the studies were run; only one of them uses it."""
    studies = [path for path in SHIPPED if path.parent.name == "studies" and "augment_p" in path.read_text()]
    assert studies
    for path in studies:
        assert load(path).resolve({}).train.augment == ("flip", "color"), path


def test_colour_is_not_changed_unless_a_spec_says_so() -> None:
    assert TrainConfig().augment == ("flip",)
