"""Take the steps and evaluations of `fake_cases` on a made-up card, and count what they launch there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import Any
from unittest import mock

import numpy as np
import torch

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
from ganlib.names import FAMILIES
from ganlib.perceptual import content
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.capture import Player, Recorder
from ganlib.steps.means import Means
from ganlib.steps.stream import Batches, stream_of
from ganlib.training.evaluating import evaluated
from ganlib.training.fit import Fit
from helpers.training.fake_card import MEMORY, Card, Record, fake_card
from helpers.training.fake_cases import (
    MEASURED,
    PROGRESS,
    Case,
    Evaluated,
)
from helpers.training.fake_rules import CARD

BATCH, PICTURES, LANDMARKS = 8, 20, 5
"""Pictures in a batch, and in the set: every third batch lies across the end of an epoch."""


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
def _prepared(measures: bool, memory: int = MEMORY) -> Iterator[Card]:
    """Enter `fake_card`, with the network that measures read before: what lies in files has numbers."""
    read = [efficientnet.load_network(64)] if measures else []
    with (
        mock.patch.object(frechet, "RELATIVE_DOUBT", inf),  # numbers that are made up are all in doubt
        mock.patch.object(content, "load_network", lambda *_, **__: read.pop()),
        mock.patch.object(efficientnet, "load_network", lambda *_, **__: read.pop()),
        mock.patch.dict(base._loaded, clear=True),
        fake_card(memory) as card,
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


def take(case: Case, steps: int, recorder: Recorder | None = None, memory: int = MEMORY) -> AdversarialStep:
    """Take steps that may not wait for a card of so much memory, recorded where there is a recorder."""
    with _prepared(_looks_at_content(case), memory) as card:
        step, stream = training(case)
        step.player = recorder and Player(recorder)
        for number in range(steps):
            with card.watch():
                step.schedule(8.0, 1.0, PROGRESS, epoch=number)
                step(stream)
    return step


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
                evaluated(run, Means(*[0.0] * 6), 0.0)
    return Count(record.launched.total(), record.waits.total(), [])


def _evaluator(pictures: np.ndarray, config: EvaluateConfig, classes: Classes | None) -> Evaluator:
    """Make an evaluator that knows the features of real pictures."""
    made = Evaluator(pictures, "", config, CARD, classes=classes)
    features = np.ones((MEASURED, made.extractor.dim), np.float32)
    vars(made)["_stored"] = {"features": features, "held_out": features, "pixels": np.ones(2)}
    return made
