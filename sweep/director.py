"""The mind of a running sweep: which trial next, what to record, who goes on.

Both runners, Ray and local, drive one `Director`: they fetch assignments, hand in reports, and do what it says.
It is the only writer of the sweep's records, and every decision is written down before it is acted on, so that
`Director.resume` can rebuild it from the folder alone.
"""

import enum
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ganlib.config import TrialConfig
from sweep.asha import Asha
from sweep.search import Asked, PastTrial, State, Study
from sweep.spec import Spec
from sweep.storage import Folder
from sweep.store import Store
from sweep.trials import Status, Trial, end_state

MAX_FAILURES = 2
"""A trial whose worker dies is tried again this often, from its last checkpoint."""


class Next(enum.Enum):
    """Why there is no assignment."""

    WAIT = "wait"
    DONE = "done"


@dataclass(frozen=True)
class Event:
    """Something a person or a program may want to see."""

    kind: str
    trial: Trial | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


class Asking(Protocol):
    """Where trials come from: an Optuna study, or a list (`sweep.confirm`)."""

    def ask(self) -> Asked | None:
        """The next trial; None when there is no more."""

    def tell(
        self,
        number: int,
        state: State,
        value: float | None = None,
        values: Sequence[tuple[float, float]] = (),
        attrs: Mapping[str, Any] | None = None,
    ) -> None:
        """How a trial ended; see `sweep.search.Study.tell`."""


class Director:
    """Hands out trials and judges reports.

    Args:
        spec: the sweep.
        folder: where it lives.
        store: its records.
        info: ``sweep.json``: pictures, budget, metric.
        owner: the lease under which trials run.
        gpu: of each trial, after what the machine has.
        threads: of each trial on a CPU.
        room: how many trials may run at a time, now. No trial is drawn before there is room for it, so that the
            sampler knows all that it can.
        watch: told of every `Event`.
    """

    def __init__(
        self,
        spec: Spec,
        folder: Folder,
        store: Store,
        info: Mapping[str, Any],
        owner: str,
        gpu: float,
        threads: int,
        room: Callable[[], int] = lambda: 1,
        watch: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.spec, self.folder, self.store = spec, folder, store
        self.info, self.owner, self.gpu, self.threads = info, owner, gpu, threads
        self.room, self.watch = room, watch
        self.trials: dict[int, Trial] = {}
        self.stopping = False
        self._queue: deque[int] = deque()
        self._live: set[int] = set()
        self.asha = Asha(info["rungs"], spec.asha.reduction) if spec.asha else None
        self.study: Asking

    def begin(self, study: Path) -> None:
        """Start a new sweep, with its Optuna study in the file ``study``."""
        spec = self.spec
        self.study = Study.create(study, spec.name, spec.space, spec.search, spec.configs)

    def rebuild(self, study: Path, past: Sequence[PastTrial]) -> None:
        """Put all trials so far into a new study in the file ``study``: the old one may have been torn."""
        spec = self.spec
        self.study = Study.rebuild(study, spec.name, spec.space, spec.search, past, spec.configs)

    # ---- handing out -------------------------------------------------------------------------------------

    def next(self) -> "dict[str, Any] | Next":
        """The next assignment as plain values, or why there is none."""
        if self.stopping:
            return Next.WAIT if self._live else Next.DONE
        if len(self._live) >= self.room():
            return Next.WAIT
        if self._queue:
            return self._assign(self.trials[self._queue.popleft()])
        asked = self.study.ask()
        if asked is None:
            return Next.WAIT if self._live else Next.DONE
        seed = (
            (self.spec.search.seed * 1_000_003 + asked.number) % 2**31 if asked.seed is None else asked.seed
        )
        trial = Trial(asked.number, dict(asked.params), seed)
        self.trials[trial.number] = trial
        return self._assign(trial)

    def _config(self, trial: Trial) -> TrialConfig:
        config = self.spec.resolve(trial.params)
        train = config.train.model_copy(update={"kimg": self._budget(trial), "epochs": None})
        return config.model_copy(update={"train": train})

    def _budget(self, trial: Trial) -> float:
        return self.spec.trial_budget(trial.params, self.info["images"], self.info["budget"])

    def _assign(self, trial: Trial) -> dict[str, Any]:
        trial.attempt += 1
        trial.status = "running"
        self._live.add(trial.number)
        config = self._config(trial).model_dump(mode="json")
        started = {"started": time.time()} if trial.attempt == 0 else {}
        params = {f"param.{path}": value for path, value in trial.params.items()}
        self._put(
            trial,
            seed=trial.seed,
            config=json.dumps(config),
            params=json.dumps(trial.params),
            **started,
            **params,
        )
        self.watch(Event("start", trial))
        return {
            "sweep": self.folder.url,
            "owner": self.owner,
            "trial": trial.number,
            "attempt": trial.attempt,
            "seed": trial.seed,
            "metric": self.spec.search.metric,
            "config": config,
            "data_hash": self.info["data_hash"],
            "threads": self.threads,
            "gpu": self.gpu,
            "seen_kimg": trial.kimg if trial.last_row else -1.0,
        }

    # ---- judging -----------------------------------------------------------------------------------------

    def report(self, report: Mapping[str, Any]) -> bool:
        """Record what a trial says (a `sweep.trial.Report` as a dict); returns whether it goes on.

        A report of a superseded attempt is refused: its worker was thought dead, and is told to stop.
        """
        trial = self.trials[report["trial"]]
        if report["attempt"] != trial.attempt or trial.number not in self._live:
            self._event(trial, "stale_report", {"attempt": report["attempt"]})
            return False
        place = {"device": report["device"], "node": report["node"]}
        if report["interrupted"]:
            self._end(trial, "interrupted", **place)
            return False
        self._record(trial, report)
        if report["verdict"]:
            trial.verdict = report["verdict"]["kind"]
            self._event(trial, "collapse", report["verdict"])
            self._end(trial, "collapsed", **place)
            return False
        stop = self._stopped_by_asha(trial, report["kimg"], report["value"])
        if stop or report["last"]:
            self._end(trial, "stopped" if stop else "finished", **place)
            return False
        self._put(trial, **place)
        self.watch(Event("evaluation", trial, report["row"]))
        return True

    def _record(self, trial: Trial, report: Mapping[str, Any]) -> None:
        row = report["row"]
        self.store.add("samples", report["sample"])
        # Last, because with it the evaluation counts as recorded.
        if not self.store.add("metrics", row):
            return  # on record already: handed in again after a crash
        trial.add(row, None if report["verdict"] else report["value"])

    def _stopped_by_asha(self, trial: Trial, kimg: float, value: float | None) -> bool:
        if self.asha is None or value is None:
            return False
        decision = self.asha.record(trial.number, kimg, value)
        for index, entered in decision.entries:
            trial.rung = index
            self.store.add(
                "rungs",
                {
                    "trial": trial.number,
                    "attempt": trial.attempt,
                    "rung": index,
                    "rung_kimg": self.asha.rungs[index],
                    "kimg": kimg,
                    "value": entered,
                    "cutoff": decision.cutoff,
                    "stopped": decision.stop and index == decision.rung,
                },
            )
        return decision.stop

    def fail(self, number: int, attempt: int, reason: str, retry: bool = True) -> None:
        """A trial's worker died or raised: try again from its checkpoint, or give it up."""
        trial = self.trials[number]
        if attempt != trial.attempt or number not in self._live:
            return
        trial.failures += 1
        again = retry and trial.failures <= MAX_FAILURES and not self.stopping
        self._event(trial, "restart" if again else "failure", {"reason": reason, "failures": trial.failures})
        if again:
            self._live.discard(number)
            self._queue.append(number)
            self.watch(Event("restart", trial, {"reason": reason}))
        elif self.stopping:
            self._end(trial, "interrupted", failure=reason)
        else:
            self._end(trial, "failed", failure=reason)

    def interrupt(self) -> None:
        """Start no more trials; the running ones are told through the lease."""
        self.stopping = True

    def abandon(self) -> None:
        """The runner has ended; whatever it left running or waiting is interrupted, and can be resumed."""
        waiting = {number for number in self._queue if self.trials[number].status == "running"}
        for number in sorted(self._live | waiting):
            self._end(self.trials[number], "interrupted")

    def _end(self, trial: Trial, status: Status, **columns: Any) -> None:  # noqa: ANN401
        trial.status = status
        self._live.discard(trial.number)
        self._put(trial, ended=time.time(), **columns)
        if status != "interrupted":
            past = trial.outcome()
            self.study.tell(trial.number, end_state(past), past.value, past.values, past.attrs)
            # Only what can still be resumed needs its full checkpoint; the best generator stays.
            place = f"checkpoints/{trial.number:05d}"
            for name in self.folder.names(place):
                if name.endswith(".ckpt"):
                    self.folder.delete(f"{place}/{name}")
        self.watch(Event(status, trial, columns))

    # ---- records -----------------------------------------------------------------------------------------

    def _put(self, trial: Trial, **columns: Any) -> None:  # noqa: ANN401
        self.store.put_trial(trial.row() | columns)

    def _event(self, trial: Trial, kind: str, detail: Mapping[str, Any]) -> None:
        row = {"trial": trial.number, "attempt": trial.attempt, "kimg": trial.kimg, "kind": kind}
        self.store.add("events", row | {"detail": dict(detail)})

    # ---- coming back -------------------------------------------------------------------------------------

    def restore(self, study: Path) -> None:
        """Take up what the folder remembers: trials, rungs, and decisions that a crash cut short.

        The Optuna study is written anew into the file ``study``, from the trials.
        """
        metric = self.spec.search.metric
        rows: dict[int, list[dict[str, Any]]] = {}
        for row in self.store.rows("metrics"):
            rows.setdefault(row["trial"], []).append(row)
        for record in self.store.rows("trials"):
            trial = Trial.remembered(record, rows.get(record["trial"], []), metric)
            self.trials[trial.number] = trial
        past = [self.trials[number].outcome() for number in sorted(self.trials)]
        self.rebuild(study, past)
        # In the order of arrival: a verdict depends on who was there before.
        entries = sorted(self.store.rows("rungs"), key=lambda entry: entry["time"])
        if self.asha:
            self.asha.load((entry["rung_kimg"], entry["trial"], entry["value"]) for entry in entries)
        stopped = {entry["trial"] for entry in entries if entry["stopped"]}
        for trial in self.trials.values():
            if trial.unfinished:
                self._continue(trial, trial.number in stopped)

    def _continue(self, trial: Trial, stopped: bool) -> None:
        """Finish the bookkeeping of an unfinished trial, or queue it."""
        for kimg, value in trial.values:
            stopped = stopped or self._stopped_by_asha(trial, kimg, value)
        if stopped:
            self._end(trial, "stopped")
        elif trial.kimg >= self._budget(trial):
            self._end(trial, "finished")
        else:
            self._queue.append(trial.number)
