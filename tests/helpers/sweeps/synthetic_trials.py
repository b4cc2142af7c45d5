"""Made-up trials: learning curves of their parameters, and all rows that a driver would write of them."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from helpers.drawn.drawn_faces import grid_png
from sweep.records.datasets import Store
from sweep.records.snapshots import Seen, still_improving

RUNGS = (12.0, 36.0, 108.0)
BUDGET = 120.0
INTERVAL = 6.0
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


def params_of(number: int) -> dict[str, Any]:
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


def skill_of(params: Mapping[str, Any]) -> float:
    """How well a configuration learns, from 0 to 1: best near lr 2e-4 for both networks."""
    misses = sum((math.log10(params[f"train.lr_{net}"]) + 3.7) ** 2 for net in "gd")
    return math.exp(-misses / 1.2)


def rows_of(
    store: Store, number: int, trials: int, late: bool, pictures: bool, size: int, every: float, film: bool
) -> None:
    params = params_of(number)
    skill = skill_of(params)
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
    rows = [measured_at(number, kimg, skill, verdict) for kimg in (kimgs[:-1] if verdict else kimgs)]
    best = min(rows, key=lambda row: row["kid"], default=None)
    if best:
        result = None if status == "running" else result_of(best)
        row |= told_of(best, result)
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
    row = measured_at(number, kimg, skill, verdict)
    if dead and verdict == "non_finite":
        row |= {"kid": math.nan, "kid_se": math.nan, "fid": math.nan, "loss_g": math.nan}
    store.add("metrics", row)


def measured_at(number: int, kimg: float, skill: float, verdict: str | None) -> dict[str, Any]:
    kid = _kid(number, kimg, skill) + (0.25 * kimg / 30 if verdict else 0.0)
    wave = math.sin(number + kimg / 7)
    row = {"trial": number, "attempt": 0, "kimg": kimg, "epoch": kimg / 3, **IDENTITY}
    row |= {"kid": kid, "kid_se": 0.03 * kid + 0.001, "fid": 60 + 900 * kid + 4 * wave}
    row |= {"loss_g": 1.2 + 0.4 * wave + kimg / 200, "loss_d": 1.1 - 0.2 * wave - kimg / 400}
    row |= {"score_real": 0.65 + 0.05 * wave, "score_fake": 0.35 - 0.05 * wave}
    row |= {"pixel_std": 0.2, "similarity": 0.3, "lr_g": 2e-4, "lr_d": 2e-4}
    return row | {"seconds_train": 57.0, "seconds_eval": 6.6}


def result_of(best: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a trial: its best evaluation was chosen for being low, and is a little worse on other latents."""
    row = {name: best[name] for name in ("trial", "attempt", "kimg", "kid_se", *IDENTITY)}
    row |= {
        "kid": best["kid"] + LUCK,
        "fid": best["fid"] + 900 * LUCK,
        "ema": True,
        "latents": "normal:20261126",
    }
    return row | {"seen": best["kid"], "seen_n_fake": best["n_fake"], "seconds": 3.5}


def told_of(best: Mapping[str, Any], result: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a row of ``trials`` says of the best evaluation and of the result."""
    told = {"best_value": best["kid"], "best_kimg": best["kimg"], "best_n_fake": best["n_fake"]}
    if result:
        told |= {"result": result["kid"], "result_se": result["kid_se"], "result_kimg": result["kimg"]}
    return told
