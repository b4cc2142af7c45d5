"""The numbers of a configuration that may change in training, each in a tensor on the device."""

import torch
from torch import Tensor

from ganlib.config import TrainConfig
from ganlib.config.schedules import Schedule, value_at


class Numbers:
    """Keys of ``train`` as scalars on the device: ``numbers["r1_gamma"]`` keeps up with its schedule.

    Nothing of it is in checkpoints: it is a function of the configuration and the clock, and set before each step.

    Args:
        train: Their values or schedules.
        device: Where the scalars live.
    """

    def __init__(self, train: TrainConfig, device: torch.device) -> None:
        self._train, self._device = train, device
        self._tensors: dict[str, Tensor] = {}

    def __getitem__(self, key: str) -> Tensor:
        """Return the scalar of a key, float32, one for all who ask."""
        if key not in self._tensors:
            self._tensors[key] = torch.tensor(value_at(getattr(self._train, key), 0.0), device=self._device)
        return self._tensors[key]

    def take_over(self, train: TrainConfig) -> None:
        """Have the values or schedules of another configuration."""
        self._train = train
        for key, tensor in self._tensors.items():
            tensor.fill_(value_at(getattr(train, key), 0.0))

    def schedule(self, progress: float) -> None:
        """Set the scalars that change to their values where a share of the budget, from 0 to 1, is spent."""
        for key, tensor in self._tensors.items():
            value = getattr(self._train, key)
            if isinstance(value, Schedule):
                tensor.fill_(value.at(progress))
