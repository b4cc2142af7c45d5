"""R3GAN: the paper's numbers of weights, what its layers compute, and how it begins."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganlib.config import ModelConfig
from ganlib.models.residual.r3gan import (
    GROUP,
    R3GAN,
    Block,
    Discriminator,
    Double,
    Generator,
    Halve,
    Pointwise,
)


def made(size: int = 32, **model: Any) -> tuple[Generator, Discriminator]:
    config = ModelConfig(**{"family": "r3gan", "latent_dim": 16, "width": 8} | model)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator, discriminator = (
            R3GAN.generator(config, size, 3),
            R3GAN.discriminator(config, size, "batch", 3),
        )
    assert isinstance(generator, Generator)
    assert isinstance(discriminator, Discriminator)
    return generator, discriminator


def weights(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("size", "millions"), [(32, 20.7), (64, 22.4)])
def test_the_papers_networks_have_the_papers_numbers_of_weights(size: int, millions: float) -> None:
    """Each of generator and discriminator has as many as the paper says of its model, up to what it rounds off."""
    with torch.device("meta"):
        networks = made(size, variant="paper", latent_dim=64, width=64)
    assert [round(weights(network) / 1e6, 1) for network in networks] == [millions, millions]


@pytest.mark.parametrize("variant", ["simple", "paper"])
@pytest.mark.parametrize("size", [32, 64, 128])
def test_pictures_have_the_size_that_was_asked_for(variant: str, size: int) -> None:
    generator, discriminator = made(size, variant=variant, width=4)
    pictures = generator(torch.randn(2, 16))
    assert pictures.shape == (2, 3, size, size)
    assert discriminator(pictures).shape == (2,)
    assert generator.size == size


def test_at_first_a_block_is_the_identity_and_learns() -> None:
    block, x = Block(8, blocks=4), torch.randn(2, 8, 4, 4)
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.shrink.weight.grad.abs().max() > 0
    assert block.mix.groups == 2 * 8 // GROUP


def test_initial_weights_are_scaled_down_by_the_number_of_blocks() -> None:
    shallow, deep = Block(512, blocks=1), Block(512, blocks=16)
    for name in ("expand", "mix"):
        ratio = getattr(shallow, name).weight.std() / getattr(deep, name).weight.std()
        assert ratio.item() == pytest.approx(2, rel=0.01)
    assert shallow.expand.weight.std().item() == pytest.approx((2 / 1.04 / 512) ** 0.5, rel=0.01)


def test_sizes_change_bilinearly() -> None:
    x = torch.randn(2, 3, 8, 8)
    half = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
    torch.testing.assert_close(Halve(3, 3)(x), half)
    change = Double(3, 5)
    after = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(change(x), change.change(after), rtol=1e-4, atol=1e-5)


def test_pointwise_is_a_convolution() -> None:
    layer, x = Pointwise(3, 5), torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(layer(x), F.conv2d(x, layer.weight[:, :, None, None], layer.bias))


def test_the_latent_scales_the_learned_maps() -> None:
    generator, _ = made()
    seen: list[Tensor] = []
    generator.stages.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    latents = torch.randn(2, 16)
    generator(latents)
    expected = torch.einsum("chw,cl,nl->nchw", generator.basis, generator.modulate.weight, latents)
    torch.testing.assert_close(seen[0], expected)


def test_at_first_patches_are_of_one_colour() -> None:
    generator, _ = made()
    pictures = generator(torch.randn(2, 16))
    torch.testing.assert_close(
        pictures, F.interpolate(pictures[:, :, ::2, ::2], scale_factor=2, mode="nearest")
    )
    assert pictures.std() > 0.1


def test_there_is_no_normalisation_and_no_bound_on_the_pictures() -> None:
    generator, discriminator = made()
    assert not list(generator.buffers())
    assert not list(discriminator.buffers())
    latents = torch.randn(4, 16)
    # Linear in the latent as long as blocks are identities: a tanh would bend this.
    torch.testing.assert_close(generator(100 * latents), 100 * generator(latents), rtol=1e-4, atol=1e-3)
    assert generator(100 * latents).abs().max() > 1
