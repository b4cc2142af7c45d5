"""What one driver carries: the director, the sampler and the store with made-up learning curves, and what reads them.

    python benchmarks/scale.py [--trials 500 1000 2500] [--sampler tpe] [--minutes M] [--folder DIR] [--out FILE]
    python benchmarks/scale.py --filled --trials 10000      # only what reads the records, which are written at once

Nothing is trained. Assignments come from the real `Director`, whose `Room` has so many workers; what workers would
say is made up from the parameters. Each trial names one small picture and leaves one small generator, where a real one
leaves a picture at each evaluation. Seconds are of the processor unless they are said to be of the wall. Each size is
measured in a process of its own; the folder is read afterwards by the commands that people give, cold.
"""

import argparse
import hashlib
import heapq
import itertools
import json
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import pyarrow as pa  # noqa: E402
from PIL import Image  # noqa: E402

from benchmarks.made_up import IDENTITY, Point, Wide, Worker  # noqa: E402
from sweep.driver.assignments import assignment_for, columns_of  # noqa: E402
from sweep.driver.director import Director  # noqa: E402
from sweep.driver.events import Next  # noqa: E402
from sweep.driver.recovery import past, recall, restore  # noqa: E402
from sweep.records import ledger  # noqa: E402
from sweep.records.datasets import Store  # noqa: E402
from sweep.records.rows import to_table  # noqa: E402
from sweep.records.schemas import SCHEMAS  # noqa: E402
from sweep.records.sealed import seal  # noqa: E402
from sweep.records.status import Status  # noqa: E402
from sweep.records.sweep_info import SweepInfo  # noqa: E402
from sweep.records.trial_state import Trial  # noqa: E402
from sweep.search.study import Study, preview  # noqa: E402
from sweep.search.trial_source import Asked, PastTrial  # noqa: E402
from sweep.spec.specification import Spec, parse  # noqa: E402
from sweep.storage import layout  # noqa: E402
from sweep.storage.local import LocalFolder  # noqa: E402
from sweep.worker.messages import Assignment, Measured  # noqa: E402

SPEC = """
name: large
data: {{source: avatars, count: 1000, size: 32}}
model:
  variant: {{type: categorical, choices: [simple, extended]}}
  width: 4
  latent_dim: 8
train:
  loss: {{type: categorical, choices: [bce, lsgan]}}
  lr_g: {{type: float, low: 1.0e-5, high: 1.0e-2, log: true}}
  lr_d: {{type: float, low: 1.0e-5, high: 1.0e-2, log: true}}
  betas: {{type: categorical, choices: [[0.5, 0.999], [0.0, 0.9]]}}
  batch_size: {{type: int, low: 16, high: 64, step: 16}}
  epochs: {evaluations}
evaluate: {{every: 1, n_fake: 1000, n_real: 1000}}
search: {{sampler: {sampler}, trials: {trials}, seed: 1}}
"""
ASHA = "asha: {grace: 2, reduction: 3, max: 8}\n"


@dataclass
class Meter:
    """Seconds of the processor and of the wall, and how often, by what they were spent on."""

    processor: Counter[str] = field(default_factory=Counter)
    wall: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Count the time of a block."""
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.processor[what] += time.process_time() - processor
        self.wall[what] += time.perf_counter() - wall
        self.calls[what] += 1


def resident_mib() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def most_mib() -> int:
    """Look up the most resident memory that this process has had, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


# ---- workers that cost nothing -------------------------------------------------------------------------------------


class Trained(Worker):
    """A worker's side of one attempt, made up, which leaves the generator of its result.

    Args:
        assignment: What it was given.
        evaluations: How many evaluations a trial has.
        folder: The sweep's folder.
        weights: The bytes of a generator.
    """

    def __init__(self, assignment: Assignment, evaluations: int, folder: LocalFolder, weights: bytes) -> None:
        chance = random.Random(assignment.seed)
        self.folder, self.weights, self.seconds = folder, weights, chance.uniform(0.5, 2.0)
        config = assignment.config["train"]
        skill = abs(math.log10(config["lr_g"]) + 3.5) + abs(math.log10(config["lr_d"]) + 3.2)
        rates = {"lr_g": config["lr_g"], "lr_d": config["lr_d"]}
        super().__init__(
            assignment, [_point(step + 1.0, skill, chance, rates) for step in range(evaluations)]
        )

    def measured(self) -> Measured:
        """Make up the result, and leave the generator that it is of."""
        said = super().measured()
        _put(self.folder, layout.snapshot(self.given.trial, said.kimg), self.weights)
        names = ("vendi", "real_vendi", "fid_infinity", "precision", "recall", "density", "coverage")
        return replace(said, result=said.result | dict.fromkeys(names, 0.5))


def _point(kimg: float, skill: float, chance: random.Random, rates: Mapping[str, float]) -> Point:
    kid = 0.02 + 0.02 * skill + 0.1 / kimg + chance.gauss(0, 0.003)
    names = ("loss_g", "loss_d", "score_real", "score_fake", "pixel_std")
    more = {name: chance.random() for name in (*names, "accuracy_real", "accuracy_fake", "similarity")}
    return Point(kimg, kid, 0.004, kid + abs(chance.gauss(0, 0.003)), more=more | rates)


def _picture(trial: int) -> str:
    return layout.grid(trial, 1.0)


def _put(folder: LocalFolder, path: str, data: bytes) -> None:
    """Write a file of a worker, without waiting for the disk."""
    target = folder.local(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


# ---- the sweep -----------------------------------------------------------------------------------------------------


def begin(folder: LocalFolder, options: argparse.Namespace, trials: int) -> tuple[Spec, SweepInfo]:
    """Write what stands in a sweep's folder before its first trial."""
    text = SPEC.format(trials=trials, sampler=options.sampler, evaluations=options.evaluations)
    text += ASHA * options.asha
    spec = parse(text)
    rungs = tuple(kimg for kimg in (2.0, 6.0) if options.asha)
    info = SweepInfo(
        name=spec.name, created=datetime.now(UTC), images=1000, data_hash="cd" * 32, metric="kid", trials=trials,
        extractor=IDENTITY["extractor"], extractor_digest=IDENTITY["extractor_digest"], runner="ray", device="cpu",
        budget=float(options.evaluations), interval=1.0, rungs=rungs, versions={"sweep": "benchmark"},
    )  # fmt: skip
    folder.write(layout.SPEC, spec.to_yaml().encode())
    info.write(folder)
    folder.write(layout.REAL_PICTURES, _small_picture())
    return spec, info


def _small_picture() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (32, 32)).save(buffer, "PNG")
    return buffer.getvalue()


def _small_weights() -> bytes:
    """Make a safetensors file as `ganlib.export.files.pack_weights` does, without torch."""
    body = bytes(256)
    tensors = {"weight": {"dtype": "F32", "shape": [64], "data_offsets": [0, 256]}}
    head = json.dumps({"__metadata__": {"sha256": hashlib.sha256(body).hexdigest()}, **tensors}).encode()
    return len(head).to_bytes(8, "little") + head + body


def drive(director: Director, meter: Meter, options: argparse.Namespace) -> list[tuple[int, int, float]]:
    """Run the sweep on a clock of its own, in the order in which workers of different speed would speak.

    Returns:
        (trials measured, evaluations, seconds of the processor) so far, from time to time.
    """
    folder, picture = director.folder, _small_picture()
    assert isinstance(folder, LocalFolder)
    weights = _small_weights()
    speaking: list[tuple[float, int, Trained]] = []
    now, ticks, marks = 0.0, itertools.count(), [(0, 0, 0.0)]
    until = time.perf_counter() + 60 * options.minutes
    while True:
        while True:
            with meter.on("next"):
                assignment = director.next()
            if isinstance(assignment, Next):
                break
            _put(folder, _picture(assignment.trial), picture)
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
    source = Metered(Study.create(_study(folder), spec.name, spec.space, spec.search, spec.configs), meter)
    director = Director(spec, info, store, source, "benchmark", Wide(options.workers))
    marks = drive(director, meter, options)
    stick.append(yardstick())
    with meter.on("end"):
        director.abandon()
    time.sleep(6)  # parts of the last seconds are not copied
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
        "ms_a_trial": _ms(spent, trials),
        "ms_a_trial_in_the_last_quarter": _ms(end[2] - late[2], end[0] - late[0]),
        "of_which_ms_asking": _ms(meter.processor["ask"], trials),
        "of_which_ms_telling": _ms(meter.processor["tell"], trials),
        "of_which_ms_reports": _ms(meter.processor["report"], trials),
        "of_which_ms_results": _ms(meter.processor["result"] - meter.processor["tell"], trials),
        "ms_an_evaluation": _ms(meter.processor["report"], reports),
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


def fill(folder: LocalFolder, options: argparse.Namespace) -> dict[str, Any]:
    """Write the records of trials that ran to their end, without the director and without waiting for the disk."""
    (count,), meter = options.trials, Meter()
    spec, info = begin(folder, options, count)
    quick = Quick(Path(folder.url))
    store, picture, weights, trials = Store(quick, spec.space.kinds()), _small_picture(), _small_weights(), {}
    store.begin()
    plain = spec.search.model_copy(update={"sampler": "random"})
    with meter.on("whole"):
        for number, params in enumerate(preview(spec.space, plain, count)):
            trial = trials[number] = Trial(number, params, number, attempt=0)
            config = info.rooted(spec.trial_config(params, info.schedule)).model_dump(mode="json")
            given = assignment_for(trial, spec, info, folder.url, "benchmark", Wide(options.workers), config)
            worker = Trained(given, options.evaluations, quick, weights)
            reports = [worker.evaluated() for _ in range(options.evaluations)]
            _put(quick, _picture(number), picture)
            for report in reports:
                trial.add(report.row)
            store.replace("metrics", number, [report.row for report in reports])
            store.replace("samples", number, [report.sample for report in reports])
            store.replace("results", number, [worker.measured().result])
            trial.conclude(store.part("results", number)[0])
            trial.status = Status.FINISHED
            times = {"started": time.time() - 700, "ended": time.time()}
            store.put_trial(trial.row() | columns_of(trial, config) | times)
            ledger.write(store, number)
            store.forget(number)
        known = past(trials, info)
        Study.rebuild(_study(folder), spec.name, spec.space, spec.search, known, spec.configs).close()
    time.sleep(6)  # parts of the last seconds are not copied
    with meter.on("compact"):
        store.compact()
    files = sum(len(names) for _, _, names in os.walk(folder.url))
    told = {f"seconds_to_{what}": round(seconds, 1) for what, seconds in meter.processor.items()}
    return {"trials": count, "evaluations": count * options.evaluations, "files": files} | told


class Quick(LocalFolder):
    """A folder whose files are written without waiting for the disk."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file."""
        _put(self, path, data)


def _late(marks: list[tuple[int, int, float]]) -> tuple[tuple[int, int, float], tuple[int, int, float]]:
    """Find where the last quarter of the trials begins and where it ends."""
    return next(mark for mark in marks if mark[0] >= 0.75 * marks[-1][0]), marks[-1]


def yardstick() -> float:
    """Measure a fixed piece of work in ms of the processor: a part of ten rows, made 200 times with nothing between."""
    schema = SCHEMAS["metrics"]
    row = {field.name: 0.5 if pa.types.is_floating(field.type) else None for field in schema}
    started = time.process_time()
    for _ in range(200):
        seal(to_table([row] * 10, schema))
    return round(1000 * (time.process_time() - started) / 200, 2)


def _ms(seconds: float, count: int) -> float:
    return round(1000 * seconds / max(count, 1), 2)


def _study(folder: LocalFolder) -> Path:
    return Path(folder.url) / layout.STUDY


@dataclass
class Metered:
    """A study whose questions and answers are timed."""

    study: Study
    meter: Meter

    def ask(self) -> Asked | None:
        """Ask the study."""
        with self.meter.on("ask"):
            return self.study.ask()

    def reopen(self, number: int) -> None:
        """Pass it on."""
        self.study.reopen(number)

    def tell(self, ended: PastTrial) -> None:
        """Tell the study."""
        with self.meter.on("tell"):
            self.study.tell(ended)


def resume(folder: LocalFolder, options: argparse.Namespace) -> dict[str, Any]:
    """Bring the director back from the folder, as `sweep resume` does; returns what it took."""
    spec, info = parse(folder.read(layout.SPEC).decode()), SweepInfo.read(folder)
    meter, store = Meter(), Store(folder, spec.space.kinds())
    with meter.on("whole"):
        with meter.on("records"):
            trials = recall(store, spec.search.metric)
        with meter.on("study"):
            known = past(trials, info)
            study = Study.rebuild(_study(folder), spec.name, spec.space, spec.search, known, spec.configs)
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
