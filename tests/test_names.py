"""Entries of the registries: their properties are read without imports, and are true."""

import subprocess
import sys
from typing import get_args

import pytest
import torch

from ganlib.config import ModelConfig, TrainConfig
from ganlib.losses import Loss
from ganlib.metrics import Score
from ganlib.models.family import Family
from ganlib.names import EXTRACTORS, FAMILIES, LOSSES, MEASURED, METRICS, OPTIMIZERS
from ganlib.registry import UnknownNameError
from ganlib.steps.adversarial import AdversarialStep
from sweep.records.schemas import SCHEMAS
from sweep.spec.sections import SearchConfig

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_is_what_its_entry_says(name: str) -> None:
    entry = FAMILIES[name]
    networks: Family = entry.load()
    assert issubclass(entry.load_step(), AdversarialStep)
    assert set(entry.options) <= {*ModelConfig.model_fields, *TrainConfig.model_fields}
    for variant in entry.variants:
        model = ModelConfig(family=name, variant=variant, latent_dim=4, width=4, blocks=1)
        for size in entry.sizes:
            generator = networks.generator(model, size, 3).eval()
            given = torch.zeros(2, 3, size, size) if entry.translates else torch.zeros(2, 4)
            assert generator(given).shape == (2, 3, size, size)
            assert hasattr(generator, "map") == entry.styles
            assert (getattr(generator, "back", None) is not None) == entry.returns


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_a_loss(name: str) -> None:
    assert issubclass(LOSSES[name].load(), Loss)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_takes_its_numbers(name: str) -> None:
    entry = OPTIMIZERS[name]
    assert set(entry.numbers) <= TrainConfig.model_fields.keys()
    numbers = {key: getattr(TrainConfig(), key) for key in entry.numbers}
    made = entry.load()([torch.nn.Parameter(torch.ones(1))], torch.tensor(0.5), 0.0, False, **numbers)
    assert isinstance(made, torch.optim.Optimizer)
    assert made.param_groups[0]["lr"].item() == 0.5


def test_what_is_downloaded_has_a_size() -> None:
    for entry in EXTRACTORS.values():
        assert (entry.download_mb > 0) == (entry.weights == "downloaded")


def test_properties_are_read_without_torch() -> None:
    code = """
import sys
from ganlib.names import CONTENT_NETWORKS, EXTRACTORS, FAMILIES, LOSSES, OPTIMIZERS
registries = (CONTENT_NETWORKS, EXTRACTORS, FAMILIES, LOSSES, OPTIMIZERS)
entries = [entry for registry in registries for entry in registry.values()]
assert len(entries) > 20
assert not {"torch", "numpy", "pydantic"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_refused_with_the_choices() -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown loss 'wgan_gp', did you mean 'wgan-gp'\? \(choices: bce, "
    ):
        LOSSES["wgan_gp"]
    assert "wgan_gp" not in LOSSES


def test_a_metric_is_a_field_of_a_score_a_column_and_a_choice() -> None:
    for place in (Score.__dataclass_fields__, SCHEMAS["metrics"].names, SCHEMAS["results"].names):
        assert set(MEASURED) <= set(place)
    assert get_args(SearchConfig.model_fields["metric"].annotation) == tuple(METRICS)
    assert {extractor for metric in METRICS.values() for extractor in metric.published} <= set(EXTRACTORS)
