"""Count what a network has learnt, also of one that is never made."""

from functools import lru_cache

import torch
from torch import nn

from ganlib.config import ModelConfig
from ganlib.initial import initial_weights
from ganlib.names import FAMILIES


def count_parameters(network: nn.Module) -> int:
    """Count the numbers that a network has learnt or is to learn; buffers, such as running means, are none."""
    return sum(weight.numel() for weight in network.parameters())


def generator_parameters(model: ModelConfig, size: int, channels: int, classes: int = 0) -> int:
    """Count the parameters of the generator that a configuration describes, as it is exported.

    No memory is taken for its weights.

    Args:
        model: The section ``model`` of a trial.
        size: The side of the pictures, in pixels.
        channels: Of the pictures.
        classes: How many classes the generator is told of; 0 without labels.
    """
    # Weights of another network to begin with change nothing of its size.
    plain = model.model_copy(update={"init": None, "freeze_d": 0})
    return _counted(plain.model_dump_json(), size, channels, classes)


@lru_cache(maxsize=4096)
def _counted(model: str, size: int, channels: int, classes: int) -> int:
    config = ModelConfig.model_validate_json(model)
    with initial_weights(), torch.device("meta"):
        return count_parameters(FAMILIES[config.family].load().generator(config, size, channels, classes))
