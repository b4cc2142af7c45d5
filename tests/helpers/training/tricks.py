"""Small adversarial steps and pictures by seed, for tests of training tricks."""

from typing import Any

import torch
from torch import Tensor

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.steps.adversarial import AdversarialStep

CPU = torch.device("cpu")
TRICKS: dict[str, Any] = {
    **{"diffaugment": ["color", "translation"], "ada_target": 0.1, "ada_kimg": 0.1, "instance_noise": 0.3},
    **{"soft_labels": 0.1, "label_flip_p": 0.1, "equalize_p": 0.3, "r1_gamma": 1.0, "r1_every": 3},
    "model": {"d_norm": "spectral", "d_dropout": 0.2},
}
"""Options of `train` that draw numbers or change in training."""


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def uniform(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=seeded(seed)) * 2 - 1


def made(seed: int = 0, model: dict[str, Any] | None = None, **train: Any) -> AdversarialStep:
    options = {"batch_size": 8, "precision": "fp32", **train}
    networks = ModelConfig(**{"latent_dim": 4, "width": 4, **(model or {})})
    return AdversarialStep(DataConfig(size=28), networks, TrainConfig(**options), seed, CPU)


def batches(seed: int = 0) -> Any:
    random = seeded(seed)
    while True:
        yield torch.randint(0, 256, (8, 3, 28, 28), generator=random, dtype=torch.uint8)
