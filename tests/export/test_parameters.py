"""How many parameters a generator has, counted without making it."""

import pytest
import torch

from ganlib.config import ModelConfig
from ganlib.export.parameters import count_parameters, generator_parameters
from ganlib.names import FAMILIES


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_count_is_that_of_the_network(family: str) -> None:
    entry = FAMILIES[family]
    config, size = ModelConfig(family=family, width=4), min(entry.sizes)
    before = torch.get_rng_state()
    for classes in (0, 3) if entry.conditional else (0,):
        counted = generator_parameters(config, size, 3, classes)
        assert torch.equal(torch.get_rng_state(), before)
        made = entry.load().generator(config, size, 3, classes)
        assert counted == count_parameters(made) > 0
        before = torch.get_rng_state()


def test_more_channels_and_weights_to_begin_with() -> None:
    plain = ModelConfig(width=4)
    begun = plain.model_copy(update={"init": "faces"})
    assert generator_parameters(begun, 32, 3) == generator_parameters(plain, 32, 3)
    assert generator_parameters(plain, 32, 4) > generator_parameters(plain, 32, 3)
    assert generator_parameters(plain, 64, 3) > generator_parameters(plain, 32, 3)
