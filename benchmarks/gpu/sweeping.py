"""A small sweep by the command line, and what `sweep plan` foretells of it."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.gpu.parts import Figures, Settings, Skipped, Wrong, last_lines
from benchmarks.gpu.pictures import discs, folder_of
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder

SPEC, STUDY = (Path(__file__).with_name(name) for name in ("sweep.yaml", "study.yaml"))
PICTURES = {SPEC: 4000, STUDY: 36_000}
ENDING = 15.0
"""Seconds before its limit at which a sweep is asked to end: what it has recorded is read."""
TINY = (
    *(
        "data.size=32",
        "model.variant=simple",
        "model.latent_dim=4",
        "model.width=4",
        "train.batch_size=8",
        "train.loss=bce",
    ),
    *("evaluate.n_fake=32", "evaluate.n_real=32", "evaluate.kid_subsets=2", "evaluate.every=1"),
    "resources.cpu=1",
    *("search.trials=2", "asha.grace=1", "asha.max=2"),
)


def _words(settings: Settings, spec: Path) -> list[str]:
    """Give a spec, with pictures in place of its source."""
    size, count = (32, 64) if settings.tiny else (64, PICTURES[spec])
    folder = folder_of(discs(count, size, seed=1), settings.pictures / f"sweep-{count}")
    sets = [f"data.source={folder}", *(TINY if settings.tiny else ())]
    return [str(spec), "--local", *(word for one in sets for word in ("--set", one))]


def study(settings: Settings, figures: Figures) -> None:
    """Run the study, as `run` does the small sweep."""
    run(settings, figures, STUDY)


def run(settings: Settings, figures: Figures, spec: Path = SPEC) -> None:
    """Run a sweep, and read what is on record.

    Raises:
        Wrong: The command failed or did not end in time, or trials have no result.
    """
    storage = Path(settings.scratch) / f"runs-{spec.stem}"
    words = [*_words(settings, spec), "--storage", str(storage), "--json"]
    begin, interrupted = time.perf_counter(), False
    process = _command(settings, "run", *words)
    try:
        out, told = process.communicate(timeout=max(1.0, settings.left - ENDING))
    except subprocess.TimeoutExpired:
        interrupted = True
        process.send_signal(signal.SIGINT)
        try:
            out, told = process.communicate(timeout=ENDING - 2)
        except subprocess.TimeoutExpired:
            process.kill()
            out, told = process.communicate()
    figures.note(**{"seconds of the command": time.perf_counter() - begin, "told": last_lines(told)})
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    times = [event["time"] for event in events if event.get("event") in ("start", "result")]
    found = _on_record(storage)
    if times:
        wall = max(times) - min(times)
        figures.note(**{"seconds from the first trial's start to the last result": wall})
        figures.note(
            **{"pictures a second of all trials, all that they do included": 1000 * found["kimg"] / wall}
        )
    figures.note(interrupted=interrupted, **found)
    figures.note(**{"seconds before a trial's first step": _starts(storage, events)})
    if interrupted:
        raise Wrong(f"the sweep did not end in {settings.seconds:.0f} s", {})
    if process.returncode:
        raise Wrong("the command failed: " + "\n".join(last_lines(told)), {})
    if found["results"] + len(found["verdicts"]) < sum(found["trials"].values()):
        raise Wrong("some trials have no result", {})


def _store(storage: Path) -> Store:
    return Store(open_folder(storage) / "gpu")


def _on_record(storage: Path) -> dict[str, Any]:
    """Read trials, results and events."""
    store = _store(storage)
    trials, events, results = (store.rows(name) for name in ("trials", "events", "results"))
    training, evaluating = (
        sum(row[key] or 0.0 for row in trials) for key in ("seconds_train", "seconds_eval")
    )
    kimg = sum(row["kimg"] or 0.0 for row in trials)
    said = [json.loads(row["detail"] or "{}") for row in events if row["kind"] in ("eager", "restart")]
    return {
        "trials": dict(Counter(row["status"] for row in trials)),
        "verdicts": dict(Counter(row["verdict"] for row in trials if row["verdict"])),
        "devices": sorted({row["device"] or "" for row in trials}),
        "results": len(results),
        "events": dict(Counter(row["kind"] for row in events)),
        "what events say": said[:8],
        "kimg": kimg,
        "seconds_train": training,
        "seconds_eval": evaluating,
        "share of evaluations": evaluating / max(training + evaluating, 1e-9),
        "pictures a second of a trial beside its neighbours, training": 1000 * kimg / max(training, 1e-9),
    }


def _starts(storage: Path, events: list[dict[str, Any]]) -> list[float]:
    """Compute, of each trial, the time to its first evaluation that was neither training nor evaluating."""
    first: dict[tuple[Any, Any], dict[str, Any]] = {}
    for row in sorted(_store(storage).rows("metrics"), key=lambda row: row["kimg"]):
        first.setdefault((row["trial"], row["attempt"]), row)
    begun: dict[tuple[Any, Any], float] = {}
    found = []
    for event in events:
        this = event.get("trial"), event.get("attempt")
        if event.get("event") == "start":
            begun[this] = event["time"]
        elif (
            this in begun and this in first
        ):  # the first that is told of a trial follows its first evaluation
            row = first[this]
            found.append(event["time"] - begun.pop(this) - row["seconds_train"] - row["seconds_eval"])
    return found


def foretell(settings: Settings, figures: Figures) -> None:
    """Ask for the plan of the sweep, and compare it with what the sweep took.

    Raises:
        Wrong: The command failed.
    """
    begin = time.perf_counter()
    process = _command(settings, "plan", *_words(settings, SPEC), "--json")
    out, told = process.communicate()
    figures.note(**{"seconds of the command": time.perf_counter() - begin})
    if process.returncode:
        raise Wrong("the command failed: " + "\n".join(last_lines(told)), {})
    plan = json.loads(out)
    figures.note(foretold=plan["sweep"], costs=plan["costs"], fits=plan["fits"])
    ran = settings.known.get("sweep", {})
    taken = ran.get("seconds from the first trial's start to the last result")
    if taken is None or ran.get("interrupted"):
        raise Skipped("the sweep did not run to its end, so there is nothing to compare with")
    figures.note(taken=taken, ratio=plan["sweep"]["wall"]["middle"] / taken)


def _command(settings: Settings, *words: str) -> "subprocess.Popen[str]":
    """Start the command line; its pictures are prepared in a folder of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "sweep", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=settings.environment | {"SWEEP_CACHE": str(Path(settings.scratch) / "cache")},
    )
