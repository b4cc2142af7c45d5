"""Steps that are recorded, and runs of them to compare."""

from typing import Any

import torch
from torch import Tensor

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.names import FAMILIES
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.capture import Player
from ganlib.steps.stream import Batches
from helpers.training.fake_cases import Case
from helpers.training.fake_steps import BATCH, LANDMARKS, PICTURES, noise
from helpers.training.rehearsal import Rehearsal

CPU = torch.device("cpu")
SMALL = {"width": 4, "latent_dim": 4}


def step_of(case: Case, recorder: Rehearsal | None = None) -> AdversarialStep:
    model = {key: value for key, value in case.model.items() if key not in ("init", "freeze_d")}
    make: type[AdversarialStep] = FAMILIES[model.get("family", "dcgan")].load_step()
    data = DataConfig(size=32, channels=case.channels)
    made = make(
        data, ModelConfig(**SMALL | model), TrainConfig(batch_size=BATCH, **case.train), 0, CPU, case.classes
    )
    if case.train.get("landmark_weight"):
        made.landmarks = torch.rand((PICTURES, LANDMARKS, 2), generator=torch.Generator().manual_seed(0))
    made.player = recorder and Player(recorder)
    return made


def stream(case: Case) -> Batches:
    return noise(case, CPU, 32)


def train(step: AdversarialStep, batches: Batches, steps: int, start: int = 0) -> None:
    for number in range(start, start + steps):
        kimg = (number + 1) * step.pictures_per_step / 1000
        step.schedule(kimg, 0.9**number, number / 100, epoch=number * BATCH / PICTURES)
        step(batches)


def bits(value: Any) -> Any:
    """All tensors of a state as bytes."""
    if isinstance(value, dict):
        return {key: bits(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [bits(one) for one in value]
    return value.contiguous().numpy().tobytes() if isinstance(value, Tensor) else value
