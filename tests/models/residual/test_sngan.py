"""SNGAN: the reference's numbers of weights, and which layers are normalised how."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from ganlib.config import ModelConfig
from ganlib.models.residual.sngan import SNGAN, Discriminator, Down, Generator, Up


def made(size: int = 32, **model: Any) -> tuple[Generator, Discriminator]:
    config = ModelConfig(**{"family": "sngan", "latent_dim": 16, "width": 4} | model)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator, discriminator = (
            SNGAN.generator(config, size, 3),
            SNGAN.discriminator(config, size, "batch", 3),
        )
    assert isinstance(generator, Generator)
    assert isinstance(discriminator, Discriminator)
    return generator, discriminator


@pytest.mark.parametrize(("size", "counts"), [(32, [4_276_739, 1_053_825]), (64, [12_220_675, 10_141_441])])
def test_numbers_of_weights_are_those_of_the_reference(size: int, counts: list[int]) -> None:
    """As counted in mimicry's networks with their default arguments."""
    networks = made(size, latent_dim=128, width=64)
    assert [sum(p.numel() for p in network.parameters()) for network in networks] == counts


@pytest.mark.parametrize("size", [32, 64])
def test_pictures_and_values(size: int) -> None:
    generator, discriminator = made(size)
    pictures = generator(torch.randn(3, 16))
    assert pictures.shape == (3, 3, size, size)
    assert pictures.abs().max() <= 1
    assert generator.size == size
    assert discriminator(pictures).shape == (3,)


def test_the_discriminator_halves_twice_at_32_pixels_and_always_at_64() -> None:
    for size, side in ((32, 8), (64, 2)):
        _, discriminator = made(size)
        assert discriminator.blocks(torch.randn(1, 3, size, size)).shape[2:] == (side, side)


def test_every_layer_of_the_discriminator_is_normalised_and_none_of_the_generator() -> None:
    generator, discriminator = made()
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert layers
    for _ in range(30):
        discriminator(torch.randn(2, 3, 32, 32))
    for layer in layers:
        assert parametrize.is_parametrized(layer, "weight")
        largest = torch.linalg.svdvals(layer.weight.flatten(1))[0].item()
        assert largest == pytest.approx(1, abs=0.05)
    assert not any(parametrize.is_parametrized(module) for module in generator.modules())


def test_blocks_are_residual() -> None:
    """With nothing on the long way, what is left is the short one."""
    up, down, first, x = (
        Up(4, 6).eval(),
        Down(4, 6, halves=True),
        Down(4, 6, True, first=True),
        torch.randn(2, 4, 8, 8),
    )
    for layer in (up.refine, down.two, first.two):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    enlarged = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(up(x), up.skip(enlarged), rtol=1e-4, atol=1e-5)
    for block in (down, first):
        torch.testing.assert_close(block(x), F.avg_pool2d(block.skip(x), 2), rtol=1e-4, atol=1e-5)
    same = Down(4, 4, halves=False)
    nn.init.zeros_(same.two.weight)
    nn.init.zeros_(same.two.bias)
    assert torch.equal(same(x), x)


def test_sums_over_the_picture_not_means() -> None:
    _, discriminator = made()
    discriminator.eval()
    x = torch.randn(2, 3, 32, 32)
    maps = F.relu(discriminator.blocks(x))
    torch.testing.assert_close(discriminator(x), discriminator.head(maps.sum((2, 3))).flatten())
