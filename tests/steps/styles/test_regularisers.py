"""What StyleGANs train with beside their loss: penalties in closed form, mixed styles, the mean style."""

import math

import pytest
import torch
from helpers.training.styles import batches, made
from torch import Tensor

from ganlib.losses.regularisers import R1
from ganlib.steps.styles import path_lengths


def test_r1_of_a_quadratic() -> None:
    """D(x) = x' A x / 2 has the gradient A x, so R1 is gamma / 2 * E[||A x||^2]."""
    a = torch.randn(12, 12, dtype=torch.float64)
    a = (a + a.T).requires_grad_(True)
    x = torch.randn(5, 3, 2, 2, dtype=torch.float64)
    flat = x.flatten(1)
    random = torch.Generator()
    term = R1(3.0).penalty(lambda p: (p.flatten(1) @ a * p.flatten(1)).sum(1) / 2, x, x, random)
    expected = 1.5 * (flat @ a).square().sum(1).mean()
    torch.testing.assert_close(term, expected)
    gradient, wanted = torch.autograd.grad(term, a), torch.autograd.grad(expected, a)
    # The form only sees the symmetric part of A.
    torch.testing.assert_close(gradient[0] + gradient[0].T, wanted[0] + wanted[0].T)


def test_path_lengths_of_a_linear_generator() -> None:
    """Pictures J w have the length ||J' y||; its expected square is ||J||_F^2 / (h w), here averaged over layers."""
    layers, dim, n = 2, 3, 4000
    j = torch.randn(layers * dim, 3 * 4 * 4, dtype=torch.float64)
    styles = torch.randn(n, layers, dim, dtype=torch.float64, requires_grad=True)
    pictures = (styles.flatten(1) @ j).unflatten(1, (3, 4, 4))
    lengths = path_lengths(pictures, styles, torch.Generator().manual_seed(0))
    assert lengths.shape == (n,)
    expected = j.square().sum().item() / 16 / layers
    assert lengths.square().mean().item() == pytest.approx(expected, rel=0.1)
    y = torch.randn((n, 3, 4, 4), generator=torch.Generator().manual_seed(0)) / 4
    exact = (y.double().flatten(1) @ j.T).unflatten(1, (layers, dim)).square().sum(2).mean(1).sqrt()
    torch.testing.assert_close(lengths, exact)


def test_the_path_penalty_comes_lazily_and_follows_its_mean() -> None:
    step = made(path_weight=2.0, path_every=2)
    seen = []
    original = step._generator_penalty

    def spy() -> Tensor | None:
        before = step.path_mean.item()
        seen.append((original(), before, step.path_mean.item()))
        return seen[-1][0]

    step._generator_penalty = spy
    source = batches()
    for k in range(4):
        step.schedule(k * 0.004)
        step(source)
    assert [penalty is None for penalty, *_ in seen] == [False, True, False, True]
    assert seen[0][1] == 0
    assert 0 < seen[0][2] < seen[2][2]
    assert seen[1][1] == seen[1][2] == seen[2][1]
    assert made()._generator_penalty() is None, "off by default"


@pytest.mark.usefixtures("doubles")
def test_the_path_penalty_is_the_variance_of_lengths_about_the_mean() -> None:
    step = made(path_weight=2.0, path_every=4, batch=8)
    step.path_mean.fill_(0.5)
    state = step.random.get_state()
    penalty = step._generator_penalty()
    mean = step.path_mean.item()
    step.random.set_state(state)
    styles = step._styles(4)
    lengths = path_lengths(step._pictures(styles), styles, step.random)
    assert mean == pytest.approx(0.5 + 0.01 * (lengths.mean().item() - 0.5))
    assert penalty.item() == pytest.approx(4 * 2.0 * (lengths - mean).square().mean().item(), rel=1e-9)
    assert any(p.grad is None for p in step.generator.parameters())
    penalty.backward()
    moved = [name for name, p in step.generator.named_parameters() if p.grad is not None and p.grad.any()]
    assert any("mapping" in name for name in moved)
    assert any("convs.3" in name for name in moved)


def test_mixed_styles_are_those_of_two_latents_with_one_crossing() -> None:
    step = made(style_mixing=0.6)
    styles = step._styles(400).detach()
    changes = (styles[:, 1:] != styles[:, :-1]).any(2)
    assert changes.sum(1).max() == 1
    share = changes.any(1).float().mean().item()
    assert abs(share - 0.6) < 6 * math.sqrt(0.6 * 0.4 / 400)
    assert (changes.sum(0) > 0).all(), "every layer is a crossing at times"
    assert not (made()._styles(50)[:, 1:] != made()._styles(50)[:, :-1]).any()


def test_mixing_stays_within_the_layers_in_use() -> None:
    step = made("stylegan", style_mixing=1.0, grow_kimg=1.0, fade_kimg=1.0)
    step.schedule(0.5)
    styles = step._styles(50)
    assert (styles[:, 0] != styles[:, 1]).any(1).all()
    step.schedule(1.5)
    used = step._styles(50)[:, :4]
    assert ((used[:, 1:] != used[:, :-1]).any(2).sum(1) == 1).all()


def test_the_mean_style_is_that_of_the_averaged_network() -> None:
    step = made(ema_kimg=0.01, lr_g=1e-3)
    source = batches()
    for k in range(12):
        step.schedule((k + 1) * 0.004)
        step(source)
    with torch.no_grad():
        mean = step.average.map(torch.randn(4000, 8, generator=torch.Generator().manual_seed(0)))[:, 0]
    error = (step.average.w_avg - mean.mean(0)).norm()
    assert error < 6 * mean.std(0).norm() / math.sqrt(12 * 4)
    assert error < 0.5 * mean.mean(0).norm(), "which zero would not be"
