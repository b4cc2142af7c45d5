"""Turn an evaluation of the library into what is reported and recorded of it, and into its sample grid."""

from dataclasses import asdict
from typing import Any

from ganlib.data.sheet import grid, png
from ganlib.models.sheets import COLUMNS
from ganlib.training.collapse import Signals, Verdict
from ganlib.training.evaluation import Evaluation
from sweep.storage import layout
from sweep.storage.folder import Folder
from sweep.worker.messages import Assignment, Evaluated, Plain

MEASURED = (
    *("kimg", "epoch", "loss_g", "loss_d", "score_real", "score_fake"),
    *("accuracy_real", "accuracy_fake", "pixel_std", "similarity"),
    *("loss_cycle", "loss_identity", "loss_content", "loss_style"),
    *("lr_g", "lr_d", "seconds_train", "seconds_eval"),
)
"""What a row of ``metrics`` takes from an `Evaluation`, beside its score."""


def report_of(
    evaluation: Evaluation,
    assignment: Assignment,
    signals: Signals,
    verdict: Verdict | None,
    rolled_back: bool,
    sample: Plain,
    suspicion: Plain | None,
) -> Evaluated:
    """Make the report of an evaluation.

    Args:
        evaluation: What was measured.
        assignment: Whose it is.
        signals: What the verdict looks at.
        verdict: Why the run is called dead; None for one that lives.
        rolled_back: Whether the run goes on in spite of it.
        sample: The row of ``samples``.
        suspicion: Why the scores are too good to be honest; None where they are not.
    """
    judged = {"verdict": verdict.kind if verdict else None, "rolled_back": rolled_back}
    score = None if verdict else evaluation.score
    return Evaluated(
        trial=assignment.trial,
        attempt=assignment.attempt,
        kimg=evaluation.kimg,
        row=_row_of(evaluation, assignment) | judged,
        sample=sample,
        value=getattr(score, assignment.metric) if score else None,
        verdict=verdict,
        rolled_back=rolled_back,
        last=evaluation.last,
        signals=asdict(signals),
        suspicion=suspicion,
    )


def _row_of(evaluation: Evaluation, assignment: Assignment) -> dict[str, Any]:
    row = {name: getattr(evaluation, name) for name in MEASURED}
    score = asdict(evaluation.score) if evaluation.score else {}
    ids = {"trial": assignment.trial, "attempt": assignment.attempt}
    identity = {"data_hash": assignment.data_hash, "ema": True, "stage": evaluation.stage}
    return row | score | ids | identity


def signals_of(evaluation: Evaluation) -> Signals:
    """Collect what a verdict looks at."""
    names = Signals.__dataclass_fields__.keys() - {"metric"}
    # FID is always positive, so that "five times the best" has a meaning; KID may be zero.
    metric = evaluation.score.fid if evaluation.score else None
    return Signals(metric=metric, **{name: getattr(evaluation, name) for name in names})


def write_sample(
    folder: Folder, evaluation: Evaluation, assignment: Assignment, inputs: str
) -> dict[str, Any]:
    """Write the sample grid into the sweep's folder; returns its row of ``samples``.

    Args:
        folder: Of the sweep.
        evaluation: Has the grid.
        assignment: Whose it is.
        inputs: The name of what the generator was given.
    """
    path, sheet = layout.grid(assignment.trial, evaluation.kimg), evaluation.grid
    folder.write(path, png(grid(sheet.pictures, COLUMNS)))
    return {
        "trial": assignment.trial,
        "attempt": assignment.attempt,
        "kimg": evaluation.kimg,
        "path": path,
        "rows": len(sheet.pictures) // COLUMNS,
        "cols": COLUMNS,
        "latents": inputs,
        "shown": list(sheet.rows) or None,
    }
