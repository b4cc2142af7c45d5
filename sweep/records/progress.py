"""How far a sweep is: its clock, which stands still while nobody runs it, and where each trial is at this moment.

The driver writes both every `WRITE_SECONDS` into ``progress.json``, for those who look on from elsewhere and for
whoever goes on with the sweep. The file can be deleted at any time; then the clock begins anew.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from ganlib.errors import WorkError
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial
from sweep.spec.specification import Spec
from sweep.storage import layout
from sweep.storage.folder import Folder

WRITE_SECONDS = 5.0
LATE_SECONDS = 60.0
"""A clock that was written longer ago than this is not taken to have gone on since."""


class Shown(Protocol):
    """What a view needs of a sweep: a `Director` has it, and so has `sweep.commands.watch.Watched`."""

    @property
    def spec(self) -> Spec:
        """What was asked for."""

    @property
    def info(self) -> SweepInfo:
        """The facts of the sweep."""

    @property
    def trials(self) -> Mapping[int, Trial]:
        """All trials so far."""


@dataclass(frozen=True)
class Noted:
    """The content of the file.

    Attributes:
        elapsed: Seconds for which trials have run, over all resumes.
        time: When that was written, in seconds since the epoch by the driver's clock.
        kimg: How far each running trial was.
    """

    elapsed: float = 0.0
    time: float = 0.0
    kimg: Mapping[int, float] | None = None

    @classmethod
    def read(cls, folder: Folder) -> "Noted | None":
        """What the file says; None where there is none, or one that is damaged."""
        try:
            noted = json.loads(folder.read(layout.PROGRESS))
            kimg = {int(trial): float(value) for trial, value in noted["kimg"].items()}
            return cls(float(noted["elapsed"]), float(noted["time"]), kimg)
        except (WorkError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def elapsed_now(self, running: bool) -> float:
        """What the sweep's clock shows now."""
        since = time.time() - self.time
        return self.elapsed + (since if running and 0 < since < LATE_SECONDS else 0.0)


class Clock:
    """The clock of a sweep that runs here; it goes on where the last driver's stood."""

    def __init__(self, folder: Folder, trials: Mapping[int, Trial]) -> None:
        self._folder, self._trials = folder, trials
        self._before = (Noted.read(folder) or Noted()).elapsed
        self._started = time.monotonic()
        self._written = self._started

    def elapsed(self) -> float:
        """Seconds for which trials have run, over all resumes."""
        return self._before + time.monotonic() - self._started

    def beat(self) -> None:
        """Called often; writes now and then."""
        if time.monotonic() - self._written > WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Write it down; a disk that is full is for the director to meet and tell."""
        self._written = time.monotonic()
        kimg = {
            trial.number: reached(trial) for trial in self._trials.values() if trial.status is Status.RUNNING
        }
        noted = {"elapsed": round(self.elapsed(), 3), "time": time.time(), "kimg": kimg}
        with suppress(WorkError):
            self._folder.write(layout.PROGRESS, json.dumps(noted).encode())


def number(value: float | None) -> str:
    """A metric or a loss in few characters."""
    if value is None:
        return "-"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"


def short_params(params: dict[str, Any]) -> str:
    """The searched values of a trial in one line, without their sections."""
    parts = []
    for path, value in params.items():
        shown = f"{value:.3g}" if isinstance(value, float) else str(value)
        parts.append(f"{path.rsplit('.', 1)[-1]}={shown}")
    return " ".join(parts)


def duration(seconds: float) -> str:
    """Such as ``1:02:03`` or ``4:05``."""
    minutes, secs = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def described(trial: Trial) -> str:
    """A trial's result in words: the metric with its error, on how many pictures, and where its best was."""
    result = trial.result or {}
    if trial.value is None:
        return str(result.get("problem") or "no finite number")
    error = f" ± {number(result['kid_se'])}" if trial.metric == "kid" else ""
    return (
        f"{trial.metric.upper()} {number(trial.value)}{error} on {result['n_fake']} pictures, of the generator at "
        f"{result['kimg']:.1f} kimg"
    )


def metric_label(director: Shown) -> str:
    """The metric with its extractor: an EfficientNet FID is never called plain FID."""
    return f"{director.spec.search.metric.upper()} ({director.info.extractor})"


def best_trial(director: Shown) -> Trial | None:
    """The trial with the best value; collapsed and failed ones never win."""
    able = [t for t in director.trials.values() if t.best and not t.status.out_of_play]
    return min(able, key=lambda trial: trial.standing, default=None)


def reached(trial: Trial) -> float:
    """How far a trial is, in kimg, also between two evaluations."""
    return max(trial.kimg, trial.now_kimg)


class Progress:
    """How far a sweep is, and about how long it will still take; ``elapsed`` is its clock, in seconds."""

    def __init__(self, director: Shown, elapsed: Callable[[], float]) -> None:
        self.director, self._elapsed = director, elapsed

    @property
    def elapsed(self) -> float:
        """Seconds for which trials have run, over all resumes."""
        return self._elapsed()

    def eta(self) -> float | None:
        """Seconds left: what ended trials took on average, for all that is still to come; None at first."""
        trials = list(self.director.trials.values())
        ended = [trial.kimg for trial in trials if not trial.unfinished]
        done = sum(reached(trial) for trial in trials)
        if not ended or done <= 0 or self.elapsed <= 0:
            return None
        mean = sum(ended) / len(ended)
        waiting = self.director.spec.search.trials - len(trials)
        open_trials = [max(mean - reached(trial), 0) for trial in trials if trial.unfinished]
        return (sum(open_trials) + waiting * mean) * self.elapsed / done
