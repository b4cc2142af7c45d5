"""Losses on feature maps at points where the answer is known."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganlib.perceptual.losses import content_distance, gram, grey, style_distance

pytestmark = pytest.mark.usefixtures("doubles")


def maps(n: int = 2, c: int = 3, side: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, c, side, side, generator=torch.Generator().manual_seed(seed))


def test_content_distance_is_the_mean_absolute_difference() -> None:
    assert content_distance(torch.full((2, 3, 4, 4), 1.5), torch.full((2, 3, 4, 4), -0.5)).item() == 2
    assert content_distance(maps(), maps()).item() == 0


def test_gram_of_constant_maps() -> None:
    """With F = a_i everywhere, F F^T / (c h w) is a_i a_j / c."""
    values = torch.tensor([1.0, -2.0, 0.5])
    expected = torch.outer(values, values) / 3
    torch.testing.assert_close(gram(values.view(1, 3, 1, 1).expand(2, 3, 5, 7)), expected.expand(2, 3, 3))


def test_gram_written_out() -> None:
    x = maps()
    expected = torch.einsum("nihw,njhw->nij", x, x) / (3 * 4 * 4)
    torch.testing.assert_close(gram(x), expected)


@given(seed=st.integers(0, 1000))
def test_gram_does_not_see_places(seed: int) -> None:
    x = maps(seed=seed).double()
    order = torch.randperm(16, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(gram(x.flatten(2)[..., order].view_as(x)), gram(x))


def test_style_distance_of_constant_maps() -> None:
    """Gram matrices of constant one-channel maps a and b are a^2 and b^2; a batch has the mean of its squares."""
    drawn = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1).expand(2, 1, 4, 4)
    made = torch.full((5, 1, 8, 8), 2.0)
    assert style_distance(drawn, made).item() == pytest.approx((1 + 9) / 2 - 4)


def test_style_distance_is_of_batches_and_not_of_pairs() -> None:
    assert style_distance(maps(), maps().flip(0)).item() == pytest.approx(0, abs=1e-12)
    assert style_distance(maps(), maps(seed=1)).item() > 0


def test_gram_is_not_computed_in_the_precision_of_training() -> None:
    x = maps().float()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(gram(x), gram(x.clone()))
        assert gram(x).dtype == torch.float32


def test_grey_levels() -> None:
    primaries = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, 1], [-1, -1, -1]])
    levels = grey(primaries.view(5, 3, 1, 1))
    expected = torch.tensor([0.299, 0.587, 0.114, 1, 0]) * 2 - 1
    assert levels.shape == (5, 3, 1, 1)
    torch.testing.assert_close(levels, expected.view(5, 1, 1, 1).expand(5, 3, 1, 1))


def test_grey_of_grey_is_itself() -> None:
    x = maps(c=1).expand(-1, 3, -1, -1)
    torch.testing.assert_close(grey(x), x)


def test_gradients_are_those_of_finite_differences() -> None:
    drawn, made = maps(), maps(n=3, seed=1).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: style_distance(drawn, x), made)
    assert torch.autograd.gradcheck(lambda x: style_distance(drawn, grey(x)), made)
    assert torch.autograd.gradcheck(lambda x: content_distance(maps(n=3, seed=2), x), made)
