"""Changes of real pictures before training: equalisation and the policies of augmentation."""

import pytest
import torch
from helpers.training.tricks import seeded, uniform
from torchvision.transforms.v2.functional import equalize as torchvisions

from ganlib.augment.equalize import equalize, random_equalize
from ganlib.augment.real import FLASH, augment


def test_equalize_is_torchvisions() -> None:
    random = seeded()
    noise = torch.randint(0, 256, (4, 3, 28, 28), generator=random, dtype=torch.uint8)
    dark = (noise // 9).to(torch.uint8)
    flat = torch.full((2, 3, 28, 28), 77, dtype=torch.uint8)
    stripes = torch.zeros(1, 3, 28, 28, dtype=torch.uint8)
    stripes[..., ::3] = 200
    for pictures in (noise, dark, flat, stripes):
        assert torch.equal(equalize(pictures), torchvisions(pictures))


def test_equalize_spreads_a_dark_picture_over_the_range() -> None:
    dark = torch.arange(64, dtype=torch.uint8).repeat(12 * 3 * 16).view(1, 3, 96, 128)
    assert equalize(dark).amax() == 255
    assert equalize(dark).unique().diff().max() <= 5


def test_random_equalize_changes_this_share_and_leaves_the_rest() -> None:
    pictures = torch.arange(100, dtype=torch.uint8).repeat(400, 3, 9, 1)
    out = random_equalize(pictures, torch.tensor(0.25), seeded())
    changed = (out != pictures).flatten(1).any(1)
    assert changed.float().mean().item() == pytest.approx(0.25, abs=0.11)
    assert torch.equal(out[changed], equalize(pictures)[changed])


@pytest.mark.usefixtures("doubles")
def test_each_policy_of_augmentation_does_its_own() -> None:
    pictures, always = uniform(64, 3, 8, 8) * 0.5, torch.tensor(1.0)
    assert torch.equal(augment(pictures, always, seeded(), ["flip"]), pictures.flip(3))
    flashed = augment(pictures, always, seeded(), ["flash"])
    gain = ((flashed + 1) / (pictures + 1)).flatten(1)
    inside = (flashed < 1).flatten(1)
    for one, keep in zip(gain, inside, strict=True):
        assert one[keep].std() < 1e-9, "one gain for a whole picture"
        assert 1 <= one[keep].mean() <= 1 + FLASH
    coloured = augment(pictures, always, seeded(), ["color"])
    assert not torch.equal(coloured, pictures)
    assert not torch.equal(coloured, augment(pictures, always, seeded(), ["flip", "color"]))
    nothing = torch.tensor(0.0)
    assert torch.equal(augment(pictures, nothing, seeded(), ["flip", "color", "flash"]), pictures)
