"""The averaged generator, the means over steps, and the pictures that come of both."""

import pytest
import torch
from helpers.training.steps import BATCH, LATENT, SIZE, batches, doubled, made, same, trained, weights
from torch import nn

from ganlib.steps.averaging import EMA_RAMP
from ganlib.steps.means import Means

TERMS = ("cycle", "identity", "content", "style")
"""Losses that only translators have."""


def test_the_averages_half_life() -> None:
    step = made(ema_kimg=10.0)
    step.schedule(1000.0)
    assert step.averaging.keep.item() ** (10_000 / BATCH) == pytest.approx(0.5, rel=1e-3)
    step.schedule(20.0)  # early on, a share of what was trained so far
    assert step.averaging.keep.item() ** (EMA_RAMP * 20_000 / BATCH) == pytest.approx(0.5, rel=1e-3)
    made_without = made(ema_kimg=0.0)
    made_without.schedule(20.0)
    assert made_without.averaging.keep.item() == 0


def test_without_memory_the_average_is_the_generator() -> None:
    step = made(ema_kimg=0.0)
    source = batches()
    for number in range(3):
        step.schedule(number * 0.008)
        step(source)
    for part in ("parameters", "buffers"):
        pairs = zip(getattr(step.average, part)(), getattr(step.generator, part)(), strict=True)
        assert all(torch.equal(a, g) for a, g in pairs if a.is_floating_point())


def test_the_average_follows_its_recursion() -> None:
    step, source, keep = doubled(made(lr_g=0.01)), batches(), 0.75  # exact in float32
    step.averaging.keep.fill_(keep)
    expected = {
        name: value.double() for name, value in weights(step.average).items() if value.is_floating_point()
    }
    for _ in range(5):
        step(source)
        for name, value in weights(step.generator).items():
            if name in expected:
                expected[name] = keep * expected[name] + (1 - keep) * value.double()
    average = weights(step.average)
    assert "layers.1.running_var" in expected, "statistics of the batches are averaged as well"
    for name, value in expected.items():
        torch.testing.assert_close(average[name], value, rtol=1e-9, atol=1e-9)
    assert not same(weights(step.generator), average)


def test_the_average_is_evaluated_and_never_trained() -> None:
    step = made()
    assert not step.average.training
    assert not any(p.requires_grad for p in step.average.parameters())
    assert step.generator.training
    assert step.discriminator.training


def test_means_are_means_over_the_steps_since_they_were_read() -> None:
    one_by_one, source, single = made(), batches(), []
    for _ in range(4):
        one_by_one(source)
        single.append(one_by_one.read_means())
    whole = trained(4).read_means()
    for name in vars(Means(0, 0, 0, 0, 0, 0)).keys() - {f"loss_{term}" for term in TERMS}:
        value = getattr(whole, name)
        assert value == pytest.approx(sum(getattr(means, name) for means in single) / 4, rel=1e-6)
    assert one_by_one.read_means() == Means(0, 0, 0, 0, 0, 0), "nothing was trained since"


def test_means_at_the_start_of_training_are_those_of_a_coin() -> None:
    step = trained(1, smoothing=0.5)
    means = step.read_means()
    # Weights of 0.02 give logits near 0: scores near 1/2, losses near multiples of log 2.
    assert means.score_real == pytest.approx(0.5, abs=0.1)
    assert means.score_fake == pytest.approx(0.5, abs=0.1)
    assert means.loss_d == pytest.approx(1.5 * 0.693, abs=0.2)
    assert means.loss_g == pytest.approx(0.693, abs=0.3)


def poison(module: nn.Module) -> None:
    with torch.no_grad():
        next(module.parameters())[0, 0, 0, 0] = float("nan")


def test_a_diverged_generator_shows_in_the_means_and_does_not_crash() -> None:
    step = made()
    poison(step.generator)
    step(batches())
    means = step.read_means()
    assert means.loss_g != means.loss_g
    assert means.score_fake != means.score_fake
    assert not step.sample(torch.zeros(2, LATENT)).any(), "NaN is drawn black"


def test_pictures_come_from_the_average() -> None:
    step = made()
    with torch.no_grad():
        for parameter in step.average.parameters():
            parameter.zero_()
    pictures = step.sample(torch.randn(5, LATENT))
    assert pictures.shape == (5, 3, SIZE, SIZE)
    assert pictures.dtype == torch.uint8
    assert (pictures == 128).all(), "tanh(0) is middle grey"


def test_sampling_changes_nothing() -> None:
    step = trained(2)
    before = step.state()
    step.sample(torch.randn(5, LATENT))
    assert same(before, step.state())
