"""StyleGAN and StyleGAN2: the papers' shapes and counts, styles, truncation, mixing and growth."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlib.config import ModelConfig
from ganlib.errors import RequestError
from ganlib.models.styles import stylegan, stylegan2
from ganlib.models.styles.generator import mix_grid, style_layers
from ganlib.models.styles.layers import EPSILON
from ganlib.models.styles.stylegan import AdaIN
from ganlib.models.styles.stylegan2 import Modulated
from ganlib.names import FAMILIES

STYLES = ("stylegan", "stylegan2")


def made(family: str, size: int = 32, **model: Any) -> tuple[Any, Any]:
    config = ModelConfig(**{"family": family, "width": 4, "latent_dim": 8, "mapping_layers": 2} | model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = FAMILIES[family].load()
        return networks.generator(config, size), networks.discriminator(config, size, "batch")


def latents(n: int, dim: int = 8, seed: int = 1) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def parameters(module: nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


# The papers' networks


def test_parameters_at_1024_pixels_are_those_that_the_authors_print() -> None:
    with torch.device("meta"):
        assert parameters(stylegan.Generator(512, 1024, 64)) == 26_219_627
        assert parameters(stylegan.Discriminator(1024, 64)) == 23_087_249
        assert parameters(stylegan2.Generator(512, 1024, 64, True)) == 30_370_060
        assert parameters(stylegan2.Discriminator(1024, 64, True)) == 29_012_513
        # ada-pytorch, whose mapping network has two layers
        assert parameters(stylegan2.Generator(512, 1024, 64, True, mapping_layers=2)) == 28_794_124


def test_parameters_layer_by_layer_are_those_that_the_authors_print() -> None:
    with torch.device("meta"):
        one, two = stylegan.Generator(512, 1024, 64), stylegan2.Generator(512, 1024, 64, True)
        critic, residual = stylegan.Discriminator(1024, 64), stylegan2.Discriminator(1024, 64, True)
    first = parameters(one.blocks[0].first) + one.constant.numel()
    assert (first, parameters(one.blocks[0].second)) == (534_528, 2_885_632)
    blocks = [(parameters(block.first), parameters(block.second)) for block in one.blocks[1:]]
    assert blocks[3:] == [
        (1_442_816, 852_992),
        (426_496, 279_040),
        (139_520, 102_656),
        (51_328, 42_112),
        (21_056, 18_752),
    ]
    assert [parameters(rgb) for rgb in one.to_rgb[3:]] == [1539, 771, 387, 195, 99, 51]
    assert [parameters(layer) for layer in two.convs[7:13]] == [2_622_465] * 2 + [
        1_442_561,
        721_409,
        426_369,
        213_249,
    ]
    assert [parameters(rgb) for rgb in two.to_rgb[4:]] == [264_195, 132_099, 66_051, 33_027, 16_515]
    assert [parameters(critic.blocks[i].first) for i in (4, 3)] == [147_584, 590_080]
    assert [parameters(critic.blocks[i].second) for i in (4, 3)] == [295_168, 1_180_160]
    assert [parameters(part) for part in (critic.head.conv, critic.head.hidden, critic.head.out)] == [
        2_364_416,
        4_194_816,
        513,
    ]
    block = residual.blocks[3]
    assert [parameters(part) for part in (block.skip, block.first, block.second)] == [
        131_072,
        590_080,
        1_180_160,
    ]


@pytest.mark.parametrize("family", STYLES)
@pytest.mark.parametrize("size", [32, 64, 128])
def test_shapes(family: str, size: int) -> None:
    generator, discriminator = made(family, size)
    styles = generator.map(latents(3))
    assert styles.shape == (3, 2 * int(math.log2(size)) - 2, 8)
    pictures = generator.synthesize(styles)
    assert pictures.shape == (3, 3, size, size)
    assert discriminator(pictures).shape == (3,)
    assert torch.equal(pictures, generator(latents(3)))


def test_feature_maps_at_64_pixels_are_the_papers_by_eight() -> None:
    seen: list[tuple[int, ...]] = []

    def note(_module: nn.Module, _inputs: Any, out: Tensor) -> None:
        seen.append(tuple(out.shape[1:]))

    generator, _ = made("stylegan", 64, width=8)
    for block in generator.blocks:
        block.register_forward_hook(note)
    generator(latents(1))
    assert seen == [(64, 4, 4), (64, 8, 8), (64, 16, 16), (64, 32, 32), (32, 64, 64)]
    seen.clear()
    generator, _ = made("stylegan2", 64, width=8, variant="large")
    for layer in generator.convs:
        layer.register_forward_hook(note)
    generator(latents(1))
    assert seen == [(64, 4, 4)] + [(64, side, side) for side in (8, 8, 16, 16, 32, 32, 64, 64)]


def test_the_large_variant_has_twice_the_maps_from_64_pixels_on() -> None:
    with torch.device("meta"):
        small, large = (made("stylegan2", 64, variant=variant)[0] for variant in ("simple", "large"))
    assert [rgb.conv.conv.weight.shape[1] for rgb in small.to_rgb] == [32, 32, 32, 32, 16]
    assert [rgb.conv.conv.weight.shape[1] for rgb in large.to_rgb] == [32, 32, 32, 32, 32]


@pytest.mark.parametrize("family", STYLES)
def test_other_sizes_are_refused(family: str) -> None:
    with pytest.raises(RequestError, match="4 doubled"):
        made(family, 28)


# Styles


def test_adain_gives_every_map_the_mean_and_scale_of_the_style() -> None:
    adain, style = AdaIN(8, 5).double(), latents(3).double()
    x = 4 + 3 * torch.randn(3, 5, 8, 8, dtype=torch.float64)
    out = adain(x, style)
    scale, shift = adain.affine(style).chunk(2, 1)
    torch.testing.assert_close(out.mean((2, 3)), shift, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(out.std((2, 3), unbiased=False), (scale + 1).abs(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(out, adain(10 * x - 7, style), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", ["same", "double"])
def test_modulation_is_that_of_the_weights(size: str) -> None:
    """One convolution a picture, with weights of its own, as equations 1 and 3 write it."""
    layer = Modulated(4, 6, 8, size=size).double()
    x, style = torch.randn(3, 4, 8, 8, dtype=torch.float64), latents(3).double()
    out = layer(x, style)
    plain = layer.conv.weight.detach().clone()
    for i in range(3):
        scaled = plain * layer.conv.scale * layer.affine(style[i : i + 1]).view(1, 4, 1, 1)
        scaled = scaled / (scaled.square().sum((1, 2, 3), keepdim=True) + EPSILON).sqrt()
        layer.conv.weight.data = scaled / layer.conv.scale
        torch.testing.assert_close(out[i : i + 1], layer.conv(x[i : i + 1]), rtol=1e-9, atol=1e-9)


def test_demodulated_outputs_have_unit_variance_whatever_the_style() -> None:
    torch.manual_seed(0)
    layer = Modulated(64, 64, 8)
    for factor in (1.0, 100.0):
        out = layer(torch.randn(8, 64, 16, 16), factor * latents(8))[:, :, 1:-1, 1:-1]
        assert abs(out.std().item() - 1) < 0.1


def test_noise_enters_only_with_a_learned_strength() -> None:
    for family in STYLES:
        generator, _ = made(family)
        styles = generator.map(latents(2))
        random = torch.Generator().manual_seed(0)
        assert torch.equal(generator.synthesize(styles, random), generator.synthesize(styles))
        layers = [layer for layer in generator.modules() if hasattr(layer, "strength")]
        assert len(layers) == (8 if family == "stylegan" else 7)
        for layer in layers:
            layer.strength.data += 0.5
        fixed = generator.synthesize(styles)
        assert torch.equal(fixed, generator.synthesize(styles))
        assert not torch.equal(fixed, generator.synthesize(styles, random))
        assert not torch.equal(*(generator.synthesize(styles, random) for _ in range(2)))


# Truncation


@pytest.mark.usefixtures("doubles")
@pytest.mark.parametrize("family", STYLES)
def test_truncation_moves_styles_towards_their_mean(family: str) -> None:
    generator, _ = made(family)
    generator.w_avg.copy_(torch.linspace(-1, 1, 8))
    whole = generator.map(latents(4))
    mean = generator.w_avg.expand_as(whole)
    torch.testing.assert_close(generator.map(latents(4), 0.7), mean + 0.7 * (whole - mean))
    assert torch.equal(generator.map(latents(4), 0.0), mean)
    assert torch.equal(generator.map(latents(4), 1.0), whole)
    pictures = generator(latents(4), truncation=0.0)
    assert (pictures - pictures[:1]).abs().max() < 1e-9
    spread = [generator(latents(16), truncation=psi).std(0).mean().item() for psi in (0.0, 0.3, 0.7, 1.0)]
    assert spread == sorted(spread)


@pytest.mark.usefixtures("doubles")
def test_the_mean_style_is_a_mean_from_the_first_batch_on() -> None:
    generator, _ = made("stylegan2")
    batches = [generator.map(latents(4, seed=seed)).detach() for seed in range(3)]
    for batch in batches:
        generator.follow_mean(batch, 0.005)
    torch.testing.assert_close(generator.w_avg, torch.cat(batches)[:, 0].mean(0))
    generator.w_count.fill_(10_000)
    before = generator.w_avg.clone()
    generator.follow_mean(batches[0], 0.005)
    torch.testing.assert_close(generator.w_avg, before.lerp(batches[0][:, 0].mean(0), 0.005))


# Mixing


@pytest.mark.parametrize(
    ("size", "groups"),
    [(32, [(0, 4), (4, 6), (6, 8)]), (64, [(0, 4), (4, 8), (8, 10)]), (128, [(0, 4), (4, 8), (8, 12)])],
)
def test_groups_of_layers_cover_all_of_them(size: int, groups: list[tuple[int, int]]) -> None:
    generator, _ = made("stylegan2", size)
    names = ("coarse", "middle", "fine")
    assert [(part.start, part.stop) for part in (style_layers(generator, name) for name in names)] == groups
    with pytest.raises(RequestError, match="unknown layers 'small' \\(choices: coarse, middle, fine\\)"):
        style_layers(generator, "small")


@pytest.mark.parametrize("family", STYLES)
def test_a_grid_of_mixed_styles(family: str) -> None:
    generator = made(family)[0].double()  # in float32, batches of two sizes may round in two ways
    sources, destinations = latents(2, seed=1).double(), latents(3, seed=2).double()
    grid = mix_grid(generator, sources, destinations, "middle")
    assert grid.shape == (3, 4, 3, 32, 32)
    assert grid.abs().max() <= 1
    assert torch.equal(grid[0, 0], torch.ones(3, 32, 32))
    torch.testing.assert_close(grid[0, 1:], generator(destinations).clamp(-1, 1).float())
    torch.testing.assert_close(grid[1:, 0], generator(sources).clamp(-1, 1).float())
    styles = generator.map(destinations[2:])
    mixed = torch.cat([styles[:, :4], generator.map(sources[1:])[:, 4:6], styles[:, 6:]], 1)
    torch.testing.assert_close(grid[2, 3], generator.synthesize(mixed)[0].clamp(-1, 1).float())


@pytest.mark.parametrize("family", STYLES)
def test_mixing_a_picture_with_itself_changes_nothing(family: str) -> None:
    generator = made(family, 64)[0].double()
    for layers in ("coarse", "middle", "fine"):
        grid = mix_grid(generator, latents(1).double(), latents(1).double(), layers, truncation=0.7)
        torch.testing.assert_close(grid[1, 1], grid[0, 1])


# Growth


def test_a_small_network_is_the_beginning_of_the_large_one() -> None:
    generator, discriminator = made("stylegan", 64)
    styles = generator.map(latents(2))
    for doublings in range(5):
        generator.growth.grow_to(float(doublings))
        discriminator.growth.grow_to(float(doublings))
        small = generator.grown(styles)
        assert small.shape == (2, 3, 4 << doublings, 4 << doublings)
        assert discriminator(small).shape == (2,)
        assert torch.equal(generator.synthesize(styles), F.interpolate(small, size=64, mode="nearest"))


def test_fading_in_goes_from_the_small_network_to_the_large_one() -> None:
    generator, discriminator = (network.double() for network in made("stylegan", 32))
    styles, real = generator.map(latents(4).double()), torch.randn(4, 3, 16, 16, dtype=torch.float64)

    def pictures(doublings: float) -> Tensor:
        generator.growth.grow_to(doublings)
        return generator.synthesize(styles)

    def values(doublings: float, x: Tensor) -> Tensor:
        discriminator.growth.grow_to(doublings)
        return discriminator(x)

    small, large = pictures(1.0), pictures(2.0)
    for fade in (1e-6, 0.25, 0.75, 1 - 1e-6):
        torch.testing.assert_close(pictures(1 + fade), torch.lerp(small, large, fade), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        values(1 + 1e-7, real), values(1.0, F.avg_pool2d(real, 2)), rtol=1e-3, atol=1e-4
    )
    torch.testing.assert_close(values(2 - 1e-7, real), values(2.0, real), rtol=1e-3, atol=1e-4)


def test_a_half_grown_network_is_loaded_as_one() -> None:
    generator, _ = made("stylegan", 64)
    generator.growth.grow_to(2.5)
    other, _ = made("stylegan", 64)
    other.load_state_dict(generator.state_dict())
    assert other.growth.doublings == 2.5
    assert torch.equal(other(latents(2)), generator(latents(2)))
