"""A `sweep` command as a process that tests can watch, interrupt and kill, and the sweep that they run."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from click.testing import CliRunner

from helpers.programs.forked import Forked
from sweep.cli import cli
from sweep.records.datasets import Store
from sweep.storage.opening import open_folder

T = TypeVar("T")

PATIENCE = float(os.environ.get("SWEEP_PATIENCE", "300"))
"""Seconds for anything that is waited for; only a test that fails waits so long."""

TRIAL_TITLES = (b"ray::TrialActor", b"ray::ResourceTrainable")
"""How Ray entitles a trial's process: between two steps, and in one (where Tune's wrapper gives the name)."""

SPEC = """
name: small
data: {source: avatars, count: 128, size: 32}
model: {width: 8, latent_dim: 16}
train: {lr_g: {type: float, low: 1e-4, high: 1e-3, log: true}, batch_size: 32, epochs: EPOCHS}
evaluate: {every: 1, n_fake: 16, n_real: 32, kid_subsets: 10, kid_subset_size: 8}
collapse: {enabled: false}
search: {sampler: random, trials: TRIALS}
resources: {cpu: 1, max_concurrent: 2}
"""
"""Nothing in it depends on how fast a trial is: two runs of it give the same trials and the same numbers."""


def write_spec(path: Path, trials: int, epochs: int, spec: str = SPEC, resources: str = "") -> Path:
    """Write a spec; ``resources`` are more of them, each after a comma."""
    text = spec.replace("TRIALS", str(trials)).replace("EPOCHS", str(epochs))
    path.write_text(text.replace("max_concurrent: 2", f"max_concurrent: 2{resources}"))
    return path


class Results:
    """What a sweep's folder says now; usable at any moment of the run."""

    def __init__(self, storage: object, name: str) -> None:
        self.folder = open_folder(str(storage)) / name

    def trials(self) -> dict[int, dict[str, Any]]:
        return {row["trial"]: row for row in Store(self.folder).rows("trials")}

    def metrics(self) -> list[dict[str, Any]]:
        return Store(self.folder).rows("metrics")

    def results(self) -> dict[int, tuple[float, ...]]:
        """Of which generator each trial's result is, and what it is."""
        return {
            row["trial"]: tuple(row[name] for name in ("kimg", "fid", "kid", "kid_se", "seen", "n_fake"))
            for row in Store(self.folder).rows("results")
        }

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in Store(self.folder).rows("events") if row["kind"] == kind]

    def statuses(self) -> list[str]:
        return [row["status"] for row in self.trials().values()]

    def evaluations(self, trial: int | None = None) -> int:
        return sum(row["trial"] == trial or trial is None for row in self.metrics())

    def checkpoints(self, trial: int) -> list[str]:
        names = self.folder.names(f"checkpoints/{trial:05d}")
        return [name for name in names if name.endswith(".ckpt")]

    def numbers(self) -> dict[tuple[int, float], tuple[float, ...]]:
        """What every evaluation measured; fails where one is on record twice."""
        rows = self.metrics()
        numbers = {
            (row["trial"], row["kimg"]): tuple(row[name] for name in ("loss_g", "loss_d", "fid", "kid"))
            for row in rows
        }
        assert len(numbers) == len(rows)
        return numbers


def breaking(**what: str) -> dict[str, str]:
    """The environment in which ``broken/sitecustomize.py`` does something to a sweep's processes."""
    path = [str(Path(__file__).parent / "broken"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(path), **what}


def slow(pace: Path, seconds: float = 60) -> dict[str, str]:
    """The environment in which trials wait before all evaluations but a first one, as long as the file is there."""
    pace.touch()
    return breaking(SWEEP_PACE=f"{seconds}:{pace}")


def waited_for(happened: Callable[[], T], in_vain: Callable[[], str], patience: float = PATIENCE) -> T:
    """Wait for something to be true; returns what it was.

    What is costly to look at is looked at less often: the watcher takes no more than a fifth of a processor.
    """
    deadline = time.monotonic() + patience
    while True:
        begun = time.monotonic()
        if value := happened():
            return value
        assert begun < deadline, in_vain()
        time.sleep(max(0.05, 4 * (time.monotonic() - begun)))


class SweepProcess:
    """A running `sweep` command, in a process group of its own."""

    def __init__(
        self,
        *arguments: object,
        cache: Path,
        log: Path,
        cwd: Path | None = None,
        faults: Sequence[dict[str, Any]] = (),
        saving: float | None = None,
        prefix: Sequence[str] = (),
        **environ: str,
    ) -> None:
        """Start it, with ``faults`` and ``saving`` as ``broken/sitecustomize.py`` has them.

        ``prefix`` are the words before the command, which run it elsewhere.
        """
        environment = os.environ | {"SWEEP_CACHE": str(cache)} | environ
        if saving is not None:
            environment["SWEEP_SAVING"] = str(saving)
        if faults or saving is not None:
            environment |= breaking(SWEEP_FAULTS=json.dumps(list(faults)))
        words, self.prefix = [*map(str, arguments)], prefix
        self.out, self.log = log.with_suffix(".out"), log
        self.process: Forked | subprocess.Popen[bytes]
        with self.out.open("wb") as output, log.open("wb") as errors:
            if not prefix:
                self.process = Forked(words, environment, cwd, self.out, log)
            else:
                self.process = subprocess.Popen(
                    [*prefix, sys.executable, "-m", "sweep", *words],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    env=environment,
                    cwd=cwd,
                    start_new_session=True,
                )

    def __enter__(self) -> "SweepProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def text(self) -> str:
        """All that it has printed."""
        return self.out.read_text(errors="replace") + self.log.read_text(errors="replace")

    def wait(self) -> int:
        """The exit code."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the sweep did not end:\n{self.text()}") from None

    def until(self, what: str, happened: Callable[[], T]) -> T:
        """Wait for something to be true while the sweep runs; returns what it was."""

        def looked() -> T:
            value = happened()
            assert value or self.process.poll() is None, f"it ended before {what}:\n{self.text()}"
            return value

        return waited_for(looked, lambda: f"{what}: waited in vain. The output was:\n{self.text()}")

    def signal(self, number: int) -> None:
        """To the whole process group, as a terminal does it."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """`kill -9` of the driver alone."""
        if self.prefix:
            self.signal(signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def trial_workers(self) -> list[int]:
        """The processes of trials, where this command has started Ray."""
        return trial_workers(self.process.pid)

    def json_lines(self) -> list[dict[str, Any]]:
        """The output of a command that was run with --json: sentences for people go to stderr."""
        return [json.loads(line) for line in self.out.read_text().splitlines()]


def undisturbed(spec: Path, cache: Path, storage: Path, *options: object) -> Results:
    """The same sweep without Ray and without a fault."""
    storage.mkdir(exist_ok=True)
    where = ("--local", "--storage", storage)
    with SweepProcess(
        "run", spec, *where, *options, cache=cache, log=storage / "log", cwd=spec.parent
    ) as run:
        assert run.wait() == 0, run.text()
    return Results(storage, "small")


def check_whole(storage: Path) -> None:
    """`sweep check` finds nothing but what processes that were killed left half-written."""
    result = CliRunner().invoke(cli, ["check", "small", "--storage", str(storage)])
    lines = result.output.splitlines() if result.exit_code else []
    found = [line for line in lines if not line.startswith(("'small' has", "mend what can be mended"))]
    assert all("left half-written by a process that was killed" in line for line in found), result.output
    assert bool(found) == bool(result.exit_code), result.output


def trial_workers(pid: int) -> list[int]:
    """The processes below one in which Ray trains trials."""
    return [below for below in descendants(pid) if command_line(below).startswith(TRIAL_TITLES)]


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""


def descendants(pid: int, children: Mapping[int, Sequence[int]] | None = None) -> list[int]:
    """All processes below one, now or where all were ``children`` of each other."""
    children, found, todo = processes() if children is None else children, [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def processes() -> dict[int, list[int]]:
    """All processes of the machine, those that each has started under its number."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text()
            except OSError:
                continue
            parent = int(status.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    return children
