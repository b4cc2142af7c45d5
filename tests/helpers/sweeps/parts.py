"""Datasets of many parts."""

import os
import time
from pathlib import Path

import pyarrow as pa
import pytest

from sweep.records import datasets
from sweep.records.datasets import Store
from sweep.records.parts.sealed import Choice
from sweep.storage.folder import Folder
from sweep.storage.local import LocalFolder


def fill(store: Store, trials: int, evaluations: int = 2, kid: float = 0.5) -> None:
    for trial in range(trials):
        store.put_trial({"trial": trial, "attempt": 0, "status": "finished"})
        for step in range(evaluations):
            store.add("metrics", {"trial": trial, "attempt": 0, "kimg": step + 1.0, "kid": kid})


def settle(folder: LocalFolder) -> None:
    """Make every part look as if it had been written a minute ago."""
    then = time.time_ns() - 60 * 10**9
    for path in Path(folder.url).rglob("*.parquet"):
        os.utime(path, ns=(then, then))


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the parts that are read from now on."""
    names: list[str] = []
    real = datasets.read_part

    def read_part(folder: Folder, dataset: str, path: str, choice: Choice = list) -> pa.Table:
        names.append(path)
        return real(folder, dataset, path, choice)

    monkeypatch.setattr(datasets, "read_part", read_part)
    return names
