"""What generators are given: numbered lists, one for evaluations and one for results."""

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganlib.config import ModelConfig
from ganlib.errors import RequestError
from ganlib.models.inputs import ClassLatents, Latents, Photos, Pictures, Use, inputs_of
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


@pytest.mark.parametrize(
    ("use", "digest"),
    [
        ("evaluation", "042f358764f862744f1e6187537dad3979aca9627d3a1eb2b58e984dd777fa1e"),
        ("result", "88a091fc111815c88b367f2d7fc1ec9a7daea0ee7e880e2aa1c6b001c32a8378"),
    ],
)
def test_latents_are_equal_on_every_device_to_the_last_bit(use: Use, digest: str) -> None:
    """Drawn on the CPU whatever the default device is, so many that a GPU's own draw would depend on its size."""
    with torch.device("meta"):
        latents = Latents(128).take(2048, use)
    assert latents.device.type == "cpu"
    assert hashlib.sha256(latents.numpy().tobytes()).hexdigest() == digest


@pytest.mark.parametrize("use", ["evaluation", "result"])
def test_all_that_generators_are_given_comes_from_the_cpu(use: Use) -> None:
    labelled, pictures = ClassLatents(3, {"cat": 2, "dog": 1}), Photos(levels(5), levels(6))
    takes: list[Callable[[], torch.Tensor]] = [
        lambda: labelled.take(7, use),
        lambda: labelled.of_class(1, 7, use),
        lambda: labelled.numbers(7),
        lambda: pictures.take(7, use),
        lambda: pictures.drawings.take(7, use),
    ]
    for take in takes:
        with torch.device("meta"):
            found = take()
        assert found.device.type == "cpu"
        assert torch.equal(found, take())


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
