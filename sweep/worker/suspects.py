"""Suspect scores that are better than those of real pictures: show what was measured, and what is nearest to it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from ganlib.data.sheet import grid, png
from ganlib.metrics import Evaluator, TranslationEvaluator
from ganlib.models.sheets import COLUMNS
from ganlib.training.evaluation import Evaluation
from sweep.storage import layout
from sweep.storage.folder import Folder
from sweep.worker.messages import Assignment


@dataclass(frozen=True)
class Suspects:
    """What scores of a trial are compared with.

    Attributes:
        folder: Of the sweep.
        assignment: Has the floor: what held-out real pictures score.
        evaluator: Finds the nearest real pictures.
        pictures: The real ones, ``(n, size, size, c)`` uint8.
    """

    folder: Folder
    assignment: Assignment
    evaluator: Evaluator | TranslationEvaluator
    pictures: np.ndarray

    def __call__(
        self, score: Mapping[str, Any], kimg: float, some: Callable[[], np.ndarray]
    ) -> dict[str, Any] | None:
        """Say why a score is below that of real pictures, and show the nearest real ones; None where it is not.

        Args:
            score: ``n_fake``, and the metrics with their standard errors by their names.
            kimg: When it was measured.
            some: Gives some of the pictures that were measured, ``(k, size, size, c)`` uint8.
        """
        floor = next((floor for floor in self.assignment.floor if floor.n_fake == score["n_fake"]), None)
        reason = floor.beaten_by(score) if floor else None
        if reason is None:
            return None
        made = some()
        nearest = self.evaluator.nearest_real(torch.from_numpy(made).permute(0, 3, 1, 2))
        real = self.pictures[nearest.indices[:, 0].numpy()]
        path = layout.nearest(self.assignment.trial, kimg)
        self.folder.write(path, png(grid(np.concatenate([made, real]), COLUMNS)))
        return {"reason": reason, "path": path, "distances": nearest.distances[:, 0].tolist()}

    def of(self, evaluation: Evaluation) -> dict[str, Any] | None:
        """Suspect the score of an evaluation; None also where it has none."""
        if evaluation.score is None:
            return None
        return self(asdict(evaluation.score), evaluation.kimg, lambda: evaluation.made[:COLUMNS])
