"""Real searches of pictures that the table does not hold, three ways, each with as much training, three of each.

    python benchmarks/search/fresh.py --work FOLDER [--searches N ...] [--only WAY ...] [--budget KIMG] [--out FILE]
    python benchmarks/search/fresh.py --tables       # only write the table of docs/search.md from what is on record

Ways: `random` (all trials to their end) and `default` by `sweep run`, `ray` by Ray Tune with its OptunaSearch and
ASHAScheduler. Each ends when its trials together have trained for the budget, two at a time, a core each, under nice
19. What counts is kimg of training, so that what else runs on the machine changes nothing but the wait; a result
counts that was there within the budget. The three winners are then trained again with fresh seeds, because the best of
many noisy values flatters whoever draws most.

The budget is 64 trials of 9 kimg, what random search gets in the replays. A core trains a kimg in 4.2 s where others
are at work (table.parquet, all trials): 3 * 576 * 4.2 s / 2 is an hour of training on two such cores, and measurements,
starts of processes and the winners' runs take about as long again. Quiet cores need a third of that. Called again, it
goes on where it was; what Ray Tune was interrupted at begins anew.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.places import put  # noqa: E402
from benchmarks.search.real import PICTURES, WORKERS, again, ray_folder, stock_ray  # noqa: E402
from benchmarks.search.tally import Line, Tally, compared, counted, spread, table  # noqa: E402
from ganlib.cores import processor  # noqa: E402
from sweep.records import catalog  # noqa: E402
from sweep.spec.specification import parse  # noqa: E402
from sweep.storage.layout import INFO  # noqa: E402
from sweep.storage.opening import open_folder  # noqa: E402

SPEC = Path(__file__).with_name("fresh.yaml")
RESULTS = ROOT / "benchmarks" / "results" / "fresh.json"
DOCS = ROOT / "docs" / "search.md"
BUDGET = 576.0
SEEDS = (7_000_001, 7_000_002, 7_000_003)
"""Of the winners' runs; no search has them."""
LABELS = {
    "random": "random, all to the end",
    "default": "the shipped studies: rungs of two, promotion",
    "ray": "Ray Tune: OptunaSearch, ASHAScheduler",
}
OVERRIDES = {
    "random": ("search.sampler=random", "asha=null"),
    "default": (),
    "ray": ("asha=null",),
}
SEARCHES = (1, 2, 3)
PACKAGES = ("torch", "optuna", "ray")


def swept(folder: Path, tally: Tally, budget: float, overrides: Sequence[str]) -> None:
    """Search with `sweep run`, or go on with it, until its trials together have trained for a budget.

    Raises:
        SystemExit: If it ended before, of itself.
    """
    catch_up(folder, tally)
    if tally.kimg >= budget:
        return
    sets = [word for one in overrides for word in ("--set", one)]
    command = [sys.executable, "-m", "sweep", "run", str(SPEC), "--storage", str(folder), *sets]
    with ray_folder() as own:
        paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": paths, "RAY_TMPDIR": own}
        with subprocess.Popen(
            [*command, "--json", "--or-resume"], stdout=subprocess.PIPE, text=True, env=environment
        ) as running:
            try:
                follow(running, tally, budget)
            except BaseException:
                running.terminate()
                raise
    catch_up(folder, tally)
    if tally.kimg < budget:
        raise SystemExit(f"the search in {folder} ended at {tally.kimg:.1f} of {budget:g} kimg: see above")


def follow(running: subprocess.Popen[str], tally: Tally, budget: float) -> None:
    """Put down what a sweep says until it ends; it is asked to when the budget is spent."""
    assert running.stdout is not None
    asked = False
    for text in running.stdout:
        if (line := line_of(json.loads(text))) is not None:
            tally.add(line)
        if tally.kimg >= budget and not asked:
            running.terminate()  # as Ctrl-C does; a shell may have told its jobs not to hear that
            asked = True


def line_of(event: dict[str, Any]) -> Line | None:
    """Read a line of the tally from one of `sweep run --json`; None where it tells of no trial."""
    if event.get("trial") is None:
        return None
    line = Line(str(event["trial"]), event["kimg"] or 0.0, time=event["time"])
    if event["event"] != "result":
        return line
    at = event["detail"].get("kimg")
    return Line(line.trial, line.kimg, True, event["result"], at, event["params"], line.time)


def catch_up(folder: Path, tally: Tally) -> None:
    """Put down what a sweep has on record and nobody listened to."""
    if not (folder / "fresh" / INFO).exists():
        return
    store = catalog.open_sweep(open_folder(str(folder)), "fresh").store
    told = {line.trial for line in tally.lines if line.ended}
    for row in store.rows("metrics"):
        if row["kimg"] > tally.reached.get(str(row["trial"]), 0.0):
            tally.add(Line(str(row["trial"]), row["kimg"]))
    for row in store.rows("trials"):
        name = str(row["trial"])
        if row["result"] is not None and name not in told:
            tally.add(
                Line(name, row["kimg"], True, row["result"], row["result_kimg"], json.loads(row["params"]))
            )


def search(way: str, work: Path, budget: float, shared: Sequence[str]) -> list[Line]:
    """Search one way, or go on with it; gives its lines."""
    folder = work / way
    folder.mkdir(parents=True, exist_ok=True)
    tally, overrides = Tally(folder / "tally.jsonl"), (*OVERRIDES[way], *shared)
    if way != "ray":
        swept(folder, tally, budget, overrides)
    elif tally.kimg < budget:
        shutil.rmtree(folder)
        folder.mkdir()
        stock_ray(text_of(overrides), folder, Tally(tally.path), budget)
        tally = Tally(tally.path)
        if tally.kimg < budget:
            raise SystemExit(f"Ray Tune ended at {tally.kimg:.1f} of {budget:g} kimg: see above")
    return tally.lines


def text_of(overrides: Sequence[str]) -> str:
    """Write the spec with overrides."""
    return parse(SPEC.read_text(), overrides=overrides).to_yaml()


def winner_again(way: str, work: Path, winner: dict[str, Any], shared: Sequence[str]) -> dict[str, Any]:
    """Train a winner again with each fresh seed; runs that were made are not made again."""
    path = work / way / "again.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    if known.get("winner") != winner:
        known = {"winner": winner, "kids": {}}
    text = text_of(("asha=null", *shared))
    left = [seed for seed in SEEDS if str(seed) not in known["kids"]]
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        runs = {seed: pool.submit(again, text, dict(winner["params"]), winner["kimg"], seed) for seed in left}
        for seed, run in runs.items():
            known["kids"][str(seed)] = run.result()
            path.write_text(json.dumps(known))
    return {"pictures": PICTURES} | spread(known["kids"][str(seed)] for seed in SEEDS)


def machine() -> dict[str, Any]:
    """Say where and with what this ran."""
    done = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True)
    return {
        "machine": f"{processor()}, {os.cpu_count()} cores",
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "commit": done.stdout.strip(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def seed_of(way: str, number: int) -> str:
    """Give the seed of a search; random draws have others, because a sampler begins with random ones."""
    return f"search.seed={2 * number - (way != 'random')}"


def write_table(told: dict[str, Any]) -> None:
    """Put the table in its place in docs/search.md."""
    DOCS.write_text(
        put(DOCS.read_text(encoding="utf-8"), "fresh", table(told["budget"], told["searches"], LABELS)),
        encoding="utf-8",
    )


def main() -> None:
    """Search, train the winners again, write what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    folder = Path(tempfile.gettempdir()) / "sweep-fresh"
    parser.add_argument("--work", type=Path, default=folder, help="folder of the searches [%(default)s]")
    parser.add_argument("--only", nargs="+", choices=list(LABELS), default=list(LABELS), help="these ways")
    parser.add_argument("--searches", nargs="+", type=int, default=SEARCHES, help="of each way, by number")
    parser.add_argument("--budget", type=float, default=BUDGET, help="kimg of each way [%(default)g]")
    parser.add_argument("--kimg", type=float, help="of a trial, for trying it out")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--tables", action="store_true", help="only write the table")
    options = parser.parse_args()
    if options.tables:
        write_table(json.loads(options.out.read_text()))
        return
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped; the same command goes on"))
    work, shared = options.work.resolve(), () if options.kimg is None else (f"train.kimg={options.kimg:g}",)
    told = json.loads(options.out.read_text()) if options.out.exists() else {}
    if told.get("budget") != options.budget:
        told = {"budget": options.budget, "searches": {}}
    for number, way in product(options.searches, options.only):
        place, chosen = work / str(number), (seed_of(way, number), *shared)
        found = counted(search(way, place, options.budget, chosen), options.budget)
        if found["winner"]:
            found["again"] = winner_again(way, place, found["winner"], shared)
        ways = told["searches"].setdefault(str(number), {})
        ways[way] = found | machine()
        told["searches"][str(number)] = compared(ways, "random")
        options.out.write_text(json.dumps(told, indent=1) + "\n")
        said = f"{found['trials']} trials, {found['kimg']:.0f} kimg, {found['winner']}"
        print(f"{number}, {way}: {said}", flush=True)


if __name__ == "__main__":
    main()
