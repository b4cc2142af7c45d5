"""The mind of a running sweep: which trial next, what to record, who goes on.

Both runners, Ray and local, drive one `Director`: they fetch assignments, hand in reports, and do what it says.
It is the only writer of the sweep's records, and every decision is written down before it is acted on, so that
`sweep.driver.recovery` can rebuild it from the folder alone.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sweep.driver.assignments import assignment_for, columns_of, first_events, trial_of
from sweep.driver.endings import Endings
from sweep.driver.events import Event, Next
from sweep.driver.hours import Hours
from sweep.driver.retries import after
from sweep.driver.room import Attempt, OneAtATime, Room
from sweep.driver.rungs import Rungs
from sweep.records.datasets import Store
from sweep.records.event_kind import EventKind
from sweep.records.journal import Records
from sweep.records.retention import after_sweep, after_trial
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial
from sweep.search.trial_source import TrialSource, outcome
from sweep.spec.specification import Spec
from sweep.storage.folder import StorageError
from sweep.worker.messages import Assignment, Evaluated, Fault, Measured, Paused, Pulse, Report


class Director:
    """Hands out trials and judges reports.

    Args:
        spec: The sweep.
        info: Its facts.
        store: Its records.
        source: Where trials come from.
        owner: The lease under which trials run.
        room: The machines that they run on.
        watch: Told of every `Event`.

    Attributes:
        trials: All so far, by number.
        stopping: Whether no more trials are handed out.
        hours: The time that the sweep has.
        halted: Why nothing more can be recorded; None while it can.
    """

    def __init__(
        self,
        spec: Spec,
        info: SweepInfo,
        store: Store,
        source: TrialSource,
        owner: str,
        room: Room | None = None,
        watch: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.spec, self.info, self.source, self.owner = spec, info, source, owner
        self.records, self.folder, self.room = Records(store), store.folder, room or OneAtATime()
        self.watch, self.stopping = watch, False
        self.trials: dict[int, Trial] = {}
        self.halted: str | None = None
        self.hours, self.rungs = Hours(), Rungs(store, spec, info)
        self.endings = Endings(self.rungs, self.hours)
        self._queue: deque[int] = deque()
        self._live: dict[Attempt, float] = {}  # and the share of the resources that each has

    def next(self) -> Assignment | Next:
        """Hand out the next assignment, or say why there is none."""
        with self._or_halt():
            return self._next()
        return Next.DONE

    def _next(self) -> Assignment | Next:
        idle = Next.WAIT if self._live else Next.DONE
        if self.stopping:
            return idle
        # Who needs more than any machine has now waits for a larger one, as long as there is something else to do.
        able = [one for one in self._queue if self.trials[one].share <= self.room.largest_share]
        if self._live and not self.room.fits(self._live, self.trials[able[0]].share if able else 1.0):
            return Next.WAIT
        if not able and ((made := self._another()) or self._live or not self._queue):
            return made or idle
        number = (able or self._queue)[0]
        self._queue.remove(number)
        return self._assign(self.trials[number])

    def _another(self) -> Assignment | None:
        """Begin a trial, or let one go on that waits at a rung; None where there is none."""
        if not self.hours.enough():
            return None
        again = self.rungs.promoted(self.trials, late=self.hours.late(len(self.trials), self.info.trials))
        if again is None and (asked := self.source.ask()) is not None:
            trial = self.trials[asked.number] = trial_of(asked, self.spec.search)
            self.records.begin(trial)
            return self._assign(trial, asked.refused)
        if again is None and not self._live and not self._queue:
            again = self.rungs.promoted(self.trials, at_the_end=True)
        if again is None:
            return None
        trial = self.trials[again]  # that was stopped at a rung
        self.records.open_again(trial, EventKind.PROMOTED, {"rung": trial.rung})
        self.rungs.let_go_on(trial)
        self.source.reopen(again)
        return self._assign(trial)

    def _assign(self, trial: Trial, refused: Sequence[str] = ()) -> Assignment:
        trial.attempt, trial.share = trial.attempt + 1, min(trial.share, self.room.largest_share)
        if not trial.due:  # that one has ended, and only its result is to be measured
            trial.status = Status.RUNNING
        made = self.info.rooted(self.spec.trial_config(trial.params, self.info.schedule))
        config = made.model_dump(mode="json")
        self.records.put(trial, **columns_of(trial, config, self.records.now()))
        for kind, detail in first_events(trial, config, refused):
            self.records.event(trial, kind, detail)
        self.hours.begin(trial.number)
        # Only now: a trial whose start is not on record is none.
        self._live[trial.number, trial.attempt] = trial.share
        if not trial.due:
            self.watch(Event("start", trial))
        return assignment_for(trial, self.spec, self.info, self.folder.url, self.owner, self.room, config)

    def report(self, report: Report) -> bool:
        """Record what a trial says; returns whether it goes on. One that does not is not waited for any more.

        A report of a superseded attempt is refused: its worker was thought dead, and is told to stop.
        """
        trial, goes_on = self.trials[report.trial], False
        if (report.trial, report.attempt) not in self._live:
            with self._or_halt():
                self.records.event(trial, EventKind.STALE_REPORT, {"attempt": report.attempt})
            return False
        with self._or_halt():
            for kind, happened in report.events():
                self.records.event(trial, kind, happened)
            goes_on = self._judge(trial, report)
        if not goes_on:
            self._leave(trial)
        return goes_on

    def _judge(self, trial: Trial, report: Report) -> bool:
        if isinstance(report, Pulse):
            trial.now_kimg = report.kimg
            return self.halted is None
        where = {"device": report.device, "node": report.node}
        if isinstance(report, Measured):
            self._close(trial, report.result, **where)
            return False
        if isinstance(report, Paused):
            self.interrupt()  # the lease says so to all, or is somebody else's
            self._pause(trial, **where)
            return False
        if trial.due:  # its worker could not read that it has ended
            self._queue.append(trial.number)
            return False
        if not self._record(trial, report):
            return self.halted is None
        if report.verdict:
            kind = EventKind.ROLLBACK if report.rolled_back else EventKind.COLLAPSE
            self.records.event(trial, kind, report.verdict.to_dict())
            if not report.rolled_back:
                trial.verdict = report.verdict.kind
                return self._end(trial, Status.COLLAPSED, **where)
            self.watch(Event("rollback", trial, report.verdict.to_dict()))
        if ended := self.endings.after(trial, report.kimg, report.last):
            return self._end(trial, ended, **where)
        self.records.put(trial, goes_on=True, **where)
        self.source.follow(outcome(trial))
        self.watch(Event("evaluation", trial, report.row))
        return self.halted is None

    def _record(self, trial: Trial, report: Evaluated) -> bool:
        """Write down an evaluation; False where it is on record already, and so is what followed from it."""
        if not self.records.evaluation(report.row, report.sample):
            return False
        trial.add(report.row)
        self.hours.evaluated(trial.number)
        if report.suspicion:
            self.records.event(trial, EventKind.UNDER_FLOOR, report.suspicion)
        return True

    def _close(self, trial: Trial, result: Mapping[str, Any], **columns: Any) -> None:  # noqa: ANN401
        """Write down the result of a trial, and tell everybody who waits for it."""
        trial.conclude(self.records.result(trial, {**result, "seconds_per_kimg": trial.seconds_per_kimg}))
        self.hours.measured(trial.number)
        self.records.put(trial, **columns)
        self.watch(Event("result", trial, dict(result)))
        self._settle(trial)

    def fail(self, number: int, attempt: int, fault: Fault) -> None:
        """Take in that a trial's worker gave up: try again from its checkpoint, or give the trial up."""
        if (number, attempt) in self._live:
            with self._or_halt():
                self._fail(self.trials[number], fault)
            self._leave(self.trials[number])

    def _fail(self, trial: Trial, fault: Fault) -> None:
        if fault.kind == "storage":
            self.halt(fault.reason)
        if self.stopping:
            self._pause(trial, failure=fault.reason)
            return
        retry = after(fault, trial, self.room.largest_share, self.spec.resources)
        trial.failures, trial.share, trial.preemptions = retry.failures, retry.share, retry.preemptions
        detail = retry.detail(fault)
        self.records.event(trial, retry.event, detail)
        if retry.again:
            self._queue.append(trial.number)
            self.records.put(trial)
            self.watch(Event("restart", trial, detail))
        elif trial.due:
            self._close(trial, {"problem": f"it could not be measured: {retry.reason}"})
        elif self._end(trial, Status.FAILED, failure=retry.reason):
            self._queue.append(trial.number)  # its worker is gone, and its best generator is not

    def interrupt(self) -> None:
        """Start no more trials; the running ones are told through the lease."""
        self.stopping = True

    def keep_up(self) -> None:
        """Write what there was no time for, if there is now."""
        with self._or_halt():
            self.records.keep_up()

    @contextlib.contextmanager
    def _or_halt(self) -> Iterator[None]:
        """Halt where meanwhile something cannot be recorded."""
        try:
            yield
        except StorageError as error:
            self.halt(str(error))

    def halt(self, reason: str) -> None:
        """Stop because nothing can be recorded any more, and leave everything as it can be resumed."""
        self.stopping = True
        if self.halted is None:
            self.halted = reason
            self.watch(Event("halt", None, {"reason": reason}))

    def abandon(self) -> None:
        """Interrupt whatever an ended runner left running or waiting, so that it can be resumed."""
        waiting = {number for number in self._queue if self.trials[number].status is Status.RUNNING}
        self._queue.clear()
        for number in sorted({number for number, _ in self._live} | waiting):
            self._leave(self.trials[number])
        if not self.stopping and not any(trial.unfinished or trial.due for trial in self.trials.values()):
            after_sweep(self.folder, self.spec.keep, self.trials.values(), self.rungs.may_go_on)

    def _leave(self, trial: Trial) -> None:
        """Wait for a trial's worker no more; what did not end and is not handed out again can be resumed."""
        self._live.pop((trial.number, trial.attempt), None)
        if trial.number not in self._queue:
            # What cannot be written stays "running" in the records, and is taken up all the same.
            with contextlib.suppress(StorageError):
                self._pause(trial)

    def _pause(self, trial: Trial, **columns: Any) -> None:  # noqa: ANN401
        """Leave a trial as it can be resumed; one that has ended already stays what it is."""
        if trial.status is Status.RUNNING:
            trial.status = Status.INTERRUPTED
            self.records.put(trial, ended=self.records.now(), **columns)
            self.source.flush()
            self.watch(Event(Status.INTERRUPTED, trial, columns))

    def _end(self, trial: Trial, status: Status, **columns: Any) -> bool:  # noqa: ANN401
        """Write down how a trial ended; returns whether its result is to be measured now."""
        trial.status = status
        self.records.put(trial, ended=self.records.now(), **columns)
        self.watch(Event(status, trial, columns | self.rungs.why(trial)))
        if trial.due and self.halted is None:
            self.hours.end(trial.number)
            return True
        if not trial.due:
            self._settle(trial)
        return False

    def _settle(self, trial: Trial) -> None:
        """Tell the study of a trial, and drop the files that nobody needs any more."""
        self.source.tell(outcome(trial, self.info.rungs))
        after_trial(self.folder, self.spec.keep, trial, goes_on=self.rungs.may_go_on(trial))
        self.rungs.wait(trial)
        self.records.settled(trial)

    def take_up(self, trials: Mapping[int, Trial], stopped: set[int]) -> None:
        """Go on with these; ``stopped`` are those whose stop is on record, but perhaps not their end."""
        self.trials = dict(trials)
        for trial in self.trials.values():
            if not trial.due:
                self.rungs.wait(trial)
            if trial.due or (trial.unfinished and self._goes_on(trial, trial.number in stopped)):
                self._queue.append(trial.number)

    def _goes_on(self, trial: Trial, stopped: bool) -> bool:
        """Finish the bookkeeping of an unfinished trial that a crash cut short; whether it is to be handed out."""
        ended = self.endings.missed(trial, stopped)
        return ended is None or self._end(trial, ended)
