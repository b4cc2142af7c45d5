"""Weights to begin with: which fit, and which layers of a discriminator are the first."""

import pytest
import torch
from torch import nn

from ganlib.config import ModelConfig
from ganlib.errors import RequestError
from ganlib.models.family import Family
from ganlib.models.start import Start, misfits
from ganlib.names import FAMILIES

LAYERS = {
    "dcgan": 4,
    "stylegan": 5,
    "stylegan2": 5,
    "r3gan": 4,
    "sngan": 5,
    "cyclegan": 5,
    "cartoongan": 7,
}
"""Layers of each family's discriminator at 32 px, of the default variant."""


def discriminator(family: str, **model: object) -> tuple[Family, nn.Module]:
    found: Family = FAMILIES[family].load()
    config = ModelConfig.model_validate({"family": family, "width": 8, **model})
    return found, found.discriminator(config, 32, config.d_norm or "batch", 3)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_every_layer_of_a_discriminator_is_in_one_place(family: str) -> None:
    found, network = discriminator(family)
    assert found.layers is not None
    layers = found.layers(network)
    assert len(layers) == LAYERS[family]
    weights = [id(weight) for layer in layers for module in layer for weight in module.parameters()]
    assert len(weights) == len(set(weights))
    extra = {id(weight) for weight in network.parameters()} - set(weights)
    assert len(extra) == (1 if family == "r3gan" else 0)  # its basis belongs to the end
    first = list(found.first(network, 1))
    colours = {weight.shape[1] for weight in first if weight.ndim > 1}
    assert colours & {3, 12}, "the first layer does not see the pictures"  # 12: patches of 2 x 2 pixels


@pytest.mark.parametrize("family", list(FAMILIES))
def test_not_all_layers_can_be_frozen(family: str) -> None:
    found, network = discriminator(family)
    most = LAYERS[family] - 1
    frozen = {id(weight) for weight in found.first(network, most)}
    assert 0 < len(frozen) < len(list(network.parameters()))
    with pytest.raises(RequestError, match=f"give at most {most}"):
        list(found.first(network, most + 1))


@pytest.mark.parametrize("norm", ["batch", "instance", "spectral", "none"])
def test_a_layer_has_its_normalisation(norm: str) -> None:
    found, network = discriminator("dcgan", d_norm=norm)
    second = set(map(id, found.first(network, 2))) - set(map(id, found.first(network, 1)))
    assert len(second) == {"batch": 3, "instance": 3, "spectral": 2, "none": 2}[norm]


def test_a_family_without_layers_freezes_none() -> None:
    found, network = discriminator("dcgan")
    with pytest.raises(RequestError, match="freeze_d is 1"):
        list(Family(found.generator, found.discriminator).first(network, 1))


def test_what_does_not_fit_is_named_with_both_shapes() -> None:
    small, large = nn.Linear(2, 3), nn.Linear(4, 3, bias=False)
    assert misfits(small, nn.Linear(2, 3).state_dict()) == ""
    assert misfits(small, large.state_dict()) == (
        "weight is 3 x 4 there and 3 x 2 here; bias is absent there and 3 here"
    )
    many = nn.Sequential(*(nn.Linear(2, 2) for _ in range(4)))
    assert misfits(many, {}).endswith(", and 5 more")


def test_weights_that_do_not_fit_change_nothing() -> None:
    generator, average, critic = nn.Linear(2, 3), nn.Linear(2, 3), nn.Linear(5, 1)
    before = generator.weight.clone()
    start = Start(nn.Linear(2, 3).state_dict(), nn.Linear(4, 1).state_dict())
    with pytest.raises(
        RequestError, match="the discriminator cannot begin with these weights: weight is 1 x 4"
    ):
        start.put(generator, average, critic)
    assert torch.equal(generator.weight, before)
