"""What generators are given: numbered lists, one for evaluations and one for results."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganlib.config import ModelConfig
from ganlib.errors import RequestError
from ganlib.models.inputs import Latents, Photos, Pictures, inputs_of
from ganlib.models.latents import LATENT_SEED, RESULT_SEED, fixed_latents


def levels(count: int) -> np.ndarray:
    """Pictures that are told apart by their colour."""
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 4, 4, 3)).copy()


def rows(pictures: torch.Tensor) -> list[int]:
    return pictures[:, 0, 0, 0].tolist()


def test_latents_are_those_of_evaluations_and_of_results() -> None:
    inputs = Latents(5)
    assert torch.equal(inputs.take(3), fixed_latents(3, 5, LATENT_SEED))
    assert torch.equal(inputs.take(3, "result", start=2), fixed_latents(3, 5, RESULT_SEED, start=2))
    assert inputs.name() != inputs.name("result")


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 60))
def test_a_part_of_a_list_does_not_depend_on_how_it_is_taken(pictures: int, count: int, start: int) -> None:
    inputs = Pictures(levels(pictures))
    whole = rows(inputs.levels(start + count))
    assert rows(inputs.levels(count, start=start)) == whole[start:]


@given(st.integers(1, 40))
def test_results_take_the_pictures_that_evaluations_take_last(count: int) -> None:
    inputs = Pictures(levels(count))
    evaluation, result = (rows(inputs.levels(count, use)) for use in ("evaluation", "result"))
    assert sorted(evaluation) == list(range(count)), "each once"
    assert result == evaluation[::-1]
    half = count // 2
    assert not set(evaluation[:half]) & set(result[:half])
    assert rows(inputs.levels(2 * count)) == evaluation * 2, "and then again"


def test_pictures_are_given_as_a_translator_takes_them() -> None:
    inputs = Pictures(np.full((2, 4, 4, 3), 255, np.uint8))
    assert torch.equal(inputs.take(2), torch.ones(2, 3, 4, 4))
    assert inputs.levels(1).dtype == torch.uint8


def test_a_family_gets_what_it_starts_from(pictures: Callable[..., np.ndarray]) -> None:
    assert isinstance(inputs_of(ModelConfig(latent_dim=7), pictures(4)), Latents)
    translator = ModelConfig(family="cyclegan")
    inputs = inputs_of(translator, levels(4), levels(6))
    assert isinstance(inputs, Photos)
    assert sorted(rows(inputs.levels(6))) == list(range(6))
    assert sorted(rows(inputs.drawings.levels(4))) == list(range(4))
    with pytest.raises(RequestError, match="was given none"):
        inputs_of(translator, levels(4))
