"""Steps of translators, and what they train on."""

from typing import Any

import torch
from torch import Tensor

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.stream import Domains, DomainStream
from ganlib.steps.translation import CycleStep, Pool

CPU = torch.device("cpu")
SIZE, BATCH = 32, 3


def made(step: type[AdversarialStep] = CycleStep, seed: int = 0, **train: Any) -> Any:
    family = "cyclegan" if step is CycleStep else "cartoongan"
    return step(
        DataConfig(size=SIZE),
        ModelConfig(family=family, width=4, blocks=1),
        TrainConfig(**{"loss": "lsgan", "batch_size": BATCH, "precision": "fp32", **train}),
        seed,
        CPU,
    )


def pictures(seed: int, count: int = BATCH) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, SIZE, SIZE, 3), generator=random, dtype=torch.uint8)


def stream(edges: bool = True, shown: int = 0, photos: int = 7) -> DomainStream:
    third = pictures(2, 9) if edges else None
    return DomainStream(pictures(0, 9), pictures(1, photos), third, BATCH, 0, CPU, shown)


def batch(edges: bool = True) -> Domains:
    return next(stream(edges))


def floats(levels: Tensor) -> Tensor:
    return levels.float() / 127.5 - 1


def numbered(*numbers: int) -> Tensor:
    return torch.tensor(numbers).float()[:, None, None, None].expand(-1, 3, 4, 4).clone()


def shown(pool: Pool, *numbers: int) -> list[int]:
    return [int(value) for value in pool(numbered(*numbers))[:, 0, 0, 0]]
