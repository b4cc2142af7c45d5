"""The layers of a DCGAN compute what torch's own compute, in the ways that were chosen where a network is trained."""

import io

import pytest
import torch
import torch.nn.functional as F
from helpers.training.watched import watched
from torch import Tensor, nn

from ganlib.models import choice
from ganlib.models.layers import Down, Head, Stem, Up
from ganlib.models.products import Size, Ways


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.fixture
def matrices(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Every product that may be is a matrix product; those that are computed."""
    monkeypatch.setattr(choice, "ways_of", lambda size: Ways(True, True, True))
    return watched(monkeypatch)


def reference(layer: nn.Module, x: Tensor) -> Tensor:
    """What the layer stands for, in float64."""
    weight = layer.weight.double()
    if isinstance(layer, Up):
        return F.conv_transpose2d(x, weight, stride=2, padding=1)
    bias = None if layer.bias is None else layer.bias.double()
    return F.conv2d(x, weight, bias, stride=2, padding=1)


def relative(value: Tensor, expected: Tensor) -> float:
    return ((value.double() - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layer", [Down(64, 96), Down(64, 80, bias=True), Up(96, 64), Up(72, 3)])
@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_matrix_products_agree_with_the_convolution(
    layer: Down | Up, memory_format: torch.memory_format, dtype: torch.dtype, matrices: list[tuple[str, bool]]
) -> None:
    layer = layer.to(memory_format=memory_format)
    layer.zero_grad()
    x = (
        randn(3, layer.in_channels, 8, 8, dtype=torch.float32)
        .to(memory_format=memory_format)
        .requires_grad_(True)
    )
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        out = layer(x)
    assert out.dtype == dtype
    gradient = randn(*out.shape, seed=3, dtype=torch.float32)
    out.backward(gradient.to(dtype))
    assert sorted(matrices) == [("down", True), ("up", True), ("weigh", True)]

    exact = x.detach().double().requires_grad_(True)
    parameters = {name: value.grad for name, value in layer.named_parameters()}
    expected = reference(layer, exact)
    wanted = torch.autograd.grad(expected, [exact, *layer.parameters()], gradient.double())
    # bfloat16 rounds each factor by at most 2^-9; sums over thousands of products average that out.
    bound = 2**-7 if dtype == torch.bfloat16 else 2**-20
    assert relative(out, expected) < bound
    assert relative(x.grad, wanted[0]) < bound
    for value, want in zip(parameters.values(), wanted[1:], strict=True):
        assert relative(value, want.double()) < bound
        assert value.dtype == torch.float32


@pytest.mark.parametrize("layer", [Down(64, 8), Up(8, 64)])
def test_what_is_not_trained_is_torchs_own_convolution_to_the_last_bit(
    layer: Down | Up, matrices: list[tuple[str, bool]]
) -> None:
    x = randn(2, layer.in_channels, 8, 8, dtype=torch.float32)
    own = F.conv2d if isinstance(layer, Down) else F.conv_transpose2d
    expected = own(x, layer.weight, stride=2, padding=1)
    with torch.no_grad():
        assert torch.equal(layer(x), expected)
    with torch.inference_mode():
        assert torch.equal(layer(x), expected)
    layer.requires_grad_(False)
    assert torch.equal(layer(x), expected)
    layer.requires_grad_(True)
    assert not matrices


def test_pictures_are_made_in_bfloat16_by_the_ways_of_training(matrices: list[tuple[str, bool]]) -> None:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        Up(96, 64)(randn(3, 96, 4, 4, dtype=torch.float32))
    assert matrices == [("up", True)]


@pytest.mark.parametrize("layer", [Down(64, 8), Up(8, 64)])
def test_programs_that_are_made_of_a_network_know_torchs_own_convolution_alone(
    layer: Down | Up, matrices: list[tuple[str, bool]]
) -> None:
    x = randn(2, layer.in_channels, 8, 8, dtype=torch.float32)
    traced = torch.jit.trace(layer, x)
    torch.jit.save(traced, io.BytesIO())
    assert "convolution" in str(traced.inlined_graph)
    exported = torch.export.export(layer, (x,))
    assert any("conv" in str(node.target) for node in exported.graph.nodes)
    assert not matrices


@pytest.mark.parametrize("up", [False, True])
def test_the_size_says_what_is_small_and_what_is_large(up: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Size] = []
    monkeypatch.setattr(choice, "ways_of", lambda size: (asked.append(size), Ways())[1])
    layer = Up(8, 3) if up else Down(3, 8)
    x = randn(2, *((8, 4, 6) if up else (3, 8, 12)), dtype=torch.float32)
    layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        layer(x)
    assert asked == [Size(2, 3, 8, 4, 6, dtype) for dtype in (torch.float32, torch.bfloat16)]


def test_a_layer_is_the_librarys_where_nothing_that_it_asks_for_is_faster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choice, "ways_of", lambda size: Ways(up=True))
    layer, pictures = Down(3, 8), randn(2, 3, 8, 8, dtype=torch.float32)
    assert "Convolution" in layer(pictures).grad_fn.name(), "no gradient of pictures is asked for"
    assert "_Product" in layer(pictures.requires_grad_(True)).grad_fn.name()


def test_odd_pictures_are_halved_in_training_too(matrices: list[tuple[str, bool]]) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert Down(64, 8)(torch.zeros(1, 64, 7, 7)).shape == (1, 8, 3, 3)
    assert not matrices, "windows pair rows, so their number must be even"


@pytest.mark.parametrize("side", [4, 7])
def test_stem_is_a_transposed_convolution_of_a_pixel(side: int) -> None:
    stem = Stem(5, 6, side).double()
    plain = nn.ConvTranspose2d(5, 6, side, 1, 0, bias=False).double()
    plain.load_state_dict(stem.state_dict())
    latents = randn(3, 5)
    out = stem(latents)
    assert out.shape == (3, 6, side, side)
    assert out.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(out, plain(latents[:, :, None, None]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("side", [4, 7])
def test_head_is_a_convolution_that_covers_the_map(side: int) -> None:
    head = Head(6, side).double()
    plain = nn.Conv2d(6, 1, side, 1, 0, bias=False).double()
    head.load_state_dict(plain.state_dict())
    maps = randn(3, 6, side, side)
    assert head(maps).shape == (3,)
    torch.testing.assert_close(head(maps), plain(maps).flatten(), rtol=1e-12, atol=1e-12)
