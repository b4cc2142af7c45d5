"""Grey pictures are changed as RGB ones of three equal channels are."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ganlib.augment import ada, diffaugment, equalize, real


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def adaptive(pictures: Tensor) -> Tensor:
    changes = ada.AdaptiveAugment(0.6, 500, generator())
    changes.p.fill_(1)
    made: Tensor = changes._recolour(pictures)
    return made


WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "flip, color and flash": lambda x: real.augment(
        x, torch.tensor(0.8), generator(), ("flip", "color", "flash")
    ),
    "ada": adaptive,
    "equalize": lambda x: equalize.equalize(((x + 1) * 127).to(torch.uint8)).float(),
    "diffaugment": lambda x: diffaugment.diffaugment(x, ("color", "translation", "cutout"), generator()),
}


@pytest.mark.parametrize("way", WAYS)
def test_as_three_equal_channels(way: str) -> None:
    grey = torch.rand((6, 1, 16, 16), generator=generator()) * 2 - 1
    made = WAYS[way](grey)
    wide = WAYS[way](grey.expand(-1, 3, -1, -1).contiguous())
    assert made.shape == grey.shape
    torch.testing.assert_close(made.expand(-1, 3, -1, -1), wide, atol=1e-5, rtol=0)
    assert not torch.equal(made, grey)
