"""The products of a 4x4 stride-2 convolution are torch's own, in both ways, and so are all their derivatives."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from helpers.training.watched import watched
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganlib.models import products
from ganlib.models.products import Chosen, Ways, gather, scatter
from ganlib.slopes.products import convolved, spread

EVERY = [Ways(*ways) for ways in product((False, True), repeat=3)]


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scattered(windows: Tensor, *shape: int) -> Tensor:
    pictures = windows.new_full(shape, torch.nan)
    scatter(windows, pictures)
    return pictures


def nhwc(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 2, 3, 1).contiguous()


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
    assert (gather(x) * y).sum() == (x * scattered(y, *x.shape)).sum()


def test_gather_takes_the_windows_of_unfold() -> None:
    x = randn(2, 3, 8, 6)
    unfolded = F.unfold(x, 4, padding=1, stride=2)  # (n, c * 16, windows), channel by channel
    expected = unfolded.transpose(1, 2).reshape(2 * 4 * 3, 3, 16).transpose(1, 2).flatten(1)
    assert torch.equal(gather(nhwc(x)), expected)


def test_a_pixel_lies_in_four_windows_at_an_edge_in_two_in_a_corner_in_one() -> None:
    counts = scattered(torch.ones(4 * 3, 16), 1, 8, 6, 1)[0, :, :, 0]
    down, across = torch.tensor([1.0, *[2] * 6, 1]), torch.tensor([1.0, *[2] * 4, 1])
    assert torch.equal(counts, torch.outer(down, across))


@pytest.mark.parametrize("by_matrix", [False, True])
@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize(
    ("n", "few", "many", "rows", "cols"), [(2, 3, 5, 4, 4), (1, 1, 2, 1, 3), (3, 4, 1, 2, 1)]
)
def test_products_are_torchs_in_both_ways(
    n: int, few: int, many: int, rows: int, cols: int, memory_format: torch.memory_format, by_matrix: bool
) -> None:
    large, small, weight = (
        tensor.to(memory_format=memory_format)
        for tensor in (
            randn(n, few, 2 * rows, 2 * cols),
            randn(n, many, rows, cols, seed=1),
            randn(many, few, 4, 4, seed=2),
        )
    )
    exact = {"rtol": 1e-12, "atol": 1e-12}
    learnt = weight.clone().requires_grad_(True)
    wanted = F.conv2d(large, learnt, stride=2, padding=1)
    torch.testing.assert_close(products.down(large, weight, by_matrix), wanted, **exact)
    transposed = F.conv_transpose2d(small, weight, stride=2, padding=1)
    torch.testing.assert_close(products.up(small, weight, by_matrix), transposed, **exact)
    [gradient] = torch.autograd.grad(wanted, learnt, small)
    torch.testing.assert_close(products.weigh(large, small, by_matrix), gradient, **exact)


@pytest.mark.parametrize("ways", EVERY)
@pytest.mark.parametrize("function", [convolved, spread])
def test_gradients_are_those_of_the_function(function, ways: Ways) -> None:
    few, many = 3, 2
    pictures = randn(2, few, 4, 6) if function is convolved else randn(2, many, 2, 3)
    inputs = pictures.requires_grad_(True), randn(many, few, 4, 4, seed=1).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda *tensors: function(*tensors, Chosen(ways)), inputs)
    # A gradient penalty differentiates twice.
    assert torch.autograd.gradgradcheck(lambda *tensors: function(*tensors, Chosen(ways)), inputs)


@pytest.mark.parametrize("ways", EVERY)
@pytest.mark.parametrize("function", [convolved, spread])
def test_what_comes_out_can_be_changed_in_place(function, ways: Ways) -> None:
    pictures = randn(1, 2, 4, 4).requires_grad_(True)
    weight = randn(2, 2, 4, 4, seed=1).requires_grad_(True)
    own = {convolved: F.conv2d, spread: F.conv_transpose2d}[function]
    wanted = F.leaky_relu(own(pictures, weight, stride=2, padding=1)).square().sum()
    found = F.leaky_relu(function(pictures, weight, Chosen(ways)), inplace=True).square().sum()
    for one, other in zip(
        torch.autograd.grad(found, (pictures, weight)),
        torch.autograd.grad(wanted, (pictures, weight)),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_a_frozen_weight_costs_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = watched(monkeypatch)
    large, weight = randn(1, 2, 4, 4).requires_grad_(True), randn(3, 2, 4, 4)
    convolved(large, weight, Chosen(Ways(True, True, True))).sum().backward()
    assert asked == [("down", True), ("up", True)]
    asked.clear()
    convolved(large.detach(), weight.requires_grad_(True), Chosen(Ways(True, True, True))).sum().backward()
    assert asked == [("down", True), ("weigh", True)]
    assert weight.grad is not None
