"""Sweeps whose trials are trained side by side in one process, and what they leave."""

import json
from pathlib import Path
from typing import Any

from helpers.sweeps.commands import TIMES
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder

SPEC = """
name: packed
data: {source: avatars, count: 64, size: 32}
model: {width: 4, latent_dim: 8}
train: {lr_g: {type: float, low: 1e-4, high: 1e-2, log: true}, lr_d: 1e-3, epochs: 3, batch_size: 16}
evaluate: {every: 1, n_fake: 32, n_real: 32, kid_subsets: 2}
search: {trials: 4, seed: 3}
keep: {stopped: all, finished: all}
"""
PASSING = TIMES | {"written"}
PACKED = ("--set", "resources.packing=on", "--set", "resources.max_concurrent=2")


def rows(folder: Path) -> dict[str, Any]:
    """What is on record, without times and in the order of trials."""

    def plain(row: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in row.items() if key not in PASSING}

    store = Store(open_folder(folder))
    return {
        name: sorted(
            (plain(row) for row in store.rows(name)), key=lambda row: (row["trial"], row.get("kimg") or 0)
        )
        for name in ("metrics", "results", "trials")
    }


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [row for row in Store(open_folder(folder)).rows("events") if row["kind"] == kind]


def weights(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.safetensors"))
    }


def without_packing(found: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(found, default=str))
