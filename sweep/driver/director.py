"""The mind of a running sweep: which trial next, what to record, who goes on.

Both runners, Ray and local, drive one `Director`: they fetch assignments, hand in reports, and do what it says.
It is the only writer of the sweep's records, and every decision is written down before it is acted on, so that
`sweep.driver.recovery` can rebuild it from the folder alone.
"""

import contextlib
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sweep.driver.events import Event, Failure, Next
from sweep.driver.rungs import Rungs
from sweep.records.datasets import Store
from sweep.records.journal import Records
from sweep.records.retention import after_sweep, after_trial
from sweep.records.snapshots import candidates
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial
from sweep.search.study import Study
from sweep.search.trial_source import PastTrial, TrialSource, outcome
from sweep.spec.specification import Spec
from sweep.storage.folder import Folder, StorageError

MOST_SHARE = 2.0
"""A trial that ran out of memory gets this many times its share, once."""


class Director:
    """Hands out trials and judges reports.

    Args:
        spec: the sweep.
        folder: where it lives.
        store: its records.
        info: its facts: pictures, budget, metric.
        owner: the lease under which trials run.
        gpu: of each trial, after what the machine has.
        threads: of each trial on a CPU.
        largest_share: how many times that a trial could get at most.
        fits: whether a trial with some share would start at once beside those that are live (their shares by trial
            and attempt). None is drawn before there is room for it, so that the sampler knows all that it can.
        watch: told of every `Event`.

    Attributes:
        halted: Why nothing more can be recorded; None while it can.
    """

    def __init__(
        self,
        spec: Spec,
        folder: Folder,
        store: Store,
        info: SweepInfo,
        owner: str,
        gpu: float,
        threads: int,
        largest_share: float = 1.0,
        fits: Callable[[Mapping[tuple[int, int], float], float], bool] = lambda live, share: False,
        watch: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.spec, self.folder, self.records = spec, folder, Records(store)
        self.info, self.owner, self.gpu, self.threads = info, owner, gpu, threads
        self.largest_share, self.fits, self.watch = min(largest_share, MOST_SHARE), fits, watch
        self.trials: dict[int, Trial] = {}
        self.stopping = False
        self.halted: str | None = None
        self.queue: deque[int] = deque()
        self._live: set[int] = set()
        self.rungs = Rungs(store, info.rungs, spec.asha.reduction if spec.asha else None)
        self.study: TrialSource

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
        try:
            return self._next()
        except StorageError as error:
            self.halt(str(error))
            return Next.DONE

    def _next(self) -> "dict[str, Any] | Next":
        if self.stopping:
            return Next.WAIT if self._live else Next.DONE
        share = self.trials[self.queue[0]].share if self.queue else 1.0
        live = {(number, self.trials[number].attempt): self.trials[number].share for number in self._live}
        if live and not self.fits(live, share):
            return Next.WAIT
        if self.queue:
            return self._assign(self.trials[self.queue.popleft()])
        asked = self.study.ask()
        if asked is None:
            return Next.WAIT if self._live else Next.DONE
        seed = (
            (self.spec.search.seed * 1_000_003 + asked.number) % 2**31 if asked.seed is None else asked.seed
        )
        trial = Trial(asked.number, dict(asked.params), seed, self.spec.search.metric)
        self.trials[trial.number] = trial
        return self._assign(trial)

    def _budget(self, trial: Trial) -> float:
        return self.spec.trial_budget(trial.params, self.info.schedule)

    def _assign(self, trial: Trial) -> dict[str, Any]:
        trial.attempt += 1
        if not trial.due:  # that one has ended, and only its result is to be measured
            trial.status = Status.RUNNING
        config = self.spec.trial_config(trial.params, self.info.schedule).model_dump(mode="json")
        started = {"started": time.time()} if trial.attempt == 0 else {}
        params = {f"param.{path}": value for path, value in trial.params.items()}
        self.records.put(
            trial,
            seed=trial.seed,
            config=json.dumps(config),
            params=json.dumps(trial.params),
            **started,
            **params,
        )
        self._live.add(trial.number)  # only now: a trial whose start is not on record is none
        if not trial.due:
            self.watch(Event("start", trial))
        kept = candidates(trial.seen, trial.metric) if trial.due else None
        return {
            "sweep": self.folder.url,
            "owner": self.owner,
            "trial": trial.number,
            "attempt": trial.attempt,
            "seed": trial.seed,
            "metric": self.spec.search.metric,
            "config": config,
            "data_hash": self.info.data_hash,
            "threads": self.threads,
            "gpu": min(self.gpu * trial.share, max(self.gpu, 1.0)),
            "share": trial.share,
            "timeout": self.spec.resources.timeout,
            "seen_kimg": trial.kimg if trial.last_row else -1.0,
            "conclude": None if kept is None else [asdict(one) for one in kept],
            "floor": [asdict(floor) for floor in self.info.floor],
        }

    # ---- judging -----------------------------------------------------------------------------------------

    def report(self, report: Mapping[str, Any]) -> bool:
        """Record what a trial says (a `sweep.worker.trial_run.Report` as a dict); returns whether it goes on.

        A report of a superseded attempt is refused: its worker was thought dead, and is told to stop.
        """
        trial = self.trials[report["trial"]]
        if report["pulse"] and self._counts(trial, report["attempt"]):
            trial.now_kimg = report["kimg"]
            return self.halted is None
        try:
            return self._judge(trial, report)
        except StorageError as error:
            self.halt(str(error))
            return False

    def _counts(self, trial: Trial, attempt: int) -> bool:
        """Whether an attempt is the one that the trial is in."""
        return attempt == trial.attempt and trial.number in self._live

    def _judge(self, trial: Trial, report: Mapping[str, Any]) -> bool:
        if not self._counts(trial, report["attempt"]):
            self.records.event(trial, "stale_report", {"attempt": report["attempt"]})
            return False
        place = {"device": report["device"], "node": report["node"]}
        if report["result"]:
            self._conclude(trial, report, **place)
            return False
        if report["interrupted"]:
            self._pause(trial, **place)
            return False
        if trial.due:  # its worker could not read that it has ended
            self._queue(trial)
            return False
        self._record(trial, report)
        if report["verdict"]:
            kind = "rollback" if report["rolled_back"] else "collapse"
            self.records.event(trial, kind, report["verdict"])
            if not report["rolled_back"]:
                trial.verdict = report["verdict"]["kind"]
                return self._end(trial, Status.COLLAPSED, **place)
            self.watch(Event("rollback", trial, report["verdict"]))
        stop = self._stopped_at_rung(trial, report["kimg"], report["value"])
        if stop or report["last"]:
            return self._end(trial, Status.STOPPED if stop else Status.FINISHED, **place)
        self.records.put(trial, **place)
        self.watch(Event("evaluation", trial, report["row"]))
        if self.halted is not None:
            self._pause(trial, **place)
        return self.halted is None

    def _record(self, trial: Trial, report: Mapping[str, Any]) -> None:
        if not self.records.evaluation(report["row"], report["sample"]):
            return  # on record already: handed in again after a crash
        trial.add(report["row"])
        if report["suspicion"]:
            self.records.event(trial, "under_floor", report["suspicion"])

    def _conclude(self, trial: Trial, report: Mapping[str, Any], **columns: Any) -> None:  # noqa: ANN401
        """Take in the result of a trial that has ended."""
        if report["suspicion"]:
            self.records.event(trial, "under_floor", report["suspicion"])
        if problem := report["result"].get("problem"):
            self.records.event(trial, "no_result", {"reason": problem})
        self._close(trial, report["result"], **columns)

    def _close(self, trial: Trial, result: Mapping[str, Any], **columns: Any) -> None:  # noqa: ANN401
        """Write down the result of a trial, and tell everybody who waits for it."""
        trial.conclude(self.records.result(trial, result))
        self._live.discard(trial.number)
        self.records.put(trial, **columns)
        self.watch(Event("result", trial, dict(result)))
        self._settle(trial)

    def _stopped_at_rung(self, trial: Trial, kimg: float, value: float | None) -> bool:
        """A trial's last evaluation is measured in full, as others at a rung are not: it is compared with none."""
        if self.info.ladder and kimg >= self._budget(trial):
            return False
        return self.rungs.stops(trial, kimg, value)

    def fail(self, number: int, attempt: int, reason: str, kind: Failure = "died") -> None:
        """A trial's worker gave up: try again from its checkpoint, or give the trial up."""
        trial = self.trials[number]
        if self._counts(trial, attempt):
            try:
                self._fail(trial, reason, kind)
            except StorageError as error:
                self.halt(str(error))

    def _fail(self, trial: Trial, reason: str, kind: Failure) -> None:
        if kind == "storage":
            self.halt(reason)
        if self.stopping:
            self._pause(trial, failure=reason)
            return
        more = kind == "memory" and trial.share < self.largest_share
        if more:
            trial.share = self.largest_share
        else:
            trial.failures += 1
        again = more or (
            kind in ("died", "hung", "error") and trial.failures <= self.spec.resources.max_failures
        )
        if kind == "memory" and not more:
            reason += (
                f". It had {trial.share:g} times the spec's resources: lower train.batch_size, model.width or "
                "evaluate.batch_size, or give each trial more (resources.gpu, or resources.cpu for host memory)"
            )
        detail = {"reason": reason, "kind": kind, "failures": trial.failures, "share": trial.share}
        self.records.event(trial, "restart" if again else "failure", detail)
        if again:
            self._queue(trial)
            self.records.put(trial)
            self.watch(Event("restart", trial, detail))
        elif trial.due:
            self._close(trial, {"problem": f"it could not be measured: {reason}"})
        elif self._end(trial, Status.FAILED, failure=reason):
            self._queue(trial)  # its worker is gone, and its best generator is not

    def interrupt(self) -> None:
        """Start no more trials; the running ones are told through the lease."""
        self.stopping = True

    def halt(self, reason: str) -> None:
        """Nothing can be recorded any more: stop, and leave everything as it can be resumed."""
        self.stopping = True
        if self.halted is None:
            self.halted = reason
            self.watch(Event("halt", None, {"reason": reason}))

    def abandon(self) -> None:
        """The runner has ended; whatever it left running or waiting is interrupted, and can be resumed."""
        waiting = {number for number in self.queue if self.trials[number].status is Status.RUNNING}
        for number in sorted(self._live | waiting):
            # What cannot be written stays "running" in the records, and is taken up all the same.
            with contextlib.suppress(StorageError):
                self._pause(self.trials[number])
        if not self.stopping and not any(trial.unfinished or trial.due for trial in self.trials.values()):
            after_sweep(self.folder, self.spec.keep, self.trials.values())

    def _pause(self, trial: Trial, **columns: Any) -> None:  # noqa: ANN401
        """Leave a trial as it can be resumed; one that has ended already stays what it is."""
        self._live.discard(trial.number)
        if trial.unfinished:
            trial.status = Status.INTERRUPTED
            self.records.put(trial, ended=time.time(), **columns)
            self.watch(Event(Status.INTERRUPTED, trial, columns))

    def _end(self, trial: Trial, status: Status, **columns: Any) -> bool:  # noqa: ANN401
        """Write down how a trial ended; returns whether its result is to be measured now."""
        trial.status = status
        self.records.put(trial, ended=time.time(), **columns)
        self.watch(Event(status, trial, columns))
        if trial.due and self.halted is None:
            return True
        self._live.discard(trial.number)
        if not trial.due:
            self._settle(trial)
        return False

    def _queue(self, trial: Trial) -> None:
        """Hand a trial out again; its present worker does not go on."""
        self._live.discard(trial.number)
        self.queue.append(trial.number)

    def _settle(self, trial: Trial) -> None:
        """Tell the study of a trial, and drop the files that nobody needs any more."""
        self.study.tell(outcome(trial, self.info.rungs))
        after_trial(self.folder, self.spec.keep, trial)
        self.records.settled()

    # ---- coming back -------------------------------------------------------------------------------------

    def take_up(self, trials: Mapping[int, Trial], stopped: set[int]) -> None:
        """Go on with these; ``stopped`` are those whose stop is on record, but perhaps not their end."""
        self.trials = dict(trials)
        for trial in self.trials.values():
            trial.share = min(trial.share, self.largest_share)  # of machines that may be smaller now
            if trial.due or (trial.unfinished and self._goes_on(trial, trial.number in stopped)):
                self.queue.append(trial.number)

    def _goes_on(self, trial: Trial, stopped: bool) -> bool:
        """Finish the bookkeeping of an unfinished trial that a crash cut short; whether it is to be handed out."""
        for one in trial.seen:
            stopped = stopped or self._stopped_at_rung(trial, one.kimg, one.value)
        if trial.verdict:
            return self._end(trial, Status.COLLAPSED)
        if stopped:
            return self._end(trial, Status.STOPPED)
        if trial.kimg >= self._budget(trial):
            return self._end(trial, Status.FINISHED)
        return True
