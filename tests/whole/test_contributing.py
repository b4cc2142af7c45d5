"""The worked examples of CONTRIBUTING.md: what it says is enough is enough."""

import math
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganlib import names
from ganlib.config import ModelConfig
from ganlib.errors import RequestError
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.export.generator import load_generator
from ganlib.metrics import Extremes, Score
from ganlib.names import FAMILIES, LOSSES
from ganlib.registry import Registry
from ganlib.training.fit import Fit
from sweep.spec.specification import parse

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()


class NoScore:
    def extremes(self, n_fake: int) -> Extremes:
        return Extremes(pixel_std=0.2, similarity=0.25, vendi=2.0, fid=0.0)

    def score(self, generate: Callable[[int], torch.Tensor], n_fake: int, extent: str) -> Score:
        return Score(1.0, 1.0, 0.1, 8, 2, "none", "0" * 64)


def follow(heading: str, registry: Registry[Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Do as the section says: write the file, add the line. Returns the new name."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    (path,) = re.findall(r"`(ganlib/\S+/\w+\.py)`:\n", section)
    code, line = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (folder / Path(path).name).write_text(code)
    package = import_module(path.rsplit("/", 1)[0].replace("/", "."))
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    ((name, entry),) = eval(f"{{{line}}}", vars(names)).items()
    monkeypatch.setitem(registry._entries, name, entry)
    return name


def trained(spec: str) -> Fit:
    config = parse(f"{spec}\ndata: {{size: 32}}\nevaluate: {{every: 1, unit: kimg}}\n").resolve({})
    pictures = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8)
    run = Fit(config, pictures, NoScore())
    (evaluation,) = run
    assert evaluation.step == 2
    assert all(map(math.isfinite, (evaluation.loss_g, evaluation.loss_d)))
    return run


def test_a_new_loss_is_a_file_and_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = follow("Adding a loss", LOSSES, tmp_path, monkeypatch)
    trained(f"model: {{width: 4}}\ntrain: {{loss: {name}, batch_size: 8, kimg: 0.016}}")
    loss = LOSSES[name].load()()
    zero = torch.zeros(3)
    assert loss.generator(zero, lambda: zero).item() == pytest.approx(2 * math.log(2))


def test_a_new_family_is_a_file_and_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = follow("Adding a model family", FAMILIES, tmp_path, monkeypatch)
    run = trained(f"model: {{family: {name}, width: 4}}\ntrain: {{batch_size: 8, kimg: 0.016}}")
    save_generator(
        tmp_path,
        ExportConfig(model=ModelConfig(family=name, width=4), size=32),
        pack_weights(run.step.average),
    )
    assert load_generator(tmp_path).sample(2).shape == (2, 32, 32, 3)


def test_the_entry_says_which_keys_a_new_name_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = follow("Adding a loss", LOSSES, tmp_path, monkeypatch)
    family = follow("Adding a model family", FAMILIES, tmp_path, monkeypatch)
    for spec, message in {
        f"train: {{loss: {loss}, label_real: 0.9}}": "label_real means nothing with relativistic",
        f"model: {{family: {family}, variant: extra}}": "unknown variant 'extra' of family 'perceptron'",
        f"model: {{family: {family}, d_norm: batch}}": "d_norm means nothing with perceptron",
        f"model: {{family: {family}}}\ndata: {{size: 64}}": "perceptron makes pictures of 28 or 32 pixels, not 64",
    }.items():
        with pytest.raises(RequestError, match=message):
            parse(spec)
