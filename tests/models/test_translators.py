"""Tests of the networks of translators: sizes, weights, ways of doubling."""

import pytest
import torch

from ganlib.config import ModelConfig
from ganlib.models import cartoongan, cyclegan
from ganlib.models.translator import Residual


def _count(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(("blocks", "weights"), [(4, 5_477_379), (6, 7_837_699), (9, 11_378_179)])
@pytest.mark.parametrize("upsample", ["transpose", "resize"])
def test_a_generator_of_cyclegan_has_the_papers_weights(blocks: int, weights: int, upsample: str) -> None:
    config = ModelConfig(family="cyclegan", blocks=blocks, upsample=upsample)
    translator = cyclegan.build_generator(config, 128)
    assert _count(translator.forth) == weights
    assert translator.back is not None
    assert _count(translator.back) == weights


def test_without_a_number_cyclegan_has_nine_blocks_and_cartoongan_eight() -> None:
    cycle = cyclegan.build_generator(ModelConfig(family="cyclegan"), 64)
    cartoon = cartoongan.build_generator(ModelConfig(family="cartoongan"), 64)
    blocks = [sum(isinstance(layer, Residual) for layer in net.forth.modules()) for net in (cycle, cartoon)]
    assert blocks == [9, 8]


def test_discriminators_of_cyclegan_have_the_papers_weights() -> None:
    both = cyclegan.build_discriminator(ModelConfig(family="cyclegan"), 128, "batch")
    assert _count(both.drawings) == _count(both.photos) == 2_764_737


@pytest.mark.parametrize("upsample", ["transpose", "resize"])
def test_cartoongan_has_the_papers_weights(upsample: str) -> None:
    config = ModelConfig(family="cartoongan", upsample=upsample)
    assert _count(cartoongan.build_generator(config, 64)) == 11_120_195
    assert cartoongan.build_generator(config, 64).back is None
    discriminator = cartoongan.build_discriminator(config, 64, "batch")
    assert _count(discriminator) == 1_128_385
    convolutions = [layer for layer in discriminator.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert len(convolutions) == 7


@pytest.mark.parametrize("family", [cyclegan, cartoongan])
@pytest.mark.parametrize("upsample", ["transpose", "resize"])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 64), (36, 52)])
def test_any_size_divisible_by_four_stays_as_it_is(family, upsample: str, height: int, width: int) -> None:
    name = "cyclegan" if family is cyclegan else "cartoongan"
    config = ModelConfig(family=name, width=4, blocks=1, upsample=upsample)
    generator = family.build_generator(config, 64)
    pictures = generator(torch.rand(2, 3, height, width) * 2 - 1)
    assert pictures.shape == (2, 3, height, width)
    assert pictures.abs().max() <= 1


@pytest.mark.parametrize("size", [32, 64, 128])
def test_the_patch_discriminator_of_cyclegan_sees_patches(size: int) -> None:
    both = cyclegan.build_discriminator(ModelConfig(family="cyclegan", width=4), size, "batch")
    patches = (size // 8 - 2) ** 2
    assert both.drawings(torch.zeros(3, 3, size, size)).shape == (3, patches)


def test_init_gain_is_the_standard_deviation_of_the_weights() -> None:
    config = ModelConfig(family="cyclegan", init_gain=0.1, blocks=1)
    weights = torch.cat(
        [w.flatten() for w in cyclegan.build_generator(config, 64).parameters() if w.ndim == 4]
    )
    assert weights.std().item() == pytest.approx(0.1, rel=0.02)
