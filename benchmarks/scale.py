"""What one driver carries: the director, the sampler and the store with made-up learning curves, and what reads them.

    python benchmarks/scale.py [--trials 500 1000 2500] [--sampler tpe] [--minutes M] [--folder DIR] [--out FILE]
    python benchmarks/scale.py --filled --trials 10000      # only what reads the records, which are written at once

Nothing is trained. Assignments come from the real `Director`, whose `Room` has so many workers; what workers would
say is made up from the parameters. Each trial names one small picture and leaves one small generator, where a real one
leaves a picture at each evaluation. Seconds are of the processor unless they are said to be of the wall. Each size is
measured in a process of its own; the folder is read afterwards by the commands that people give, cold.
"""

import argparse
import heapq
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import large  # noqa: E402
from benchmarks.large import (  # noqa: E402
    Trained,
    begin,
    fill,
    picture_of,
    put,
    small_picture,
    small_weights,
    study_of,
)  # fmt: skip
from benchmarks.made_up import Wide  # noqa: E402
from benchmarks.meter import Meter, Metered, most_mib, ms, resident_mib, yardstick  # noqa: E402
from sweep.driver.director import Director  # noqa: E402
from sweep.driver.events import Next  # noqa: E402
from sweep.driver.recovery import past, recall, restore  # noqa: E402
from sweep.records.datasets import Store  # noqa: E402
from sweep.records.parts.late import SHARE  # noqa: E402
from sweep.records.sweep_info import SweepInfo  # noqa: E402
from sweep.search.study import Study  # noqa: E402
from sweep.spec.specification import parse  # noqa: E402
from sweep.storage import layout  # noqa: E402
from sweep.storage.local import LocalFolder  # noqa: E402

# ---- the sweep -----------------------------------------------------------------------------------------------------


def drive(director: Director, meter: Meter, options: argparse.Namespace) -> list[tuple[int, int, float]]:
    """Run the sweep on a clock of its own, in the order in which workers of different speed would speak.

    Returns:
        (trials measured, evaluations, seconds of the processor) so far, from time to time.
    """
    folder, picture = director.folder, small_picture()
    assert isinstance(folder, LocalFolder)
    weights = small_weights()
    speaking: list[tuple[float, int, Trained]] = []
    now, ticks, marks = 0.0, itertools.count(), [(0, 0, 0.0)]
    until = time.perf_counter() + 60 * options.minutes
    while True:
        while True:
            with meter.on("next"):
                assignment = director.next()
            if isinstance(assignment, Next):
                break
            put(folder, picture_of(assignment.trial), picture)
            worker = Trained(assignment, options.evaluations, folder, weights)
            heapq.heappush(speaking, (now + worker.seconds, next(ticks), worker))
        if not speaking:
            return marks
        now, _, worker = heapq.heappop(speaking)
        report = worker.evaluated()
        with meter.on("report"):
            goes_on = director.report(report)
        if director.trials[worker.given.trial].due:
            measured = worker.measured()
            with meter.on("result"):
                director.report(measured)
        elif goes_on:
            heapq.heappush(speaking, (now + worker.seconds, next(ticks), worker))
        if meter.calls["report"] % 100 == 0 or time.perf_counter() > until:
            spent = sum(meter.processor[name] for name in ("next", "report", "result"))
            marks.append((meter.calls["result"], meter.calls["report"], spent))
            told = (
                f"{marks[-1][0]} trials, {marks[-1][1]} evaluations, {spent:.0f} s, {resident_mib():.0f} MiB"
            )
            print(f"\r{told}", end="", file=sys.stderr, flush=True)
            if time.perf_counter() > until:
                return marks


def run(folder: LocalFolder, options: argparse.Namespace) -> dict[str, Any]:
    """Run a sweep of one size; returns what it took."""
    meter, trials, stick = Meter(), options.trials[0], [yardstick()]
    spec, info = begin(folder, options, trials)
    at_first = resident_mib()
    store = Store(folder, spec.space.kinds())
    store.begin()
    source = Metered(Study.create(study_of(folder), spec.name, spec.space, spec.search, spec.configs), meter)
    director = Director(spec, info, store, source, "benchmark", Wide(options.workers))
    director.records.late.share = SHARE
    marks = drive(director, meter, options)
    stick.append(yardstick())
    with meter.on("end"):
        director.abandon()
    time.sleep(large.SETTLED)  # parts of the last seconds are not copied
    with meter.on("compact"):
        store.compact()
    source.study.close()
    spent = sum(meter.processor[name] for name in ("next", "report", "result"))
    reports = meter.calls["report"]
    (late, end), trials = _late(marks), meter.calls["result"]
    return {
        "trials": trials,
        "evaluations": reports,
        "statuses": dict(Counter(str(trial.status) for trial in director.trials.values())),
        "ms_a_trial": ms(spent, trials),
        "ms_a_trial_in_the_last_quarter": ms(end[2] - late[2], end[0] - late[0]),
        "of_which_ms_asking": ms(meter.processor["ask"], trials),
        "of_which_ms_telling": ms(meter.processor["tell"], trials),
        "of_which_ms_reports": ms(meter.processor["report"], trials),
        "of_which_ms_results": ms(meter.processor["result"] - meter.processor["tell"], trials),
        "ms_an_evaluation": ms(meter.processor["report"], reports),
        "evaluations_a_second": round(reports / spent, 1),
        "evaluations_a_second_in_the_last_quarter": round(
            (end[1] - late[1]) / max(end[2] - late[2], 1e-9), 1
        ),
        "evaluations_a_second_of_the_wall": round(
            reports / sum(meter.wall[name] for name in ("next", "report", "result")), 1
        ),
        "yardstick_ms_before_and_after": stick,
        "mib": most_mib(),
        "mib_at_first": round(at_first),
        "seconds_end": round(meter.processor["end"], 2),
        "seconds_compact": round(meter.processor["compact"], 2),
        "files": sum(len(names) for _, _, names in os.walk(folder.url)),
    }


def _late(marks: list[tuple[int, int, float]]) -> tuple[tuple[int, int, float], tuple[int, int, float]]:
    """Find where the last quarter of the trials begins and where it ends."""
    return next(mark for mark in marks if mark[0] >= 0.75 * marks[-1][0]), marks[-1]


def resume(folder: LocalFolder, options: argparse.Namespace) -> dict[str, Any]:
    """Bring the director back from the folder, as `sweep resume` does; returns what it took."""
    spec, info = parse(folder.read(layout.SPEC).decode()), SweepInfo.read(folder)
    meter, store = Meter(), Store(folder, spec.space.kinds())
    with meter.on("whole"):
        with meter.on("records"):
            trials = recall(store, spec.search)
        with meter.on("study"):
            known = past(trials, info)
            study = Study.rebuild(study_of(folder), spec.name, spec.space, spec.search, known, spec.configs)
        with meter.on("director"):
            director = Director(spec, info, store, study, "benchmark", Wide(options.workers))
            restore(director, trials)
    study.close()
    told = {f"seconds_{what}": round(seconds, 2) for what, seconds in meter.processor.items()}
    return told | {"seconds_wall": round(meter.wall["whole"], 2), "mib": most_mib()}


# ---- what reads it -------------------------------------------------------------------------------------------------


def command(folder: LocalFolder, *words: str, limit: float = 1800) -> dict[str, Any]:
    """Run a command of `sweep` on the folder, from the start of Python to its end; returns what it took."""
    root = Path(folder.url)
    storage = str(root.parent)
    line = [
        sys.executable,
        "-m",
        "sweep",
        *words,
        *([] if words[0] == "ls" else [root.name]),
        "--storage",
        storage,
    ]
    with tempfile.TemporaryFile() as out:
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        process = subprocess.Popen(line, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = -9
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        out.seek(0)
        said = out.read().decode(errors="replace").strip().splitlines()
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told: dict[str, Any] = {"seconds": round(seconds, 2), "seconds_wall": round(wall, 2)}
    if code:
        told["not_done"] = said[-1] if said and code != -9 else f"after {limit:.0f} s"
    if words[0] == "report":
        told["mb"] = round((root / layout.REPORT).stat().st_size / 1e6, 2)
    return told


def apart(mode: str, folder: LocalFolder, options: argparse.Namespace, trials: int) -> dict[str, Any]:
    """Measure one thing in a process of its own."""
    words = ["--apart", mode, "--folder", folder.url, "--trials", str(trials), "--sampler", options.sampler]
    words += ["--workers", str(options.workers), "--evaluations", str(options.evaluations)]
    words += ["--minutes", str(options.minutes), *(["--asha"] if options.asha else [])]
    done = subprocess.run([sys.executable, __file__, *words], stdout=subprocess.PIPE, check=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def measured(folder: LocalFolder, options: argparse.Namespace, trials: int) -> dict[str, Any]:
    """Measure a sweep of one size, and all that reads it."""
    settings = {"sampler": options.sampler, "workers": options.workers, "asha": options.asha}
    found = settings | apart("fill" if options.filled else "run", folder, options, trials)
    print(f"\n{json.dumps(found)}", file=sys.stderr)
    if options.readers:
        for words in (("best",), ("show",), ("ls",), ("report",), ("check",)):
            found[words[0]] = command(folder, *words)
            print(f"{words[0]}: {found[words[0]]}", file=sys.stderr)
        found["resume"] = apart("resume", folder, options, trials)
        print(f"resume: {found['resume']}", file=sys.stderr)
    return found


def main() -> None:
    """Measure each size; print the figures, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[500, 1000, 2500])
    parser.add_argument("--evaluations", type=int, default=10, help="of each trial")
    parser.add_argument("--workers", type=int, default=500)
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument(
        "--asha", action="store_true", help="with two rungs; without, every trial runs to its end"
    )
    parser.add_argument("--minutes", type=float, default=1e6, help="stop the driver after so long")
    parser.add_argument("--filled", action="store_true", help="write the records of finished trials at once")
    parser.add_argument("--no-readers", dest="readers", action="store_false", help="only the driver")
    parser.add_argument("--folder", type=Path, help="keep the sweeps there [default: a temporary folder]")
    parser.add_argument("--out", type=Path, help="add the figures to this JSON file, by sampler and size")
    parser.add_argument("--apart", choices=("run", "fill", "resume"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.apart:
        folder = LocalFolder(options.folder)
        print(json.dumps({"run": run, "fill": fill, "resume": resume}[options.apart](folder, options)))
        return
    with tempfile.TemporaryDirectory(prefix="sweep-scale-") as scratch:
        place = (options.folder or Path(scratch)).absolute()
        for trials in options.trials:
            name = f"{'filled' if options.filled else options.sampler}{'-asha' * options.asha}-{trials}"
            found = measured(LocalFolder(place / name / "large"), options, trials)
            print(json.dumps(found))
            if options.out:
                known = json.loads(options.out.read_text()) if options.out.exists() else {}
                options.out.write_text(json.dumps(known | {name: found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
