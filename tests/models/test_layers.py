"""The matrix forms of the 4x4 stride-2 convolutions compute what torch's own convolutions compute."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ganlib.models import layers
from ganlib.models.layers import Down, Head, Stem, Up, gather, scatter


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def nhwc(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 2, 3, 1).contiguous()


def matrix_of(weight: Tensor) -> Tensor:
    """The kernel as the autograd functions take it, without the rounding of `_as_matrix`."""
    return weight.permute(0, 2, 3, 1).flatten(1)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 3),
    rows=st.integers(1, 4),
    cols=st.integers(1, 4),
    c=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_scatter_is_the_adjoint_of_gather(n: int, rows: int, cols: int, c: int, seed: int) -> None:
    x = torch.randint(
        -9, 10, (n, 2 * rows, 2 * cols, c), generator=torch.Generator().manual_seed(seed)
    ).double()
    y = torch.randint(
        -9, 10, (n * rows * cols, 16 * c), generator=torch.Generator().manual_seed(seed + 1)
    ).double()
    # Whole numbers add without rounding, so that the two sides are equal to the last bit.
    assert (gather(x) * y).sum() == (x * scatter(y, n, rows, cols)).sum()


def test_gather_takes_the_windows_of_unfold() -> None:
    x = randn(2, 3, 8, 6)
    unfolded = F.unfold(x, 4, padding=1, stride=2)  # (n, c * 16, windows), channel by channel
    expected = unfolded.transpose(1, 2).reshape(2 * 4 * 3, 3, 16).transpose(1, 2).flatten(1)
    assert torch.equal(gather(nhwc(x)), expected)


def test_a_pixel_lies_in_four_windows_at_an_edge_in_two_in_a_corner_in_one() -> None:
    counts = scatter(torch.ones(4 * 3, 16), 1, 4, 3)[0, :, :, 0]
    down, across = torch.tensor([1.0, *[2] * 6, 1]), torch.tensor([1.0, *[2] * 4, 1])
    assert torch.equal(counts, torch.outer(down, across))


def test_down_and_up_equal_torchs_convolutions_in_float64() -> None:
    x, weight = randn(2, 3, 8, 8), randn(5, 3, 4, 4, seed=1)
    down = layers._Down.apply(nhwc(x), matrix_of(weight)).permute(0, 3, 1, 2)
    torch.testing.assert_close(down, F.conv2d(x, weight, stride=2, padding=1), rtol=1e-12, atol=1e-12)
    weight = randn(3, 5, 4, 4, seed=2)
    up = layers._Up.apply(nhwc(x), matrix_of(weight)).permute(0, 3, 1, 2)
    torch.testing.assert_close(up, F.conv_transpose2d(x, weight, stride=2, padding=1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("function", [layers._Down, layers._Up])
def test_gradients_are_those_of_the_function(function: type[torch.autograd.Function]) -> None:
    x = randn(2, 4, 6, 3).requires_grad_(True)
    kernel = (randn(2, 48, seed=1) if function is layers._Down else randn(3, 32, seed=1)).requires_grad_(True)
    assert torch.autograd.gradcheck(function.apply, (x, kernel))
    # A gradient penalty differentiates twice.
    assert torch.autograd.gradgradcheck(function.apply, (x, kernel))


def reference(layer: nn.Module, x: Tensor) -> Tensor:
    """What the layer stands for, in float64."""
    weight = layer.weight.double()
    if isinstance(layer, Up):
        return F.conv_transpose2d(x, weight, stride=2, padding=1)
    bias = None if layer.bias is None else layer.bias.double()
    return F.conv2d(x, weight, bias, stride=2, padding=1)


def relative(value: Tensor, expected: Tensor) -> float:
    return ((value.double() - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("layer", [Down(64, 96), Down(64, 80, bias=True), Up(96, 64), Up(72, 128)])
@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_the_bf16_path_agrees_with_the_convolution(
    layer: Down | Up, memory_format: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(layers, "MAX_SIDE", 16)
    monkeypatch.setattr(layers, "gather", lambda x: (calls.append(1), gather(x))[1])
    layer = layer.to(memory_format=memory_format)
    layer.zero_grad()
    x = (
        randn(3, layer.in_channels, 8, 8, dtype=torch.float32)
        .to(memory_format=memory_format)
        .requires_grad_(True)
    )
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(x)
    assert out.dtype == torch.bfloat16
    gradient = randn(*out.shape, seed=3, dtype=torch.float32)
    out.backward(gradient.bfloat16())
    assert calls, "the matrix path was not taken"

    exact = x.detach().double().requires_grad_(True)
    parameters = {name: value.grad for name, value in layer.named_parameters()}
    expected = reference(layer, exact)
    wanted = torch.autograd.grad(expected, [exact, *layer.parameters()], gradient.double())
    # bfloat16 rounds each factor by at most 2^-9; sums over thousands of products average that out.
    assert relative(out, expected) < 2**-7
    assert relative(x.grad, wanted[0]) < 2**-7
    for value, want in zip(parameters.values(), wanted[1:], strict=True):
        assert relative(value, want.double()) < 2**-7
        assert value.dtype == torch.float32


@pytest.mark.parametrize("layer", [Down(64, 8), Up(8, 64)])
def test_without_autocast_it_is_torchs_own_convolution_to_the_last_bit(layer: Down | Up) -> None:
    x = randn(2, layer.in_channels, 8, 8, dtype=torch.float32)
    own = F.conv2d if isinstance(layer, Down) else F.conv_transpose2d
    assert torch.equal(layer(x), own(x, layer.weight, stride=2, padding=1))


@pytest.mark.parametrize("side", [8, 16])
def test_the_matrix_path_is_only_for_small_pictures_with_many_channels(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MAX_SIDE", side)
    x = torch.zeros(1, 1, 1, 1)
    assert not layers.prefers_matrix(x, 16, 64), "no autocast"
    with torch.autocast("cpu", torch.bfloat16):
        assert layers.prefers_matrix(x, side, 64)
        assert not layers.prefers_matrix(x, 2 * side, 64)
        assert not layers.prefers_matrix(x, side, 63)
        assert not layers.prefers_matrix(x, 7, 64), "windows pair rows, so their number must be even"


def test_odd_pictures_are_halved_under_autocast_too() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert Down(64, 8)(torch.zeros(1, 64, 7, 7)).shape == (1, 8, 3, 3)


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


def test_a_frozen_kernel_costs_no_gradient() -> None:
    needed = []

    class Spy(layers._Down):
        @staticmethod
        def backward(ctx, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
            needed.append(tuple(ctx.needs_input_grad))
            return layers._Down.backward(ctx, *gradients)

    x, kernel = randn(1, 4, 4, 2).requires_grad_(True), randn(3, 32)
    Spy.apply(x, kernel).sum().backward()
    assert needed == [(True, False)]
    assert x.grad is not None
