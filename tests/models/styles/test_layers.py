"""The layers of StyleGAN and StyleGAN2 against closed forms and against slow, plain ways to compute the same."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganlib.models.styles.growing import Growth, doublings_at
from ganlib.models.styles.layers import (
    Blur,
    EqualizedConv,
    EqualizedLinear,
    Mapping,
    MinibatchStd,
    Noise,
    channels,
    double,
)


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def stuffed(x: Tensor) -> Tensor:
    """Zeros between the pixels: twice as high and wide."""
    out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


def filtered(x: Tensor, taps: tuple[int, ...], pad: tuple[int, int], gain: float = 1.0) -> Tensor:
    """Each channel with taps along rows and columns, zero beyond the edges."""
    row = torch.tensor(taps, dtype=x.dtype) / sum(taps)
    kernel = (gain * torch.outer(row, row)).repeat(x.shape[1], 1, 1, 1)
    return F.conv2d(F.pad(x, (*pad, *pad)), kernel, groups=x.shape[1])


# Equalised learning rate


@pytest.mark.parametrize("lr_factor", [1.0, 0.01])
def test_weights_have_unit_variance_and_outputs_too(lr_factor: float) -> None:
    torch.manual_seed(0)
    layer = EqualizedLinear(256, 512, gain=1.0, lr_factor=lr_factor, bias=1.0)
    n = layer.weight.numel()
    assert abs(layer.weight.std().item() * lr_factor - 1) < 6 / math.sqrt(2 * n)
    out = layer(torch.randn(400, 256))
    assert abs(out.mean().item() - 1) < 0.05
    assert abs(out.std().item() - 1) < 0.05
    layer = EqualizedConv(32, 64, gain=1.0)
    assert abs(layer(torch.randn(8, 32, 16, 16))[:, :, 1:-1, 1:-1].std().item() - 1) < 0.1


def test_a_step_of_adam_moves_outputs_alike_whatever_the_width_and_a_slow_layer_less() -> None:
    """Adam moves each weight by the learning rate; equalised, that is a change of the same size in He's units."""

    def moved(inputs: int, lr_factor: float) -> float:
        layer = EqualizedLinear(inputs, 1, gain=1.0, lr_factor=lr_factor).double()
        before = layer.weight.detach() * layer.scale
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
        layer(randn(1, inputs)).sum().backward()
        optimizer.step()
        return ((layer.weight.detach() * layer.scale - before).norm()).item()

    assert moved(16, 1.0) == pytest.approx(0.1, rel=1e-5)
    assert moved(256, 1.0) == pytest.approx(0.1, rel=1e-5)
    assert moved(256, 0.01) == pytest.approx(0.001, rel=1e-3)


# Doubling and halving


def test_doubling_is_zero_stuffing_convolution_and_the_papers_filter() -> None:
    layer = EqualizedConv(3, 5, size="double", bias=False).double()
    x = randn(2, 3, 6, 6)
    wide = F.conv2d(
        F.pad(stuffed(x), (2, 2, 2, 2)), layer.weight * layer.scale
    )  # 14 x 14, one more at each edge
    expected = filtered(wide, (1, 3, 3, 1), (1, 0), gain=4.0)
    torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)


def test_halving_is_the_papers_filter_and_a_convolution_with_stride() -> None:
    layer = EqualizedConv(3, 5, size="half").double()
    x = randn(2, 3, 8, 8)
    blurred = filtered(x, (1, 3, 3, 1), (2, 2))
    expected = F.conv2d(blurred, layer.weight * layer.scale, layer.bias, stride=2)
    torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)
    layer = EqualizedConv(3, 5, kernel=1, size="half").double()
    blurred = filtered(x, (1, 3, 3, 1), (1, 1))[:, :, ::2, ::2]
    expected = F.conv2d(blurred, layer.weight * layer.scale, layer.bias)
    torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)


def test_doubling_a_picture_is_bilinear_and_keeps_a_constant() -> None:
    assert torch.equal(double(torch.full((1, 3, 4, 4), 0.5)), torch.full((1, 3, 8, 8), 0.5))
    x = randn(1, 3, 4, 4)
    expected = filtered(stuffed(x), (1, 3, 3, 1), (2, 1), gain=4.0)
    torch.testing.assert_close(
        double(x)[:, :, 1:-1, 1:-1], expected[:, :, 1:-1, 1:-1], rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_the_blur_and_its_derivatives(padding: int) -> None:
    blur = Blur(3, padding).double()
    x = randn(2, 3, 5, 6).requires_grad_(True)
    expected = filtered(x, (1, 2, 1), (padding, padding))
    torch.testing.assert_close(blur(x), expected, rtol=1e-12, atol=1e-12)
    assert torch.autograd.gradcheck(blur, x)
    assert torch.autograd.gradgradcheck(blur, x)


@pytest.mark.parametrize("size", ["same", "half", "double"])
def test_convolutions_can_be_differentiated_twice(size: str) -> None:
    layer = EqualizedConv(2, 2, size=size).double()
    x = randn(1, 2, 4, 4).requires_grad_(True)
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradgradcheck(layer, x)


@pytest.mark.parametrize("size", ["same", "half", "double"])
def test_bf16_agrees_with_float64_and_stays_channels_last(size: str) -> None:
    layer = EqualizedConv(16, 16, size=size).to(memory_format=torch.channels_last)
    x = randn(2, 16, 8, 8, dtype=torch.float32).to(memory_format=torch.channels_last).requires_grad_(True)
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(x.bfloat16())
    assert out.dtype == torch.bfloat16
    assert out.is_contiguous(memory_format=torch.channels_last)
    out.float().square().sum().backward()
    exact = x.detach().double().requires_grad_(True)
    weight = layer.weight.detach()
    layer = layer.double()
    expected = layer(exact)
    expected.square().sum().backward()
    # bfloat16 rounds to 2^-9; a few roundings follow one another, and sums average them out.
    assert ((out.double() - expected).norm() / expected.norm()).item() < 2**-7
    assert ((x.grad.double() - exact.grad).norm() / exact.grad.norm()).item() < 2**-6
    assert torch.equal(layer.weight.float(), weight)


# Mapping, noise, minibatch standard deviation


def test_the_mapping_sees_only_the_direction_of_a_latent() -> None:
    mapping = Mapping(16, 8)
    latents = randn(4, 16, dtype=torch.float32)
    exact, doubles = Mapping(16, 8).double(), latents.double()
    torch.testing.assert_close(exact(doubles), exact(7 * doubles))
    assert [layer.lr_factor for layer in mapping.layers] == [0.01] * 8
    with torch.autocast("cpu", torch.bfloat16):
        assert mapping(latents).dtype == torch.float32


def test_noise_is_fresh_with_a_generator_and_fixed_without() -> None:
    noise, x = Noise(4), torch.zeros(3, 5, 4, 4)
    fresh = [noise(x, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert fresh[0].shape == (3, 1, 4, 4)
    assert torch.equal(fresh[0], fresh[1])
    assert not torch.equal(fresh[0], fresh[2])
    assert not torch.equal(fresh[0][0], fresh[0][1])
    assert torch.equal(noise(x, None), noise(x, None))
    assert noise(x, None).shape == (1, 1, 4, 4)


def test_minibatch_std_of_two_known_groups() -> None:
    # Of 8 pictures, 0 2 4 6 are a group and 1 3 5 7: the first all equal, the second -1 and 1.
    x = torch.zeros(8, 2, 4, 4)
    x[[1, 5]], x[[3, 7]] = -1.0, 1.0
    out = MinibatchStd()(x)
    assert out.shape == (8, 3, 4, 4)
    assert torch.equal(out[:, :2], x)
    assert out[::2, 2].abs().max() < 1e-3
    torch.testing.assert_close(out[1::2, 2], torch.ones(4, 4, 4))


@pytest.mark.parametrize(
    ("n", "group"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 3), (7, 7), (9, 3), (12, 4)]
)
def test_minibatch_std_takes_every_batch_size(n: int, group: int) -> None:
    x = randn(n, 3, 2, 2)
    out = MinibatchStd()(x)[:, 3]
    for i in range(n):
        members = x[i % (n // group) :: n // group]
        assert len(members) == group
        expected = (members.var(0, unbiased=False) + 1e-8).sqrt().mean()
        torch.testing.assert_close(out[i], expected.expand(2, 2), rtol=1e-9, atol=1e-9)


def test_a_collapsed_batch_shows_in_the_channel() -> None:
    picture = randn(1, 4, 4, 4)
    assert MinibatchStd()(picture.repeat(8, 1, 1, 1))[:, 4].max() < 1e-3
    assert MinibatchStd()(randn(8, 4, 4, 4))[:, 4].min() > 0.5


# Feature maps


def test_channels_are_the_papers() -> None:
    sides = [4 << i for i in range(9)]
    assert [channels(side, 64) for side in sides] == [512, 512, 512, 512, 256, 128, 64, 32, 16]
    assert [channels(side, 64, True) for side in sides] == [512, 512, 512, 512, 512, 256, 128, 64, 32]
    assert [channels(side, 8) for side in sides[:6]] == [64, 64, 64, 64, 32, 16]


# Growing


def test_stages_follow_the_clock() -> None:
    # 4 px for 2 kimg, 8 px faded in over 4, trained for 2, 16 px faded in over 4.
    expected = {0: 0, 1.9: 0, 2: 0, 3: 0.25, 5: 0.75, 6: 1, 7.9: 1, 10: 1.5, 12: 2, 99: 2}
    for kimg, doublings in expected.items():
        assert doublings_at(kimg, 2.0, 4.0, 2) == pytest.approx(doublings), kimg
    assert doublings_at(2.0, 2.0, 0.0, 3) == 1
    assert doublings_at(0.0, 0.0, 0.0, 4) == 4, "full size from the start"


def test_growth_goes_through_a_state() -> None:
    growth, other = Growth(4), Growth(4)
    assert (growth.doublings, growth.side, growth.fading) == (4.0, 64, False)
    growth.grow_to(2.25)
    assert (growth.side, growth.reached, growth.fading) == (32, 3, True)
    assert growth(torch.zeros(2), torch.ones(2)).tolist() == [0.25, 0.25]
    other.load_state_dict(growth.state_dict())
    assert (other.doublings, other.side, other.fade.item()) == (2.25, 32, 0.25)
    growth.grow_to(2.0)
    assert (growth.side, growth.fading, growth.fade.item()) == (16, False, 1.0)
    assert not list(growth.parameters())
