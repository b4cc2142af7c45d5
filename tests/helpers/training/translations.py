"""Translations whose scores are known, and what they are of."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganlib.config import EvaluateConfig
from ganlib.metrics import (
    Evaluator,
    Pairs,
    TranslationEvaluator,
)
from ganlib.models.inputs import Pictures

SIZE, PHOTOS, DRAWINGS = 16, 70, 90
CONFIG = EvaluateConfig(n_fake=40, n_real=50, batch_size=16, kid_subsets=20, kid_subset_size=10)
Change = Callable[[Tensor], Tensor]


def smooth(n: int, seed: int, low: tuple[int, int, int], high: tuple[int, int, int]) -> np.ndarray:
    """Pictures of smooth colours between two: uint8 (n, 16, 16, 3)."""
    corners = torch.from_numpy(np.random.default_rng(seed).uniform(low, high, (n, 4, 4, 3))).permute(
        0, 3, 1, 2
    )
    pictures = F.interpolate(corners, SIZE, mode="bicubic").clamp(0, 255).round().to(torch.uint8)
    return pictures.permute(0, 2, 3, 1).contiguous().numpy()


def photographs() -> np.ndarray:
    return smooth(PHOTOS, 0, (20, 20, 20), (200, 180, 160))


def drawings() -> np.ndarray:
    return smooth(DRAWINGS, 1, (90, 120, 60), (255, 255, 160))


class Translation:
    """Changes pictures one by one; asked as a translator is."""

    def __init__(self, forth: Change, back: Change | None = None, of: np.ndarray | None = None) -> None:
        self.forth, self.undo, self.asked = forth, back, []
        self.inputs, self.others = Pictures(photographs() if of is None else of), Pictures(drawings())
        self.made = 0

    def __call__(self, count: int) -> Tensor:
        self.asked.append(count)
        assert not torch.is_grad_enabled()
        self.made += count
        return self.forth(self.inputs.levels(count, start=self.made - count))

    def pairs(self, count: int) -> Pairs:
        self.asked.append(f"pairs of {count}")
        photos = self.inputs.levels(count)
        drawn = self.forth(photos)
        return Pairs(photos, drawn, self.undo(drawn) if self.undo else None)

    def back(self) -> Callable[[int], Tensor] | None:
        if self.undo is None:
            return None
        made = 0

        def generate(count: int) -> Tensor:
            nonlocal made
            made += count
            assert self.undo is not None
            return self.undo(self.others.levels(count, start=made - count))

        return generate


def evaluator(config: EvaluateConfig = CONFIG, cache: Path | None = None) -> TranslationEvaluator:
    a, b = photographs(), drawings()
    return TranslationEvaluator(
        Evaluator(b, "drawings", config, cache=cache),
        Evaluator(a, "photos", config, cache=cache),
        Pictures(a),
    )


def identity(pictures: Tensor) -> Tensor:
    return pictures


def negative(pictures: Tensor) -> Tensor:
    return 255 - pictures


def tinted(pictures: Tensor) -> Tensor:
    return (pictures.short() + torch.tensor([30, 0, -15])[:, None, None]).clamp(0, 255).to(torch.uint8)


def one_grey(pictures: Tensor) -> Tensor:
    return torch.full_like(pictures, 128)
