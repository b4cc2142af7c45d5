"""Norms whose slopes are cheap to differentiate are torch's, with their derivatives and what they keep."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ganlib.slopes.norms import batch_norm, instance_norm
from ganlib.slopes.passes import Sloped
from ganlib.slopes.taking import slope


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def penalised(normalised: Callable[[Tensor, Tensor, Tensor], Tensor], pictures: Tensor) -> list[Tensor]:
    """What a penalty on a slope teaches all that is behind it: pictures, what follows, weight and bias."""
    channels = pictures.shape[1]
    pictures = pictures.clone().requires_grad_(True)
    after = randn(*pictures.shape, seed=1).requires_grad_(True)
    weight = (1 + 0.3 * randn(channels, seed=2)).requires_grad_(True)
    bias = randn(channels, seed=3).requires_grad_(True)
    output = normalised(pictures, weight, bias)
    gradient = slope((output.sin() * after).sum(), pictures)
    loss = gradient.pow(4).sum() + output.cos().sum()
    return [output, gradient, *torch.autograd.grad(loss, (pictures, after, weight, bias))]


@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(2, 4)),
    ordered=st.booleans(),
    at=st.sampled_from([0.0, 5.0]),
)
def test_a_penalty_through_batch_norm_teaches_what_torch_does(
    shape: tuple[int, int, int, int], ordered: bool, at: float
) -> None:
    layout = torch.channels_last if ordered else torch.contiguous_format
    pictures = (at + randn(*shape)).to(memory_format=layout)

    def ours(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return batch_norm(x, None, None, weight, bias, True, 0.1, 0.1)

    def theirs(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.batch_norm(x, None, None, weight, bias, True, 0.1, 0.1)

    for one, other in zip(penalised(ours, pictures), penalised(theirs, pictures), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)


@given(shape=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(2, 3), st.integers(2, 4)))
def test_a_penalty_through_instance_norm_teaches_what_torch_does(shape: tuple[int, int, int, int]) -> None:
    def ours(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return instance_norm(x, weight=weight, bias=bias, eps=0.1)

    def theirs(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.instance_norm(x, weight=weight, bias=bias, eps=0.1)

    for one, other in zip(penalised(ours, randn(*shape)), penalised(theirs, randn(*shape)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("affine", [True, False])
def test_a_network_keeps_the_statistics_that_it_would_keep(affine: bool) -> None:
    kept = []
    for own in (True, False):
        norm = nn.BatchNorm2d(3, affine=affine).double()
        for seed in range(3):
            pictures = randn(4, 3, 2, 2, seed=seed).requires_grad_(True)
            if own:
                with Sloped():
                    norm(pictures)
            else:
                norm(pictures)
        kept.append(norm)
    for one, other in zip(kept[0].buffers(), kept[1].buffers(), strict=True):
        torch.testing.assert_close(one, other)


def test_in_use_the_kept_statistics_count() -> None:
    norm, pictures = nn.BatchNorm2d(3).double(), randn(4, 3, 2, 2).requires_grad_(True)
    norm(pictures)
    norm.eval()
    with Sloped():
        found = norm(pictures)
    assert torch.equal(found, norm(pictures))


def test_one_number_has_no_deviation_here_either() -> None:
    with pytest.raises(ValueError, match="more than 1 value per channel"), Sloped():
        nn.BatchNorm2d(3)(torch.ones(1, 3, 1, 1, requires_grad=True))


def test_a_gradient_of_weights_that_is_recorded_is_torchs() -> None:
    """Outside of `slope` somebody may differentiate by weights, and again."""
    pictures, weight = randn(2, 3, 2, 2).requires_grad_(True), randn(3, seed=1).requires_grad_(True)
    found = []
    for norm in (batch_norm, F.batch_norm):
        output = norm(pictures, None, None, weight, None, True)
        (first,) = torch.autograd.grad(output.pow(3).sum(), weight, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), (pictures, weight)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_a_third_derivative_is_refused_rather_than_wrong() -> None:
    pictures = randn(2, 3, 2, 2).requires_grad_(True)
    gradient = slope(batch_norm(pictures, None, None, None, None, True).pow(3).sum(), pictures)
    (second,) = torch.autograd.grad(gradient.square().sum(), pictures, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        second.sum().backward()


def test_a_penalty_through_a_norm_takes_a_third_to_a_half_of_torchs_operations() -> None:
    class Counted(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.count += not func.is_view
            return func(*args, **(kwargs or {}))

    counts = []
    for norm in (batch_norm, F.batch_norm):
        pictures, weight = randn(4, 3, 5, 5).requires_grad_(True), randn(3, seed=1).requires_grad_(True)
        gradient = slope(norm(pictures, None, None, weight, None, True).pow(2).sum(), pictures)
        with Counted() as counted:
            gradient.square().sum().backward()
        counts.append(counted.count)
    ours, theirs = counts
    assert 3 * ours > theirs > 2 * ours
