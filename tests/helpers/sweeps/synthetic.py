"""Sweeps made up from formulas, for tests of everything that reads results."""

import atexit
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from helpers.drawn.drawn_faces import grid_png
from helpers.sweeps.synthetic_trials import (
    BUDGET,
    IDENTITY,
    INTERVAL,
    RUNGS,
    START,
    measured_at,
    params_of,
    result_of,
    rows_of,
    skill_of,
    told_of,
)
from sweep import __version__
from sweep.records import schemas
from sweep.records.catalog import Sweep, open_sweep
from sweep.records.datasets import Store
from sweep.storage import layout
from sweep.storage.opening import open_folder

LONG = time.time() + 86400.0
"""When a driver that is made up was last heard of: it lives as long as the tests."""
KINDS = {"train.loss": "str", "train.lr_g": "float", "train.lr_d": "float", "train.smoothing": "float"}
SPEC = """\
name: {name}
data: {{source: avatars, style: adventurer, count: 3000, size: 32}}
model: {{family: dcgan, variant: simple, latent_dim: 100, width: 32}}
train:
  loss: {{type: categorical, choices: [bce, lsgan, wgan-gp]}}
  lr_g: {{type: float, low: 1.0e-05, high: 0.001, log: true}}
  lr_d: {{type: float, low: 1.0e-05, high: 0.001, log: true}}
  smoothing: {{type: float, low: 0.8, high: 1.0, when: {{train.loss: bce}}}}
  batch_size: 64
  epochs: 40
evaluate: {{extractor: efficientnet_lite0, every: 2, n_fake: 512}}
search: {{sampler: tpe, trials: {trials}, seed: 0, metric: kid}}
asha: {{grace: 4, reduction: 3, max: 40, variant: stop}}
"""


def make_sweep(
    storage: Path,
    trials: int = 12,
    name: str = "faces",
    running: bool = False,
    pictures: bool = True,
    size: int = 32,
    every: float = INTERVAL,
    film: bool = False,
    info: Mapping[str, Any] | None = None,
) -> Sweep:
    """Write a whole sweep; about a sixth of its trials collapse, one fails, ASHA stops most others.

    ``running`` leaves the last trials unfinished, one of them without a row, and this process runs it. ``film`` draws
    the pictures of every evaluation, not only those of each trial's best and last. ``info`` replaces keys of
    ``sweep.json``.
    """
    folder = open_folder(storage) / name
    folder.write("spec.yaml", SPEC.format(name=json.dumps(name), trials=trials).encode())
    folder.write("sweep.json", json.dumps({**_info(name, trials), **(info or {})}).encode())
    store = Store(folder, KINDS)
    if pictures:
        folder.write("images/real.png", grid_png(99, size, quality=1.0))
    for number in range(trials):
        late = running and number >= trials - 2
        rows_of(store, number, trials, late, pictures, size, every, film)
    if running:
        lease = {"owner": "1", "host": socket.gethostname(), "pid": os.getpid(), "beat": LONG}
        folder.write(layout.LEASE, json.dumps(lease).encode())
    store.add("events", {"kind": "skipped_file", "time": START, "detail": {"path": "faces/broken 1.png"}})
    return open_sweep(open_folder(storage), name)


def remeasured(sweep: Sweep, n_fake: int) -> Sweep:
    """Say of every result of a sweep that it was measured on another number of pictures."""
    store = Store(sweep.folder, KINDS)
    for row in store.rows("results"):
        store.replace("results", row["trial"], [row | {"n_fake": n_fake}])
    return sweep


def make_large(storage: Path, trials: int = 1000, evaluations: int = 50, name: str = "large") -> Sweep:
    """A large sweep in which every trial has all its evaluations, without pictures; written in seconds."""
    sweep = make_sweep(storage, trials=0, name=name, pictures=False, info={"trials": trials})
    trials_schema = schemas.SCHEMAS["trials"]
    for path, kind in KINDS.items():
        trials_schema = trials_schema.append(pa.field(f"param.{path}", schemas.KINDS[kind]))
    columns = {**schemas.SCHEMAS, "trials": trials_schema}
    for number in range(trials):
        params = params_of(number)
        skill = skill_of(params)
        kimgs = [BUDGET / evaluations * (step + 1) for step in range(evaluations)]
        verdict = "d_saturated" if number % 12 == 1 else None
        metrics = [measured_at(number, kimg, skill, verdict) for kimg in kimgs]
        best = min(metrics, key=lambda row: row["kid"])
        row = {"trial": number, "attempt": 0, "rung": 2, "seed": number, "verdict": verdict}
        row |= {"status": "collapsed" if verdict else "finished", "kimg": BUDGET, "device": "cpu"}
        row |= {"seconds_train": 570.0, "seconds_eval": 66.0, "started": START, "ended": START}
        result = result_of(best)
        row |= told_of(best, result) | {"params": json.dumps(params)}
        row |= {"config": json.dumps({"train": {"loss": params["train.loss"]}, "model": {"family": "dcgan"}})}
        row |= {f"param.{path}": value for path, value in params.items()}
        for dataset, rows in (("trials", [row]), ("metrics", metrics), ("results", [result])):
            part = Path(sweep.folder.url) / dataset / f"{number:05d}.parquet"
            part.parent.mkdir(exist_ok=True)
            # Not through the store: a thousand flushes to the disk are not what is looked at.
            pq.write_table(pa.Table.from_pylist(rows, schema=columns[dataset]), part, compression="none")
    return sweep


def draw_large(sweep: Sweep, kinds: int, size: int = 64) -> None:
    """Sample grids for every evaluation of `make_large`: a few files that all rows name."""
    for kind in range(kinds):
        sweep.folder.write(f"images/{kind}.png", grid_png(7, size, kind / kinds))
    sweep.folder.write("images/real.png", grid_png(99, size, quality=1.0))
    schema = schemas.SCHEMAS["samples"]
    for part in sorted((Path(sweep.folder.url) / "metrics").glob("*.parquet")):
        rows = [
            {"trial": row["trial"], "attempt": 0, "kimg": row["kimg"], "rows": 8, "cols": 8}
            | {"path": f"images/{(row['trial'] + index) % kinds}.png", "latents": "normal:0"}
            for index, row in enumerate(pq.read_table(part, columns=["trial", "kimg"]).to_pylist())
        ]
        target = Path(sweep.folder.url) / "samples" / part.name
        target.parent.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), target, compression="none")


@lru_cache
def shared_storage() -> Path:
    """A storage folder with the finished sweep ``faces`` and the older, running ``live``; only to be read."""
    storage = Path(tempfile.mkdtemp(prefix="sweeps-"))
    atexit.register(shutil.rmtree, storage, ignore_errors=True)
    make_sweep(storage, trials=12, name="faces")
    older = (START - timedelta(days=1)).isoformat()
    make_sweep(storage, trials=4, name="live", running=True, pictures=False, info={"created": older})
    return storage


def _info(name: str, trials: int) -> dict[str, Any]:
    return {
        "name": name,
        "created": START.isoformat(),
        "images": 3000,
        "data_hash": IDENTITY["data_hash"],
        "attribution": "Adventurer by Lisa Wischofsky, CC BY 4.0 (dicebear.com)",
        "extractor": IDENTITY["extractor"],
        "extractor_digest": IDENTITY["extractor_digest"],
        "rungs": list(RUNGS),
        "budget": BUDGET,
        "interval": INTERVAL,
        "trials": trials,
        "metric": "kid",
        "versions": {"sweep": __version__, "torch": "2.11.0", "ray": "2.60.0", "optuna": "5.0.0"},
        "device": "cpu",
        "schema": 1,
    }
