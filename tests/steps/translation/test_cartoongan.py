"""Steps of CartoonGAN: what is fake, what the generator learns from first, and what is off."""

from typing import Any

import pytest
import torch
from helpers.training.translators import (
    BATCH,
    CPU,
    SIZE,
    batch,
    floats,
    made,
    pictures,
    stream,
)
from torch import Tensor

from ganlib.losses.reconstruction import colour_distance, landmark_distance, landmark_weights
from ganlib.steps import translation
from ganlib.steps.stream import DomainStream
from ganlib.steps.translation import CartoonStep


def test_generated_and_blurred_drawings_are_both_fake() -> None:
    step, one = made(CartoonStep), batch()
    drawings, photos, edges = map(floats, (one.drawings, one.photos, one.edges))
    translated = step._translated(drawings, photos)
    with torch.no_grad():
        fakes = torch.cat([translated[0], edges])
        wanted = ((step.discriminator(drawings) - 1) ** 2).mean() / 2
        wanted = wanted + (step.discriminator(fakes) ** 2).mean() / 2
    found, real_out, fake_out = step._discriminators_half(drawings, photos, one, translated, 0)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert len(fake_out) == 2 * len(real_out)


def test_at_first_the_generator_learns_from_content_alone() -> None:
    step = made(CartoonStep, pretrain=1.0)
    source = stream()
    before = [value.clone() for value in step.discriminator.parameters()]
    step.schedule(0.1, epoch=0.5)
    assert step.pretraining
    step(source)
    assert all(torch.equal(a, b) for a, b in zip(before, step.discriminator.parameters(), strict=True))
    assert step.read_means().loss_content > 0
    step.schedule(0.1, epoch=1.0)
    assert not step.pretraining
    step(source)
    assert not all(torch.equal(a, b) for a, b in zip(before, step.discriminator.parameters(), strict=True))


def test_without_weight_on_content_there_is_nothing_to_learn_first() -> None:
    step = made(CartoonStep, pretrain=1.0, content_weight=0.0)
    step.schedule(0.1, epoch=0.0)
    assert not step.pretraining
    assert step._content is None, "no network is loaded that nobody asks"


def test_terms_that_are_off_cost_nothing_and_those_that_are_on_are_added() -> None:
    one = batch()
    a, b = floats(one.photos), floats(one.drawings)

    def gradient(**train: Any) -> Tensor:
        step = made(CartoonStep, **{"content_weight": 0.0, "adversarial_weight": 0.0, **train})
        step.landmarks = torch.full((7, 2, 2), 0.5)
        step._generators_half(b, a, step._points(one.rows, None), step._translated(b, a))
        return torch.cat([w.grad.flatten() for w in step.generator.parameters()])

    def expected(loss: Any) -> Tensor:
        step = made(CartoonStep, content_weight=0.0)
        loss(step, step.generator(a)).backward()
        return torch.cat([w.grad.flatten() for w in step.generator.parameters()])

    found = gradient(colour_weight=2.0)
    torch.testing.assert_close(found, expected(lambda step, drawn: 2 * colour_distance(a, drawn)))
    found = gradient(landmark_weight=3.0, landmark_sigma=0.1)
    weights = landmark_weights(torch.full((BATCH, 2, 2), 0.5), SIZE, 0.1)
    torch.testing.assert_close(found, expected(lambda step, drawn: 3 * landmark_distance(a, drawn, weights)))
    assert not gradient().any()
    assert gradient(grey_weight=1.0).any()
    assert gradient(style_weight=1.0).any()
    assert gradient(content_weight=1.0).any()


MOVES: dict[str, tuple[dict[str, Any], set[bool]]] = {
    "nothing": ({}, {False}),
    "every flip": ({"augment_p": 1.0, "augment": ["flip"]}, {True}),
    "some flips, and all else": (
        {
            **{"augment_p": 0.5, "augment": ["flip", "color", "flash"], "equalize_p": 0.5},
            **{"diffaugment": ["color", "translation", "cutout"], "ada_target": 0.6, "instance_noise": 0.1},
        },
        {False, True},
    ),
    "colours alone": ({"augment_p": 0.5, "augment": ["color"]}, {False}),
}
"""Keys of ``train``, and whether photographs are mirrored."""


@pytest.mark.parametrize(("train", "mirrored"), MOVES.values(), ids=MOVES)
def test_landmarks_stay_where_they_are_in_the_photographs(
    train: dict[str, Any], mirrored: set[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever moves a photograph before a drawing is made of it moves its points along, missing ones too."""
    count = 12
    photos = torch.zeros(count, SIZE, SIZE, 3, dtype=torch.uint8)
    rows, columns = torch.arange(count) + 3, (torch.arange(count) * 2 + 1) % 13
    photos[torch.arange(count), rows, columns] = 255
    points = torch.full((count, 2, 2), torch.nan)
    points[:, 0] = (torch.stack([columns, rows], 1) + 0.5) / SIZE
    found = []

    def spy(photos: Tensor, made: Tensor, weights: Tensor) -> Tensor:
        found.append(
            (photos.mean(1).flatten(1).argmax(1), weights.flatten(1).argmax(1), weights.flatten(1).amax(1))
        )
        return landmark_distance(photos, made, weights)

    monkeypatch.setattr(translation, "landmark_distance", spy)
    step = made(CartoonStep, landmark_weight=1.0, content_weight=0.0, **train)
    step.landmarks = points
    source = DomainStream(pictures(0, 9), photos, pictures(2, 9), BATCH, 0, CPU)
    for _ in range(8):
        step(source)
    seen, weighed, most = (torch.cat(each) for each in zip(*found, strict=True))
    assert torch.equal(seen, weighed)
    assert most.min() > 0.99
    assert {*(seen % SIZE > SIZE // 2).tolist()} == mirrored
