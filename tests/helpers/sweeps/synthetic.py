"""Sweeps made up from formulas, for tests of everything that reads results."""

import atexit
import json
import math
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from helpers.drawn.drawn_faces import grid_png
from sweep import __version__
from sweep.records import schemas
from sweep.records.catalog import Sweep, open_sweep
from sweep.records.datasets import Store
from sweep.records.snapshots import Seen, still_improving
from sweep.storage import layout
from sweep.storage.opening import open_folder

RUNGS = (12.0, 36.0, 108.0)
BUDGET = 120.0
INTERVAL = 6.0
LONG = time.time() + 86400.0
"""When a driver that is made up was last heard of: it lives as long as the tests."""
LUCK = 0.002
"""By how much a trial's best evaluation is better than its result."""
START = datetime(2025, 3, 1, 9, 0, tzinfo=UTC)
IDENTITY = {
    "n_real": 3000,
    "n_fake": 512,
    "extractor": "efficientnet_lite0@64",
    "extractor_digest": "0f1e2d3c4b5a",
    "data_hash": "a1b2c3d4e5f60718",
}
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
        _trial(store, number, trials, late, pictures, size, every, film)
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
        params = _params(number)
        skill = _skill(params)
        kimgs = [BUDGET / evaluations * (step + 1) for step in range(evaluations)]
        verdict = "d_saturated" if number % 12 == 1 else None
        metrics = [_measured(number, kimg, skill, verdict) for kimg in kimgs]
        best = min(metrics, key=lambda row: row["kid"])
        row = {"trial": number, "attempt": 0, "rung": 2, "seed": number, "verdict": verdict}
        row |= {"status": "collapsed" if verdict else "finished", "kimg": BUDGET, "device": "cpu"}
        row |= {"seconds_train": 570.0, "seconds_eval": 66.0, "started": START, "ended": START}
        result = _result(best)
        row |= _told_of(best, result) | {"params": json.dumps(params)}
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


def _params(number: int) -> dict[str, Any]:
    rng = np.random.default_rng(number)
    loss = ["bce", "lsgan", "wgan-gp"][number % 3]
    params = {
        "train.loss": loss,
        "train.lr_g": 10 ** rng.uniform(-5, -3),
        "train.lr_d": 10 ** rng.uniform(-5, -3),
    }
    if loss == "bce":
        params["train.smoothing"] = rng.uniform(0.8, 1.0)
    return params


def _skill(params: Mapping[str, Any]) -> float:
    """How well a configuration learns, from 0 to 1: best near lr 2e-4 for both networks."""
    misses = sum((math.log10(params[f"train.lr_{net}"]) + 3.7) ** 2 for net in "gd")
    return math.exp(-misses / 1.2)


def _trial(
    store: Store, number: int, trials: int, late: bool, pictures: bool, size: int, every: float, film: bool
) -> None:
    params = _params(number)
    skill = _skill(params)
    verdict = {5: "low_diversity", 1: "d_saturated", 9: "non_finite"}.get(number % 12) if trials > 4 else None
    failed = number == 4 and trials > 4
    verdict = None if late else verdict
    end, status, rung = BUDGET, "finished", len(RUNGS) - 1
    if verdict:
        end, status, rung = 5 * every, "collapsed", 0
    elif failed:
        end, status, rung = 2 * every, "failed", 0
    elif late:
        end, status, rung = (0.0, "running", None) if number == trials - 1 else (7 * every, "running", 0)
    elif skill < 0.75 and trials > 1:
        rung = 0 if skill < 0.45 else 1
        end, status = RUNGS[rung], "stopped"
    row = {"trial": number, "attempt": 0, "status": status, "rung": rung, "verdict": verdict, "seed": number}
    row |= {f"param.{path}": value for path, value in params.items()} | {"params": json.dumps(params)}
    row |= {"config": {"train": params}, "kimg": end, "seconds_train": end * 9.5, "seconds_eval": end * 1.1}
    row |= {"started": START + timedelta(minutes=4 * number), "device": "cpu", "node": "node-1"}
    if status != "running":
        row["ended"] = row["started"] + timedelta(seconds=end * 10.6)
    if failed:
        row["failure"] = "the worker died twice\nWorkError: out of memory at batch 128"
    kimgs = [every * step for step in range(1, int(end / every + 1e-9) + 1)]
    rows = [_measured(number, kimg, skill, verdict) for kimg in (kimgs[:-1] if verdict else kimgs)]
    best = min(rows, key=lambda row: row["kid"], default=None)
    if best:
        result = None if status == "running" else _result(best)
        row |= _told_of(best, result)
        if result:
            store.replace("results", number, [result])
    seen = [one for measured in rows if (one := Seen.of({"verdict": None, **measured}, "kid"))]
    row["still_improving"] = status == "finished" and still_improving(seen, end)
    store.put_trial(row)
    for kimg in kimgs:
        _evaluation(store, number, kimg, skill, verdict, dead=verdict is not None and kimg == kimgs[-1])
        if pictures:
            quality = 0.0 if verdict else skill * (1 - math.exp(-kimg / 30))
            path = f"images/{number:05d}/{kimg:.3f}.png"
            if film or kimg in (kimgs[-1], best and best["kimg"]):  # the ones that readers look at
                store.folder.write(path, grid_png(7, size, quality, same=verdict == "low_diversity"))
                at = {"trial": number, "attempt": 0, "kimg": kimg, "path": path, "rows": 8, "cols": 8}
                store.add("samples", at | {"latents": "normal:0"})
    for index, at in enumerate(RUNGS):
        if end >= at:
            value = _kid(number, at, skill)
            stopped = status == "stopped" and index == rung
            at_rung = {
                "trial": number,
                "attempt": 0,
                "rung": index,
                "rung_kimg": at,
                "kimg": at,
                "value": value,
            }
            store.add("rungs", at_rung | {"cutoff": 0.08 / (index + 1), "stopped": stopped})
    if verdict:
        numbers = {"similarity": 0.97, "loss_g": math.nan}
        detail = {"kind": verdict, "kimg": end, "step": int(end * 1000 / 64), "numbers": numbers}
        detail["reason"] = "pictures look alike: 97 % of the way to identical, limit 85 %"
        store.add(
            "events", {"kind": "collapse", "trial": number, "attempt": 0, "kimg": end, "detail": detail}
        )


def _kid(number: int, kimg: float, skill: float) -> float:
    noise = np.random.default_rng([number, int(kimg * 1000)]).normal(0, 0.003)
    return float(0.012 + 0.05 * (1 - skill) + 0.22 * math.exp(-kimg / (10 + 40 * (1 - skill))) + noise)


def _evaluation(
    store: Store, number: int, kimg: float, skill: float, verdict: str | None, dead: bool
) -> None:
    row = _measured(number, kimg, skill, verdict)
    if dead and verdict == "non_finite":
        row |= {"kid": math.nan, "kid_se": math.nan, "fid": math.nan, "loss_g": math.nan}
    store.add("metrics", row)


def _measured(number: int, kimg: float, skill: float, verdict: str | None) -> dict[str, Any]:
    kid = _kid(number, kimg, skill) + (0.25 * kimg / 30 if verdict else 0.0)
    wave = math.sin(number + kimg / 7)
    row = {"trial": number, "attempt": 0, "kimg": kimg, "epoch": kimg / 3, **IDENTITY}
    row |= {"kid": kid, "kid_se": 0.03 * kid + 0.001, "fid": 60 + 900 * kid + 4 * wave}
    row |= {"loss_g": 1.2 + 0.4 * wave + kimg / 200, "loss_d": 1.1 - 0.2 * wave - kimg / 400}
    row |= {"score_real": 0.65 + 0.05 * wave, "score_fake": 0.35 - 0.05 * wave}
    row |= {"pixel_std": 0.2, "similarity": 0.3, "lr_g": 2e-4, "lr_d": 2e-4}
    return row | {"seconds_train": 57.0, "seconds_eval": 6.6}


def _result(best: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a trial: its best evaluation was chosen for being low, and is a little worse on other latents."""
    row = {name: best[name] for name in ("trial", "attempt", "kimg", "kid_se", *IDENTITY)}
    row |= {
        "kid": best["kid"] + LUCK,
        "fid": best["fid"] + 900 * LUCK,
        "ema": True,
        "latents": "normal:20261126",
    }
    return row | {"seen": best["kid"], "seen_n_fake": best["n_fake"], "seconds": 3.5}


def _told_of(best: Mapping[str, Any], result: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a row of ``trials`` says of the best evaluation and of the result."""
    told = {"best_value": best["kid"], "best_kimg": best["kimg"], "best_n_fake": best["n_fake"]}
    if result:
        told |= {"result": result["kid"], "result_se": result["kid_se"], "result_kimg": result["kimg"]}
    return told
