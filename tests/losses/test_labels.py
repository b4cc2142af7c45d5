"""Labels that are smoothed, soft or noisy: each by an effect that can be computed."""

import math
from typing import Any

import pytest
import torch
from helpers.training.tricks import CPU, made, seeded, uniform

from ganlib.config import TrainConfig
from ganlib.losses import Labels
from ganlib.losses.labels import Labeller

SHAPE = torch.Size([8192])


def drawn(**train: Any) -> Labels:
    """Four batches of 8,192 labels."""
    config = TrainConfig(batch_size=8192, **train)
    labeller = Labeller(config, torch.tensor(1.0), seeded(), CPU)
    several = [labeller.draw(SHAPE, SHAPE) for _ in range(4)]
    real, fake = (torch.cat([getattr(one, name) for one in several]) for name in ("real", "fake"))
    return Labels(real, fake, several[0].smoothing)


def test_plain_and_fuzzy_labels_are_constants_and_draw_nothing() -> None:
    random = seeded()
    before = random.get_state()
    labels = Labeller(TrainConfig(label_real=0.9, label_fake=0.1), torch.tensor(0.8), random, CPU).draw(
        SHAPE, SHAPE
    )
    assert [round(x.item(), 6) for x in (labels.real, labels.fake, labels.smoothing)] == [0.9, 0.1, 0.8]
    assert torch.equal(random.get_state(), before)


def test_soft_labels_are_uniform_around_theirs() -> None:
    labels = drawn(label_real=0.9, label_fake=0.1, soft_labels=0.2)
    for label, centre in ((labels.real, 0.9), (labels.fake, 0.1)):
        assert centre - 0.2 <= label.min() < centre - 0.19
        assert centre + 0.19 < label.max() <= centre + 0.2
        assert label.std().item() == pytest.approx(0.4 / math.sqrt(12), rel=0.02)
    assert abs(torch.corrcoef(torch.stack([labels.real, labels.fake]))[0, 1].item()) < 0.03


def test_noisy_labels_are_swapped_in_this_share() -> None:
    labels = drawn(label_flip_p=0.3)
    # Five standard errors of a share of 32,768.
    assert (labels.real == 0).float().mean().item() == pytest.approx(0.3, abs=0.013)
    assert (labels.fake == 1).float().mean().item() == pytest.approx(0.3, abs=0.013)
    assert set(labels.real.tolist()) == set(labels.fake.tolist()) == {0.0, 1.0}


def test_with_every_label_a_coin_the_discriminator_learns_nothing_on_average() -> None:
    """The best answer to labels flipped with p = 1/2 is 1/2 for all: its loss at logit 0 has gradient mean 0."""
    labels = drawn(label_flip_p=0.5)
    logits = torch.zeros(len(labels.real), requires_grad=True)
    step = made()
    step.loss.discriminator(logits, logits, labels).backward()
    assert abs(logits.grad.sum().item()) < 0.02


def test_the_generators_label_is_never_noisy() -> None:
    noisy, plain = made(label_flip_p=0.5, soft_labels=0.3), made()
    out = uniform(8)
    assert noisy.loss.generator(out, lambda: out) == plain.loss.generator(out, lambda: out)
