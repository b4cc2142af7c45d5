"""The DCGAN's networks: shapes, layers, parameter counts by hand, initial weights."""

import pytest
import torch
from torch import nn

from ganlib.config import ModelConfig
from ganlib.models.dcgan import DCGAN, Discriminator, Generator, build_generator
from ganlib.names import FAMILIES


def build(config: ModelConfig, size: int, norm: str = "batch") -> tuple[Generator, Discriminator]:
    return DCGAN.generator(config, size), DCGAN.discriminator(config, size, norm)


CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
SIZES = (28, 32, 64, 128)


def made(
    variant: str = "simple", size: int = 32, norm: str = "batch", **model
) -> tuple[Generator, Discriminator]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build(ModelConfig(variant=variant, **{"width": 8, "latent_dim": 5, **model}), size, norm)


def convolutions(module: nn.Module) -> list[nn.Module]:
    return [layer for layer in module.modules() if isinstance(layer, CONVOLUTIONS)]


def parameters(module: nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("variant", FAMILIES["dcgan"].variants)
@pytest.mark.parametrize("norm", ["batch", "none", "spectral"])
def test_shapes_and_range(variant: str, size: int, norm: str) -> None:
    generator, discriminator = made(variant, size, norm)
    pictures = generator(10 * torch.randn(3, 5))
    assert pictures.shape == (3, 3, size, size)
    assert pictures.abs().max() <= 1
    assert discriminator(pictures).shape == (3,)


@pytest.mark.parametrize(
    ("variant", "of_generator", "of_discriminator"),
    [
        ("simple", [512, 256, 128, 64, 3], [64, 128, 256, 512, 1]),
        ("extended", [768, 384, 192, 96, 3], [96, 192, 384, 768, 768, 1]),
        ("buffed", [1024, 512, 256, 128, 3], [128, 256, 512, 1024, 1]),
        ("extra", [512, 256, 128, 64, 64, 3], [64, 128, 256, 512, 512, 1]),
    ],
)
def test_filters_at_64_pixels_are_the_papers(
    variant: str, of_generator: list[int], of_discriminator: list[int]
) -> None:
    with torch.device("meta"):
        generator, discriminator = build(ModelConfig(variant=variant), 64)
    assert [layer.out_channels for layer in convolutions(generator)] == of_generator
    assert [layer.out_channels for layer in convolutions(discriminator)] == of_discriminator


@pytest.mark.parametrize(("size", "layers"), [(28, 3), (32, 4), (64, 5), (128, 6)])
def test_layers_follow_the_size(size: int, layers: int) -> None:
    generator, discriminator = made("simple", size)
    assert len(convolutions(generator)) == len(convolutions(discriminator)) == layers
    generator, discriminator = made("extended", size)
    assert (len(convolutions(generator)), len(convolutions(discriminator))) == (layers, layers + 1)


def test_filters_grow_to_at_most_eight_widths() -> None:
    generator, discriminator = made(size=128, width=4)
    assert [layer.out_channels for layer in convolutions(discriminator)] == [4, 8, 16, 32, 32, 1]
    assert [layer.out_channels for layer in convolutions(generator)] == [32, 32, 16, 8, 4, 3]


def test_parameters_at_64_pixels_counted_by_hand() -> None:
    # A 4x4 kernel for each pair of filters, and two numbers for each normalised filter.
    kernels_g = 16 * (100 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64 * 3)
    kernels_d = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512 * 1)
    with torch.device("meta"):
        generator, discriminator = build(ModelConfig(latent_dim=100), 64)
    assert (
        parameters(generator) == kernels_g + 2 * (512 + 256 + 128 + 64) == 3_576_704
    )  # as in torch's tutorial
    assert parameters(discriminator) == kernels_d + 2 * (128 + 256 + 512) == 2_765_568


def test_parameters_of_a_critic_and_of_the_extended_discriminator() -> None:
    with torch.device("meta"):
        _, critic = build(ModelConfig(), 64, "none")
        _, extended = build(ModelConfig(variant="extended"), 64)
    kernels = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    assert parameters(critic) == kernels + 64 + 128 + 256 + 512, "a bias for each filter, no normalisation"
    kernels = 16 * (3 * 96 + 96 * 192 + 192 * 384 + 384 * 768 + 768) + 9 * 768 * 768
    assert parameters(extended) == kernels + 2 * (192 + 384 + 768 + 768)


def test_the_extra_variants_maps_and_activations() -> None:
    """A 4x4x512 stem, three stages to 32x32x64, one that keeps the size, the last to 3x64x64; all leaky."""
    with torch.device("meta"):
        generator, discriminator = build(ModelConfig(variant="extra"), 64)
    maps, features = [], torch.empty(2, 100, device="meta")
    for layer in generator.layers:
        features = layer(features)
        if isinstance(layer, CONVOLUTIONS):
            maps.append(tuple(features.shape[1:]))
    assert maps == [(512, 4, 4), (256, 8, 8), (128, 16, 16), (64, 32, 32), (64, 32, 32), (3, 64, 64)]
    assert not [layer for layer in generator.modules() if isinstance(layer, nn.ReLU)]
    assert len([layer for layer in generator.modules() if isinstance(layer, nn.LeakyReLU)]) == 5
    maps = []
    for layer in discriminator.layers:
        features = layer(features)
        if isinstance(layer, CONVOLUTIONS):
            maps.append(tuple(features.shape[1:]))
    assert maps[:-1] == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 4, 4)]
    plain = [parameters(net) for net in build(ModelConfig(width=4), 64)]
    extra = [parameters(net) for net in build(ModelConfig(variant="extra", width=4), 64)]
    assert extra[0] - plain[0] == 9 * 4 * 4 + 2 * 4
    assert extra[1] - plain[1] == 9 * 32 * 32 + 2 * 32


@pytest.mark.parametrize("variant", FAMILIES["dcgan"].variants)
def test_no_biases_beside_normalisation(variant: str) -> None:
    for network in made(variant):
        assert all(layer.bias is None for layer in convolutions(network))
    _, critic = made(variant, norm="none")
    *inner, head = convolutions(critic)
    assert all(layer.bias is not None for layer in inner)
    assert head.bias is None, "a constant cancels in E[D(real)] - E[D(fake)]"
    assert not [layer for layer in critic.modules() if isinstance(layer, nn.BatchNorm2d)]


def test_normalisation_everywhere_but_at_the_picture_ends() -> None:
    generator, discriminator = made(size=64)
    assert [layer.num_features for layer in generator.modules() if isinstance(layer, nn.BatchNorm2d)] == [
        64,
        32,
        16,
        8,
    ]
    inner = [layer.num_features for layer in discriminator.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert inner == [16, 32, 64]
    slopes = [layer.negative_slope for layer in discriminator.modules() if isinstance(layer, nn.LeakyReLU)]
    assert slopes == [0.2] * 4


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_initial_weights_are_the_papers(norm: str) -> None:
    for network in made("extended", 64, norm, width=32, latent_dim=32):
        for layer in convolutions(network):
            n = layer.weight.numel()
            # Six standard errors: of a mean, 0.02 / sqrt(n); of a standard deviation, 0.02 / sqrt(2 n).
            assert abs(layer.weight.mean().item()) < 6 * 0.02 / n**0.5
            assert abs(layer.weight.std().item() - 0.02) < 6 * 0.02 / (2 * n) ** 0.5
            assert layer.bias is None or not layer.bias.any()
        scales = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
        for layer in scales:
            assert abs(layer.weight.mean().item() - 1) < 6 * 0.02 / len(layer.weight) ** 0.5
            assert layer.weight.std() > 0.005
            assert not layer.bias.any()


def test_weights_come_from_torchs_global_random_numbers() -> None:
    first, again = made()[0].state_dict(), made()[0].state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        alone = build_generator(ModelConfig(width=8, latent_dim=5), 32).state_dict()
    assert all(torch.equal(first[name], alone[name]) for name in first), "the generator is drawn first"


@pytest.mark.parametrize("size", [1, 4, 14, 48, 100])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"not {size}$"):
        made(size=size)


def test_weights_fit_a_plain_torch_dcgan() -> None:
    """The layers named here are those of the DCGAN tutorial: same weights, same pictures."""
    generator, discriminator = (network.double() for network in made(size=32, width=4))
    plain = nn.Sequential(
        *[nn.ConvTranspose2d(5, 16, 4, 1, 0, bias=False), nn.BatchNorm2d(16), nn.ReLU()],
        *[nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()],
        *[nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU()],
        *[nn.ConvTranspose2d(4, 3, 4, 2, 1, bias=False), nn.Tanh()],
    )
    plain.double().load_state_dict(generator.layers.state_dict())
    latents = torch.randn(6, 5, dtype=torch.float64)
    pictures = generator(latents)
    torch.testing.assert_close(pictures, plain(latents[:, :, None, None]))
    plain = nn.Sequential(
        *[nn.Conv2d(3, 4, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)],
        *[nn.Conv2d(4, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8), nn.LeakyReLU(0.2)],
        *[nn.Conv2d(8, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.LeakyReLU(0.2)],
        nn.Conv2d(16, 1, 4, 1, 0, bias=False),
    )
    plain.double().load_state_dict(discriminator.layers.state_dict())
    torch.testing.assert_close(discriminator(pictures), plain(pictures).flatten())
