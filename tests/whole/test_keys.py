"""The tables of keys in docs/systems.md say what the sections say."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import pytest
from pydantic import Field

from ganlib.config import ModelConfig, Section, TrainConfig

SCRIPT = Path(__file__).parents[2] / "scripts" / "keys.py"


@pytest.fixture(scope="module")
def keys() -> ModuleType:
    spec = importlib.util.spec_from_file_location("keys", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(keys: ModuleType) -> None:
    assert keys.main(["--check"]) == 0, "run: make keys"


def test_a_change_is_noticed(keys: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "systems.md"
    page.write_text(keys.PAGE.read_text().replace("| `train.lr_g` |", "| `train.lr` |"))
    monkeypatch.setattr(keys, "PAGE", page)
    assert keys.main(["--check"]) == 1
    assert keys.main([]) == 0
    assert keys.main(["--check"]) == 0


def test_what_a_key_takes(keys: ModuleType) -> None:
    taken = {
        name: keys.values(field)
        for name, field in (TrainConfig.model_fields | ModelConfig.model_fields).items()
    }
    assert taken["loss"].startswith("`bce`, `lsgan`")
    assert taken["optimizer_d"] == "`adam`, `rmsprop`, `sgd`, `adagrad`"
    assert taken["lr_g"] == "> 0, <= 1, or a [schedule](#schedules)"
    assert taken["gamma"] == "> 0, <= 1"
    assert taken["width"] == "whole, >= 4, <= 512, a multiple of 4"
    assert taken["betas"] == "a list of: >= 0, < 1; >= 0, < 1, or a [schedule](#schedules)"
    assert taken["augment"] == "a list of: `flip`, `color`, `flash`"


def test_a_key_without_a_text_is_refused(keys: ModuleType) -> None:
    class Silent(Section):
        """A section."""

        key: Annotated[Literal["a"], Field()] = "a"

    with pytest.raises(ValueError, match=r"Silent\.key has no text"):
        list(keys._table("silent", Silent))
