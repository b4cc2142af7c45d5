"""Convolutions whose slopes are cheap to differentiate are torch's, and so are all their derivatives."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ganlib.slopes.convolutions import Geometry, conv2d, conv_transpose2d

Pair = tuple[int, int]
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


def randn(*shape: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=random, dtype=torch.float64).requires_grad_(True)


def derivatives(function: Callable[..., Tensor], *given: Tensor, **options: Any) -> list[Tensor]:
    """A value, its gradients, and the gradients of a quantity of the pictures' gradient."""
    value = function(*given, **options)
    first = torch.autograd.grad(value.sin().sum(), given, create_graph=True)
    second = torch.autograd.grad(first[0].square().sum(), given, allow_unused=True, retain_graph=True)
    mixed = torch.autograd.grad(first[1].square().sum(), given, allow_unused=True)
    return [value, *first, *(torch.zeros(()) if one is None else one for one in (*second, *mixed))]


@given(
    kernel=pairs,
    stride=pairs,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=pairs,
    groups=st.integers(1, 2),
    channels=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    size=st.tuples(st.integers(7, 9), st.integers(7, 9)),  # a dilated window has 7 at most
    ordered=st.booleans(),
)
def test_convolutions_of_any_geometry_are_torchs_twice(
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    channels: Pair,
    size: Pair,
    ordered: bool,
) -> None:
    layout = torch.channels_last if ordered else torch.contiguous_format
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    few, many = channels
    weight = randn(many * groups, few, *kernel, seed=1).detach().to(memory_format=layout).requires_grad_(True)
    given = randn(2, few * groups, *size).detach().to(memory_format=layout).requires_grad_(True), weight
    bias = randn(many * groups, seed=2)
    for ours, theirs in zip(
        derivatives(conv2d, *given, bias, **options),
        derivatives(F.conv2d, *given, bias, **options),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


@given(
    kernel=pairs,
    stride=pairs,
    padding=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    dilation=pairs,
    groups=st.integers(1, 2),
    beyond=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    size=st.tuples(st.integers(3, 5), st.integers(3, 5)),
)
def test_transposed_convolutions_of_any_geometry_are_torchs_twice(
    kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int, beyond: Pair, size: Pair
) -> None:
    beyond = tuple(  # torch wants less than a stride or a dilation
        min(one, max(step, apart) - 1) for one, step, apart in zip(beyond, stride, dilation, strict=True)
    )
    options: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    options["output_padding"] = beyond
    given = randn(2, 2 * groups, *size), randn(2 * groups, 1, *kernel, seed=1), randn(groups, seed=2)
    for ours, theirs in zip(
        derivatives(conv_transpose2d, *given, **options),
        derivatives(F.conv_transpose2d, *given, **options),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_gradients_are_right_to_the_second_order_of_each_part() -> None:
    def made(pictures: Tensor, weight: Tensor) -> Tensor:
        return conv2d(pictures, weight, stride=2, padding=1, groups=2)

    given = randn(1, 4, 5, 4), randn(2, 2, 3, 3, seed=1)
    assert torch.autograd.gradcheck(made, given)
    assert torch.autograd.gradgradcheck(made, given)


@pytest.mark.parametrize(
    ("given", "options"),
    [((2, 3, 6, 6), {"padding": "same"}), ((2, 3, 6, 6), {"padding": "valid"}), ((3, 6, 6), {"padding": 1})],
)
def test_what_is_asked_otherwise_is_torchs(given: tuple[int, ...], options: dict[str, Any]) -> None:
    pictures, weight, bias = randn(*given), randn(4, 3, 3, 3, seed=1), randn(4, seed=2)
    assert torch.equal(conv2d(pictures, weight, bias, **options), F.conv2d(pictures, weight, bias, **options))


def test_numbers_for_both_directions_may_be_given_in_a_list() -> None:
    pictures, weight = randn(2, 3, 6, 6), randn(4, 3, 3, 3, seed=1)
    assert conv2d(pictures, weight, None, [2], [1], [1]).shape == (2, 4, 3, 3)
    assert conv2d(pictures, weight, None, [2, 1], [1, 0], [1]).shape == (2, 4, 3, 4)


def test_a_weights_gradient_has_the_pictures_order_of_memory() -> None:
    geometry = Geometry((6, 6), (3, 3))
    for layout in (torch.channels_last, torch.contiguous_format):
        large, small = (randn(2, 3, side, side).detach().to(memory_format=layout) for side in (6, 4))
        assert geometry.weigh(large, small).is_contiguous(memory_format=layout)
