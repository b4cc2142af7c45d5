"""Networks that are told classes: conditional batch normalisation, projection, and every family that can."""

import pytest
import torch
from torch import nn

from ganlib.config import ModelConfig
from ganlib.models.conditioning import ConditionalNorm, Projection, joined, parted
from ganlib.models.inputs import ClassLatents, Latents
from ganlib.models.latents import classes_in_proportion
from ganlib.names import FAMILIES

CAN = [name for name, family in FAMILIES.items() if family.conditional]
SMALL = {"latent_dim": 6, "width": 8}


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Some numbers drawn would make two classes look nearly alike to fresh networks."""
    torch.manual_seed(0)


def networks(family: str, classes: int) -> tuple[nn.Module, nn.Module]:
    config = ModelConfig.model_validate({"family": family} | SMALL)
    made = FAMILIES[family].load()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = made.generator(config, 32, 3, classes), made.discriminator(config, 32, "none", 3, classes)
    if family == "stylegan":
        for network in networks:
            network.growth.grow_to(3.0)
    return networks


@pytest.mark.parametrize("training", [True, False])
def test_equal_embeddings_are_batch_normalisation(training: bool) -> None:
    plain, told = nn.BatchNorm2d(5), ConditionalNorm(5, 3)
    with torch.no_grad():
        plain.weight.normal_()
        plain.bias.normal_()
        told.weight.copy_(plain.weight.expand(3, -1))
        told.bias.copy_(plain.bias.expand(3, -1))
    plain.train(training)
    told.train(training)
    for _ in range(2):
        maps = torch.randn(4, 5, 6, 6)
        torch.testing.assert_close(told(maps, torch.tensor([0, 2, 1, 2])), plain(maps))
    torch.testing.assert_close(told.running_var, plain.running_var)
    assert told.num_batches_tracked == plain.num_batches_tracked == 2 * training


def test_each_class_has_its_scale_and_offset() -> None:
    told = ConditionalNorm(2, 2)
    with torch.no_grad():
        told.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        told.bias.copy_(torch.tensor([[0.0, 10.0], [20.0, 30.0]]))
    maps = torch.randn(2, 2, 4, 4)
    normal = nn.BatchNorm2d(2, affine=False)(maps)
    expected = normal * torch.tensor([[3.0, 4.0], [1.0, 2.0]])[:, :, None, None]
    expected += torch.tensor([[20.0, 30.0], [0.0, 10.0]])[:, :, None, None]
    torch.testing.assert_close(told(maps, torch.tensor([1, 0])), expected)


def test_the_projection_is_an_inner_product_with_the_embedding() -> None:
    projection, features = Projection(3, 4, std=1.0, scale=0.5), torch.randn(2, 4)
    rows = projection.weight[[2, 0]]
    torch.testing.assert_close(
        projection.term(features, torch.tensor([2, 0])), 0.5 * (rows * features).sum(1)
    )


@pytest.mark.parametrize("family", CAN)
def test_a_class_changes_the_picture_and_its_value(family: str) -> None:
    generator, discriminator = networks(family, 3)
    latents, classes = torch.randn(4, 6), torch.tensor([0, 1, 2, 0])
    generator.eval()
    with torch.no_grad():
        for parameter in generator.parameters():
            if parameter.shape[:1] == (3,):  # tables of classes; those of scales begin equal
                parameter.add_(torch.randn_like(parameter))
        same, other = generator(joined(latents, classes)), generator(joined(latents, (classes + 1) % 3))
        pictures = torch.rand(4, 3, 32, 32)
        values = [discriminator(pictures, numbers) for numbers in (classes, (classes + 1) % 3)]
    assert same.shape == (4, 3, 32, 32)
    assert (same - other).flatten(1).abs().amax(1).min() > 1e-4
    assert values[0].shape == (4,)
    assert (values[0] - values[1]).abs().min() > 1e-6


@pytest.mark.parametrize("family", CAN)
def test_without_classes_there_is_nothing_new(family: str) -> None:
    for network, told in zip(networks(family, 0), networks(family, 3), strict=True):
        assert not any("embedding" in name or "projection" in name for name in network.state_dict())
        assert sum(map(torch.numel, told.parameters())) > sum(map(torch.numel, network.parameters()))


def test_inputs_are_taken_apart_as_they_were_joined() -> None:
    latents, classes = torch.randn(3, 2), torch.tensor([4, 0, 900_000])
    apart = parted(joined(latents, classes), 1_000_000)
    assert apart[1] is not None
    assert torch.equal(apart[0], latents)
    assert torch.equal(apart[1], classes)
    assert parted(latents, 0)[1] is None


def test_classes_come_in_the_proportions_of_the_data() -> None:
    counts = [10, 1, 5, 84]
    for start in (0, 123, 10_000):
        found = torch.bincount(classes_in_proportion(counts, 500, start), minlength=4) / 5
        assert (found - torch.tensor(counts)).abs().max() < 0.6
    whole = classes_in_proportion(counts, 64)
    assert torch.equal(whole[10:], classes_in_proportion(counts, 54, 10))


def test_lists_of_inputs_begin_alike_and_have_names_of_their_own() -> None:
    inputs = ClassLatents(3, {"a": 3, "b": 1})
    assert torch.equal(inputs.take(4)[:, :-1], Latents(3).take(4))
    assert torch.equal(inputs.take(4)[2:], inputs.take(2, start=2))
    assert 99 <= inputs.take(400)[:, -1].sum() <= 101
    assert inputs.of_class(1, 2)[:, -1].tolist() == [1, 1]
    assert inputs.name() != Latents(3).name()
