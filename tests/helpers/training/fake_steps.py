"""Training steps of every family, loss, optimizer and trick on a card that is not there, and what they ask of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf, lcm
from typing import Any
from unittest import mock

import numpy as np
import torch

from ganlib.augment import ada
from ganlib.config import (
    CollapseConfig,
    DataConfig,
    EvaluateConfig,
    ModelConfig,
    PhotosConfig,
    TrainConfig,
    TrialConfig,
)
from ganlib.data.labels.classes import Classes
from ganlib.metrics import Baseline, Evaluator, TranslationEvaluator
from ganlib.metrics.distances import frechet
from ganlib.metrics.extractors import base, efficientnet
from ganlib.models.inputs import Pictures
from ganlib.names import FAMILIES, LOSSES, OPTIMIZERS
from ganlib.perceptual import content
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.means import Means
from ganlib.steps.stream import Batches, stream_of
from ganlib.training.evaluating import evaluated
from ganlib.training.fit import Fit
from helpers.training.fake_card import CARD, Card, Record, fake_card

BATCH, PICTURES, LANDMARKS = 8, 20, 5
"""Pictures in a batch, and in the set: every third batch lies across the end of an epoch."""
MEASURED = 64
"""Pictures in an evaluation, which are as many as a batch of it."""
PROGRESS = 0.25


@dataclass(frozen=True)
class Case:
    """A configuration whose steps are counted.

    Attributes:
        model: Keys of ``model``.
        train: Keys of ``train``.
        channels: Of the pictures.
        classes: How many the pictures have.
        size: Their side.
        steps: At least so many are taken after the first one.
    """

    model: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    channels: int = 3
    classes: int = 0
    size: int = 64
    steps: int = 1

    @property
    def period(self) -> int:
        """Steps after which all terms have been due alike."""
        every = [value for key, value in self.train.items() if key.endswith("_every")]
        return lcm(*every)


def moving(start: float, to: float) -> dict[str, float]:
    """Make a schedule."""
    return {"from": start, "to": to}


SMALL = {"family": "cyclegan", "blocks": 1}
TEXTURES = {"style_weight": 1.0, "grey_weight": 1.0, "colour_weight": 1.0}
CASES: dict[str, Case] = {
    **{f"loss {name}": Case(train={"loss": name}, steps=4 if name == "bce" else 1) for name in LOSSES},
    **{f"optimizer {name}": Case(train={"optimizer": name}) for name in OPTIMIZERS if name != "adam"},
    "momentum and weight decay": Case(
        train={"optimizer": "rmsprop", "optimizer_d": "sgd", "momentum": 0.9, "weight_decay": 0.01}
    ),
    "float32": Case(train={"precision": "fp32"}),
    **{f"d_norm {norm}": Case({"d_norm": norm}) for norm in ("spectral", "instance", "none")},
    "d_dropout": Case({"d_dropout": 0.3}),
    "freeze_d": Case({"freeze_d": 2, "init": "an-export"}),
    "d_steps 2": Case(train={"d_steps": 2}),
    "labels": Case(
        train={
            **{"smoothing": 0.9, "label_real": 0.9, "label_fake": 0.1, "label_g": 0.9},
            **{"soft_labels": 0.1, "label_flip_p": 0.1},
        }
    ),
    "schedules": Case(
        train={
            **{"lr_g": moving(1e-4, 1e-5), "lr_d": moving(1e-4, 1e-5), "betas": [0.5, moving(0.9, 0.99)]},
            **{"smoothing": moving(0.9, 1.0), "augment_p": moving(0.5, 0.1), "ema_kimg": moving(1, 10)},
            "r1_gamma": moving(1.0, 0.1),
        }
    ),
    "augment": Case(train={"augment_p": 0.5, "augment": ["flip", "color", "flash"]}),
    "equalize_p": Case(train={"equalize_p": 0.5}),
    "diffaugment": Case(train={"diffaugment": ["color", "translation", "cutout"]}),
    "ada_target": Case(train={"ada_target": 0.6, "ada_kimg": 100.0}, steps=ada.INTERVAL),
    "instance_noise": Case(train={"instance_noise": 0.1}),
    "dragan_weight": Case(train={"dragan_weight": 10.0}),
    "r1_gamma, every step": Case(train={"r1_gamma": 1.0}),
    "r1_gamma, through diffaugment": Case(train={"r1_gamma": 1.0, "diffaugment": ["color", "translation"]}),
    "r1_gamma and r2_gamma, every second step": Case(
        train={"r1_gamma": 1.0, "r1_every": 2, "r2_gamma": 1.0, "r2_every": 2}
    ),
    "gp_every 2": Case(train={"loss": "wgan-gp", "gp_every": 2, "d_steps": 1}),
    "four channels, all augmentations": Case(
        train={
            **{"augment_p": 0.5, "augment": ["flip", "color"], "equalize_p": 0.5},
            **{"diffaugment": ["color", "translation", "cutout"], "ada_target": 0.6},
        },
        channels=4,
    ),
    "one channel, all augmentations": Case(
        train={"augment_p": 0.5, "augment": ["flip", "color"], "diffaugment": ["color"]}, channels=1
    ),
    **{
        f"{name} {variant}": Case({"family": name, "variant": variant})
        for name, variant in (("stylegan", "simple"), ("stylegan2", "simple"))
    },
    **{
        f"{name} {variant}, 32 px": Case({"family": name, "variant": variant}, size=32)
        for name, variant in (
            *(("dcgan", "extended"), ("dcgan", "buffed"), ("dcgan", "extra")),
            *(("stylegan2", "large"), ("r3gan", "paper")),
        )
    },
    **{
        f"{name} with classes, 32 px": Case({"family": name}, classes=3, size=32)
        for name in ("dcgan", "r3gan", "sngan")
    },
    "stylegan with classes, growing, style_mixing": Case(
        {"family": "stylegan"}, {"style_mixing": 0.9, "grow_kimg": 10.0, "fade_kimg": 5.0}, classes=3
    ),
    "stylegan2 with classes, path_weight every second step, 32 px": Case(
        {"family": "stylegan2", "mapping_layers": 2},
        {"style_mixing": 0.9, "path_weight": 2.0, "path_every": 2},
        classes=3,
        size=32,
    ),
    "r3gan simple, rpgan, r1 and r2": Case(
        {"family": "r3gan"}, {"loss": "rpgan", "r1_gamma": 1.0, "r2_gamma": 1.0}
    ),
    "cyclegan": Case({"family": "cyclegan"}),
    "cyclegan, one block, pool of 12, no identity": Case(
        SMALL, {"pool": 12, "identity_weight": 0.0}, steps=2
    ),
    "cyclegan, one block, resize, no pool": Case(
        {**SMALL, "upsample": "resize", "init_gain": 0.05}, {"pool": 0}
    ),
    "cartoongan": Case({"family": "cartoongan"}, {"pretrain": 0.0}),
    "cartoongan, pretraining": Case({"family": "cartoongan"}, {"pretrain": 1000.0}),
    "cartoongan, one block, textures, landmarks": Case(
        {"family": "cartoongan", "blocks": 1},
        {**TEXTURES, "landmark_weight": 1.0, "landmark_sigma": 0.1, "pretrain": 0.0},
    ),
}


@dataclass(frozen=True)
class Evaluated:
    """An evaluation that is counted.

    Attributes:
        last: Whether training ends there, so that it is by all metrics.
        model: Keys of ``model``.
        classes: Whether the pictures have some.
        channels: Of the pictures.
    """

    last: bool = False
    model: dict[str, Any] = field(default_factory=dict)
    classes: bool = False
    channels: int = 3


EVALUATIONS = {
    "at a rung": Evaluated(),
    "the last one, with all metrics": Evaluated(last=True),
    "with classes and transparency": Evaluated(classes=True, channels=4),
    "the last one, with classes": Evaluated(last=True, classes=True),
    "of a translator": Evaluated(model=SMALL),
    "the last one of a translator": Evaluated(last=True, model=SMALL),
}


@dataclass(frozen=True)
class Count:
    """What a case asked of the card.

    Attributes:
        operators: Those that launch kernels, the mean over the steps of a period.
        waits: How often the processor waited.
        fresh: Operators with shapes that no step of the period before had.
    """

    operators: float
    waits: int
    fresh: list[str]


@contextmanager
def _prepared(measures: bool) -> Iterator[Card]:
    """Enter `fake_card`, with the network that measures read before: what lies in files has numbers."""
    read = [efficientnet.load_network(64)] if measures else []
    with (
        mock.patch.object(frechet, "RELATIVE_DOUBT", inf),  # numbers that are made up are all in doubt
        mock.patch.object(content, "load_network", lambda *_, **__: read.pop()),
        mock.patch.object(efficientnet, "load_network", lambda *_, **__: read.pop()),
        mock.patch.dict(base._loaded, clear=True),
        fake_card() as card,
    ):
        yield card


def _looks_at_content(case: Case) -> bool:
    return case.model.get("family") == "cartoongan"


def _step(case: Case) -> AdversarialStep:
    data = DataConfig(size=case.size, channels=case.channels)
    model, train = ModelConfig(**case.model), TrainConfig(batch_size=BATCH, capture="off", **case.train)
    make: type[AdversarialStep] = FAMILIES[model.family].load_step()
    return make(data, model, train, 0, CARD, case.classes)


def training(case: Case) -> tuple[AdversarialStep, Iterator[Any]]:
    """Make a step and its stream, within `fake_card`."""
    family = FAMILIES[case.model.get("family", "dcgan")]
    pictures = np.zeros((PICTURES, case.size, case.size, case.channels), np.uint8)
    step = _step(case)
    stream = stream_of(
        pictures,
        pictures if family.translates else None,
        pictures if family.edges else None,
        *(BATCH, 0, CARD, 0),
        np.zeros(PICTURES, np.int64) if case.classes else None,
    )
    if case.train.get("landmark_weight"):
        step.landmarks = torch.zeros((PICTURES, LANDMARKS, 2), device=CARD)
    return step, stream


def noise(case: Case, device: torch.device, size: int) -> Batches:
    """Stream noise in the place of pictures, with classes where the case has some, on a device that is there."""
    family, random = FAMILIES[case.model.get("family", "dcgan")], np.random.default_rng(0)

    def pictures() -> np.ndarray:
        return random.integers(0, 256, (PICTURES, size, size, case.channels), np.uint8)

    return stream_of(
        pictures(),
        pictures() if family.translates else None,
        pictures() if family.edges else None,
        *(BATCH, 0, device, 0),
        np.arange(PICTURES) % case.classes if case.classes else None,
    )


def made(case: Case) -> Record:
    """Record how a step is made."""
    with _prepared(_looks_at_content(case)) as card, card.watch(strict=False) as record:
        _step(case)
    return record


def run(case: Case) -> Count:
    """Take one step and those of a period, which are counted."""
    with _prepared(_looks_at_content(case)) as card:
        step, stream = training(case)
        records: list[Record] = []
        for number in range(1 + max(case.period, case.steps)):
            with card.watch() as record:
                step.schedule(8.0, 1.0, PROGRESS, epoch=number)
                step(stream)
            records.append(record)
    counted = records[-case.period :]
    known = set().union(*(record.calls for record in records[:-1]))
    fresh = sorted(f"{name} {shapes}" for name, *shapes in records[-1].calls.keys() - known)
    return Count(sum(record.launched.total() for record in counted) / len(counted), 0, fresh)


def evaluate(case: Evaluated) -> Count:
    """Make an evaluation of `MEASURED` pictures."""
    family = FAMILIES[case.model.get("family", "dcgan")]
    pictures = np.zeros((MEASURED, 64, 64, case.channels), np.uint8)
    classes = Classes(("a", "b"), np.arange(MEASURED) % 2) if case.classes else None
    config = TrialConfig(
        data=DataConfig(size=64, channels=case.channels),
        model=ModelConfig(**case.model),
        train=TrainConfig(batch_size=BATCH, kimg=1.0, capture="off"),
        evaluate=EvaluateConfig(n_fake=MEASURED, n_real=MEASURED, batch_size=MEASURED // 2),
        collapse=CollapseConfig(),
        photos=PhotosConfig(source="photos") if family.translates else None,
    )
    with _prepared(measures=True) as card:
        first, second = (_evaluator(pictures, config.evaluate, classes) for _ in range(2))
        evaluator = TranslationEvaluator(first, second, Pictures(pictures)) if family.translates else first
        photos = pictures if family.translates else None
        run = Fit(config, pictures, evaluator, photos=photos, classes=classes, device=CARD)
        run.budget_pictures = 0 if case.last else 1000
        if isinstance(evaluator, TranslationEvaluator):
            evaluator._baselines[MEASURED] = Baseline(MEASURED, 1.0, 1.0, 1.0)
        for _ in range(2):  # the first time, what real pictures contribute is computed
            with card.watch(strict=False) as record:
                evaluated(run, Means(*[0.0] * 6), 0.0, 0.0)
    return Count(record.launched.total(), record.waits.total(), [])


def _evaluator(pictures: np.ndarray, config: EvaluateConfig, classes: Classes | None) -> Evaluator:
    """Make an evaluator that knows the features of real pictures."""
    made = Evaluator(pictures, "", config, CARD, classes=classes)
    features = np.ones((MEASURED, made.extractor.dim), np.float32)
    vars(made)["_stored"] = {"features": features, "held_out": features, "pixels": np.ones(2)}
    return made
