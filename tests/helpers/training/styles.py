"""Steps of StyleGANs, and what they train on."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.names import FAMILIES


def made(family: str = "stylegan2", size: int = 32, batch: int = 4, **train: Any) -> Any:
    model = ModelConfig(family=family, width=4, latent_dim=8, mapping_layers=2)
    train_config = TrainConfig(**{"batch_size": batch, "precision": "fp32", "kimg": 1.0} | train)
    step = FAMILIES[family].load_step()
    return step(DataConfig(size=size), model, train_config, 0, torch.device("cpu"))


def batches(batch: int = 4, size: int = 32) -> Iterator[Tensor]:
    random = torch.Generator().manual_seed(0)
    while True:
        yield torch.randint(0, 256, (batch, 3, size, size), generator=random, dtype=torch.uint8)
