"""What the tests of translated folders share."""

from pathlib import Path

import pytest
import torch

from ganlib.config import ModelConfig
from ganlib.export.files import ExportConfig, pack_weights
from ganlib.export.generator import LoadedTranslator, rebuild
from ganlib.names import FAMILIES


@pytest.fixture(scope="module")
def translator() -> LoadedTranslator:
    config = ExportConfig(model=ModelConfig(family="cyclegan", width=4, blocks=1), size=32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = FAMILIES["cyclegan"].load().generator(config.model, 32, 3)
    loaded = rebuild(config, pack_weights(network), "memory")
    assert isinstance(loaded, LoadedTranslator)
    return loaded


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "drawn"
