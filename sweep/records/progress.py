"""The progress of a sweep: its clock, which stands still while no driver runs, and how far each running trial is.

The driver writes clock and trials every `WRITE_SECONDS` into ``progress.json``, for viewers in other processes and
for the next driver of the sweep. The file can be deleted at any time; then the clock begins anew.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from ganlib.errors import WorkError
from ganlib.names import METRICS
from sweep.formatting import brief, clock, count, trial_numbers, value
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial, ranked
from sweep.spec.specification import Spec
from sweep.storage import layout
from sweep.storage.folder import Folder

WRITE_SECONDS = 5.0
LATE_SECONDS = 60.0
"""The age of a written clock above which the time since does not count as running."""


class Shown(Protocol):
    """A sweep as views need it: a `Director`, or a `sweep.commands.watch.Watched`."""

    @property
    def spec(self) -> Spec:
        """Specification of the sweep."""

    @property
    def info(self) -> SweepInfo:
        """Facts of the sweep."""

    @property
    def trials(self) -> Mapping[int, Trial]:
        """All trials so far, by number."""


@dataclass(frozen=True)
class Noted:
    """The content of ``progress.json``.

    Attributes:
        elapsed: Seconds for which trials have run, over all resumes.
        time: When the file was written, in seconds since the epoch by the clock of the driver's machine.
        kimg: How far each running trial was, in kimg, by number; None where nothing was written yet.
    """

    elapsed: float = 0.0
    time: float = 0.0
    kimg: Mapping[int, float] | None = None

    @classmethod
    def read(cls, folder: Folder) -> "Noted | None":
        """Read ``progress.json`` of a sweep's folder; None where the file is missing or damaged."""
        try:
            noted = json.loads(folder.read(layout.PROGRESS))
            kimg = {int(trial): float(value) for trial, value in noted["kimg"].items()}
            return cls(float(noted["elapsed"]), float(noted["time"]), kimg)
        except (WorkError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def elapsed_now(self, running: bool) -> float:
        """Say how many seconds trials have run by now.

        Args:
            running: Whether a driver runs the sweep, so that the time since the writing counts.
        """
        since = time.time() - self.time
        return self.elapsed + (since if running and 0 < since < LATE_SECONDS else 0.0)


class Clock:
    """The clock of a sweep that runs in this process, set to the time that the last driver has written.

    Args:
        folder: The folder of the sweep.
        trials: All trials of the sweep by number, read at every writing.
    """

    def __init__(self, folder: Folder, trials: Mapping[int, Trial]) -> None:
        self._folder, self._trials = folder, trials
        self._before = (Noted.read(folder) or Noted()).elapsed
        self._started = time.monotonic()
        self._written = self._started

    def elapsed(self) -> float:
        """Say how many seconds trials have run, over all resumes."""
        return self._before + time.monotonic() - self._started

    def beat(self) -> None:
        """Write the clock if the last writing is more than `WRITE_SECONDS` ago."""
        if time.monotonic() - self._written > WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Write the clock and how far running trials are; ignore a full disk, which the director reports."""
        self._written = time.monotonic()
        kimg = {
            trial.number: reached(trial) for trial in self._trials.values() if trial.status is Status.RUNNING
        }
        noted = {"elapsed": round(self.elapsed(), 3), "time": time.time(), "kimg": kimg}
        with suppress(WorkError):
            self._folder.write(layout.PROGRESS, json.dumps(noted).encode())


def short_params(params: dict[str, Any]) -> str:
    """Write the searched values of a trial in one line, without their sections: ``lr_g=0.0002 loss=bce``."""
    parts = []
    for path, item in params.items():
        shown = value(item) if isinstance(item, float | dict) else str(item)
        parts.append(f"{path.partition('.')[2]}={shown}")
    return " ".join(parts)


def described(trial: Trial) -> str:
    """Put a trial's result in words: the metric with its error, the number of pictures, and the generator's kimg."""
    result = trial.result or {}
    if trial.value is None:
        return str(result.get("problem") or "no finite number")
    error = METRICS[trial.metric].error
    told = f" ± {brief(result[error])}" if error else ""
    name = METRICS[trial.metric].name(result.get("extractor") or "")
    return (
        f"{name} {brief(trial.value)}{told} on {result['n_fake']} pictures, of the generator at "
        f"{result['kimg']:.1f} kimg"
    )


def metric_label(director: Shown) -> str:
    """Name a sweep's metric with its extractor: an EfficientNet FID is never called plain FID."""
    extractor = director.info.extractor
    return f"{METRICS[director.spec.search.metric].name(extractor)} ({extractor})"


def best_trial(director: Shown) -> Trial | None:
    """Find the best trial of a sweep; None where none has a value, or all that have one break a wish.

    It is no collapsed or failed one, and its result breaks no wish.
    """
    return next((trial for trial in ranked(director.trials.values()) if not trial.broken), None)


def outcomes(trials: Iterable[Trial]) -> dict[str, int]:
    """Count trials by how they ended: the verdict of those that collapsed, or the status."""
    return dict(Counter(str(trial.verdict or trial.status) for trial in trials))


def outcome(director: Shown, seconds: float) -> Iterator[str]:
    """Say how a sweep went, and which trial is the best.

    Args:
        director: Of the sweep.
        seconds: What its clock shows.
    """
    told = ", ".join(f"{n} {what}" for what, n in outcomes(director.trials.values()).items())
    yield f"\n{count(len(director.trials), 'trial')} in {clock(seconds)}: {told or 'none'}"
    best = best_trial(director)
    if best and best.value is not None:
        yield f"best: trial {best.number}, {described(best)}"
    elif best and best.best:
        label, seen = metric_label(director), best.best
        where = f"on {seen.n_fake} pictures at {seen.kimg:.1f} kimg"
        yield f"best so far: trial {best.number}, {label} {brief(seen.value)} {where}"


def shortfall(director: Shown) -> list[str]:
    """Say in a sentence each what the trials of a sweep lack of its wishes."""
    ahead = ranked(director.trials.values())
    told = [trial for trial in ahead if trial.broken]
    if not told:
        return []
    if len(told) == len(ahead):
        return [
            f"no trial fulfils the wishes; the nearest is trial {told[0].number}: {'; '.join(told[0].broken)}"
        ]
    return [f"not ranked, because they break a wish: {trial_numbers(trial.number for trial in told)}"]


def reached(trial: Trial) -> float:
    """Say how far a trial is, in kimg, also between two evaluations."""
    return max(trial.kimg, trial.now_kimg)


class Progress:
    """The progress of a sweep, with an estimate of the time left.

    Args:
        director: The sweep.
        elapsed: Gives the seconds for which trials have run, over all resumes.
    """

    def __init__(self, director: Shown, elapsed: Callable[[], float]) -> None:
        self.director, self._elapsed = director, elapsed

    @property
    def elapsed(self) -> float:
        """Seconds for which trials have run, over all resumes."""
        return self._elapsed()

    def eta(self) -> float | None:
        """Estimate the seconds left from the mean length of the ended trials; None before a trial has ended."""
        trials = list(self.director.trials.values())
        ended = [trial.kimg for trial in trials if not trial.unfinished]
        done = sum(reached(trial) for trial in trials)
        if not ended or done <= 0 or self.elapsed <= 0:
            return None
        mean = sum(ended) / len(ended)
        waiting = max(self.director.info.trials - len(trials), 0)
        left = self.director.spec.search.seconds - self.elapsed
        open_trials = [max(mean - reached(trial), 0) for trial in trials if trial.unfinished]
        return min((sum(open_trials) + waiting * mean) * self.elapsed / done, max(left, 0.0))
