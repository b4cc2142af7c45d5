"""Turn an evaluation of the library into the rows that are recorded of it, and into its sample grid."""

from dataclasses import asdict
from typing import Any

from ganlib.data.sheet import grid, png
from ganlib.models.latents import LATENT_SEED
from ganlib.training.collapse import Signals
from ganlib.training.evaluation import Evaluation
from sweep.storage import layout
from sweep.storage.folder import Folder
from sweep.worker.messages import Assignment

GRID_COLUMNS = 8
MEASURED = (
    *("kimg", "epoch", "loss_g", "loss_d", "score_real", "score_fake"),
    *("accuracy_real", "accuracy_fake", "pixel_std", "similarity"),
    *("lr_g", "lr_d", "seconds_train", "seconds_eval"),
)
"""What a row of ``metrics`` takes from an `Evaluation`, beside its score."""


def row_of(evaluation: Evaluation, assignment: Assignment) -> dict[str, Any]:
    """Make the row of ``metrics``, without its verdict."""
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


def write_sample(folder: Folder, evaluation: Evaluation, assignment: Assignment) -> dict[str, Any]:
    """Write the sample grid into the sweep's folder; returns its row of ``samples``."""
    path = layout.grid(assignment.trial, evaluation.kimg)
    folder.write(path, png(grid(evaluation.grid, GRID_COLUMNS)))
    return {
        "trial": assignment.trial,
        "attempt": assignment.attempt,
        "kimg": evaluation.kimg,
        "path": path,
        "rows": len(evaluation.grid) // GRID_COLUMNS,
        "cols": GRID_COLUMNS,
        "latents": f"normal:{LATENT_SEED}",
    }
