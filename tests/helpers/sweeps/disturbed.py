"""A sweep that is disturbed, and its records beside those of one that was left alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from helpers.programs.sweep_process import Results, SweepProcess
from helpers.sweeps.commands import RATE, TIMES, small
from sweep.cli import cli
from sweep.records.datasets import Store
from sweep.records.schemas import SCHEMAS

SPEC = small(
    data={"count": 32},
    train={"lr_d": RATE, "augment_p": 0.3, "batch_size": 8},
    evaluate={"n_real": 16, "n_fake": 16, "kid_subsets": 5, "kid_subset_size": 8},
    collapse={"flat_std": 0.0, "similarity": 1.0},
    search={"trials": 6},
    asha={"grace": 2, "reduction": 2, "max": 4},
)
PASSING = TIMES | {"attempt", "failures"}
"""Columns that tell of the way, not of the result."""
Start = Callable[..., SweepProcess]


def records(storage: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of a sweep but its events, without what depends on the time."""
    store = Store(Results(storage, "small").folder)
    return {
        dataset: [{k: v for k, v in row.items() if k not in PASSING} for row in store.rows(dataset)]
        for dataset in SCHEMAS
        if dataset != "events"
    }


def check(storage: Path, *options: str) -> str:
    """`sweep check`, which must find nothing."""
    result = CliRunner().invoke(cli, ["check", "small", "--storage", str(storage), *options])
    assert result.exit_code == 0, result.output
    return result.output
