"""The numbers of one evaluation of a run."""

from dataclasses import dataclass

import numpy as np

from ganlib.metrics import Baseline, Extremes, Score, TranslationScore
from ganlib.metrics.score import variety
from ganlib.models.sheets import Sheet
from ganlib.steps.means import Means


@dataclass(frozen=True, kw_only=True)
class Evaluation(Means):
    """One point of a run: what was measured at ``kimg`` thousand real images, with the means since the last point.

    ``score`` is None where the generator no longer makes finite pictures. ``stage`` is that of the ladder on which it
    was measured (see `ganlib.training.ladder`): only scores of one stage compare. ``made`` holds pictures of 64 inputs
    that are fixed for all evaluations of all trials, uint8 ``(64, size, size, c)``; ``grid`` is the sample grid, which
    shows them, or of a translator a sheet of both domains. Seconds are of this interval.
    """

    kimg: float
    epoch: float
    step: int
    probabilities: bool
    lr_g: float
    lr_d: float
    pixel_std: float
    similarity: float
    real: Extremes
    score: Score | None
    stage: int
    seconds_train: float
    seconds_eval: float
    made: np.ndarray
    grid: Sheet
    last: bool
    """Whether the budget is spent."""
    baseline: Baseline | None = None
    """What photographs score as they are, on as many as ``score``; only of translators."""
    begun: int = 0
    """The step at which its networks began: more than 0 after a rollback to fresh ones."""
    pretraining: bool = False
    """Whether the generator was still learning from its content loss alone, so that it is meant to change nothing."""

    @property
    def change(self) -> float | None:
        """`TranslationScore.change`; None for families that do not translate."""
        return self.score.change if isinstance(self.score, TranslationScore) else None

    @property
    def luminance(self) -> float | None:
        """`TranslationScore.luminance`; None for families that do not translate."""
        return self.score.luminance if isinstance(self.score, TranslationScore) else None

    @property
    def kid(self) -> float | None:
        """KID of the generated pictures; None where there is no score."""
        return self.score.kid if self.score else None

    @property
    def baseline_kid(self) -> float | None:
        """KID of the photographs as they are; None for families that do not translate."""
        return self.baseline.kid if self.baseline else None

    @property
    def baseline_kid_se(self) -> float | None:
        """Standard error of `baseline_kid`."""
        return self.baseline.kid_se if self.baseline else None

    @property
    def baseline_luminance(self) -> float | None:
        """`Baseline.luminance`, that of photographs and drawings which have nothing to do with each other."""
        return self.baseline.luminance if self.baseline else None

    @property
    def variety(self) -> float | None:
        """`ganlib.metrics.score.variety`, against the least varied of several draws of real pictures."""
        return variety(self.score.vendi, self.real.vendi) if self.score else None

    @property
    def real_pixel_std(self) -> float:
        """`pixel_std` of the flattest of several draws of real pictures."""
        return self.real.pixel_std

    @property
    def real_similarity(self) -> float:
        """`similarity` of the most alike of several draws of real pictures."""
        return self.real.similarity

    @property
    def real_metric(self) -> float:
        """FID of the farthest of several draws of real pictures."""
        return self.real.fid
