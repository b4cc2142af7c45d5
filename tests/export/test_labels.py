"""Exported generators that are told classes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.sweeps.commands import run

from ganlib.config import ModelConfig
from ganlib.errors import RequestError
from ganlib.export import programs
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.export.generator import LoadedGenerator, load_generator
from ganlib.names import FAMILIES


def exported(folder: Path, family: str, classes: dict[str, int]) -> LoadedGenerator:
    model = ModelConfig.model_validate({"family": family, "latent_dim": 6, "width": 8})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = FAMILIES[family].load().generator(model, 32, 3, len(classes))
        for parameter in network.parameters():
            if classes and parameter.shape[:1] == (len(classes),):
                torch.nn.init.normal_(parameter)
    save_generator(folder, ExportConfig(model=model, size=32, classes=classes), pack_weights(network))
    return load_generator(folder)


@pytest.fixture
def pets(tmp_path: Path) -> LoadedGenerator:
    return exported(tmp_path, "dcgan", {"cat": 3, "dog": 1})


def test_classes_are_names_numbers_or_in_proportion(pets: LoadedGenerator) -> None:
    latents = pets.latents(8, seed=3)
    assert pets.classes == ("cat", "dog")
    dogs = pets(latents, "dog")
    np.testing.assert_array_equal(dogs, pets(latents, ["dog"] * 8))
    np.testing.assert_array_equal(dogs, pets(latents, torch.ones(8, dtype=torch.int64)))
    np.testing.assert_array_equal(dogs, pets.sample(8, seed=3, classes="dog"))
    assert (dogs != pets(latents, "cat")).any((1, 2, 3)).all()
    inputs = pets.given(pets.latents(100))
    assert 24 <= inputs[:, -1].sum() <= 26
    np.testing.assert_array_equal(pets.sample(8, seed=3)[:3], pets.sample(3, seed=3))


@pytest.mark.parametrize(
    "told",
    [
        *(1, np.int64(1), torch.tensor(1), [1, 1, 1], ["dog", 1, np.int32(1)], (1, "dog", torch.tensor(1))),
        *(np.array([1, 1, 1]), np.array([1, 1, 1], np.uint8), np.array(["dog"] * 3), torch.tensor([1, 1, 1])),
    ],
    ids=repr,
)
def test_a_class_is_told_by_its_name_or_number(pets: LoadedGenerator, told: Any) -> None:
    latents = pets.latents(3, seed=3)
    np.testing.assert_array_equal(pets(latents, told), pets(latents, "dog"))


def test_what_is_neither_name_nor_number_is_refused(pets: LoadedGenerator) -> None:
    latents = pets.latents(2)
    for told in (
        1.0,
        [0.5, 1],
        np.array([0.0, 1.0]),
        torch.tensor([0.5, 1.0]),
        [None, 1],
        np.array([[0], [1]]),
    ):
        with pytest.raises(RequestError, match=r"a class is a name \(cat, dog\) or a whole number, got "):
            pets(latents, told)
    for told in (2, -1, [0, 2], np.array([0])):
        with pytest.raises(RequestError, match="as many classes from 0 to 1"):
            pets(latents, told)


def test_what_is_no_class_is_refused(pets: LoadedGenerator, tmp_path: Path) -> None:
    latents = pets.latents(2)
    with pytest.raises(RequestError, match=r"unknown class 'dgo'.*dog"):
        pets(latents, "dgo")
    with pytest.raises(
        RequestError, match="2 latents, which need as many classes from 0 to 1; got classes of shape"
    ):
        pets(latents, ["dog"])
    with pytest.raises(RequestError, match="as many classes from 0 to 1"):
        pets(latents, torch.tensor([0, 2]))
    with pytest.raises(RequestError, match=r"is told classes \(cat, dog\): call it with them"):
        pets.pictures(latents)
    plain = exported(tmp_path, "dcgan", {})
    with pytest.raises(RequestError, match="was trained without labels"):
        plain(latents, "dog")
    np.testing.assert_array_equal(plain(latents), plain.pictures(latents))


@pytest.mark.parametrize("family", ["dcgan", "stylegan2"])
def test_programs_take_classes_as_a_second_input(family: str, tmp_path: Path) -> None:
    generator = exported(tmp_path, family, {"cat": 3, "dog": 1, "owl": 1})
    made = programs.programs_of(generator.network, generator.given(generator.latents(5)))
    assert list(made[0].inputs)[:2] == ["latents", "classes"]
    onnx = family == "dcgan" and not programs.missing_for_onnx()
    for program in made[:2]:  # each is compared with the network where it is written
        programs.write(program, tmp_path, onnx)
    if onnx:
        run = programs.onnx_function(tmp_path / "model.onnx")
        latents, owls = generator.latents(3, seed=9), torch.full((3,), 2)
        levels = np.clip(np.rint(run(latents, owls) * 127.5 + 127.5), 0, 255).transpose(0, 2, 3, 1)
        assert np.abs(levels - generator(latents, "owl").astype(np.float32)).max() <= 1


def test_a_class_is_known_in_both_forms_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    g = exported(tmp_path / "g", "dcgan", {"cafe\u0301": 3, "dog": 1})
    latents = g.latents(3, seed=3)
    np.testing.assert_array_equal(g(latents, "caf\u00e9"), g(latents, 0))
    out = tmp_path / "one.png"
    told = run("generate", tmp_path / "g", "--class", "caf\u00e9", "--out", out, "--count", 4)
    assert told.exit_code == 0, told.output
    assert out.exists()
