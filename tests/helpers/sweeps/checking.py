"""A small sweep that is checked."""

from pathlib import Path
from typing import Any

from click.testing import Result

from helpers.sweeps.commands import RATE, run, small
from sweep.records.datasets import Store
from sweep.records.schemas import SCHEMAS
from sweep.storage.opening import open_folder

SPEC = small(
    train={"lr_d": RATE},
    collapse={"enabled": False},
    search={"trials": 5},
    asha={"grace": 1, "reduction": 2, "max": 3},
)


def check(folder: Path, *options: str) -> Result:
    return run("check", "small", "--storage", folder.parent, *options)


def everything(folder: Path) -> dict[str, list[dict[str, Any]]]:
    store = Store(open_folder(folder))
    return {dataset: store.rows(dataset) for dataset in SCHEMAS}


def trial_with(folder: Path, status: str) -> int:
    return next(row["trial"] for row in Store(open_folder(folder)).rows("trials") if row["status"] == status)
