"""Small adversarial steps, trained for a few batches, for tests of the step."""

from collections.abc import Iterator
from itertools import repeat
from typing import Any

import torch
from torch import Tensor, nn

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.steps.adversarial import AdversarialStep

CPU = torch.device("cpu")


SIZE, BATCH, LATENT = 28, 8, 4


def made(seed: int = 0, model: dict[str, Any] | None = None, **train: Any) -> AdversarialStep:
    return AdversarialStep(
        DataConfig(size=SIZE),
        ModelConfig(**{"latent_dim": LATENT, "width": 4, **(model or {})}),
        TrainConfig(**{"batch_size": BATCH, "precision": "fp32", **train}),
        seed,
        CPU,
    )


def batches(count: int | None = None, seed: int = 0, n: int = BATCH) -> Iterator[Tensor]:
    random = torch.Generator().manual_seed(seed)
    for _ in repeat(None) if count is None else range(count):
        yield torch.randint(0, 256, (n, 3, SIZE, SIZE), generator=random, dtype=torch.uint8)


def trained(steps: int, **options: Any) -> AdversarialStep:
    step, source = made(**options), batches()
    for _ in range(steps):
        step(source)
    return step


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def same(first: Any, second: Any) -> bool:
    """Whether two states are equal to the last bit."""
    if isinstance(first, Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


def doubled(step: AdversarialStep) -> AdversarialStep:
    """The step with networks that compute in float64: other code that means the same then gives the same."""
    for network in (step.generator, step.discriminator, step.average):
        network.double().register_forward_pre_hook(lambda _, args: tuple(value.double() for value in args))
    return step
