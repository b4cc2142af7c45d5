"""One trial, trained: the one door from the search to the GAN library.

A `TrialRun` turns an `Assignment` into a stream of `Report`s. It owns what a trial leaves behind beside its rows:
the sample grid, the best generator and the history of its evaluations, all written before the report is given out, so
that a report that was received never promises what is not there. If the history on disk is ahead of what the driver has
on record, the missing reports are given out again first: no finished evaluation is lost.

Checkpoints are written while training goes on, and a report of a pause or an end is given out when they lie there. If
the newest is older than the history, training passes the evaluations in between once more, without making them again.

After each evaluation it looks up in the ledger what the driver has made of it. Where the trial has ended, what is left
to do is its result (`sweep.worker.result`): that is the last report.
"""

import math
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ganlib.models.sheets import COLUMNS
from ganlib.training import collapse
from ganlib.training.evaluation import Evaluation
from ganlib.training.fit import Fit, Interrupted
from sweep.records import ledger
from sweep.records.event_kind import EventKind
from sweep.records.ledger import refuse_if_superseded
from sweep.records.retention import keep_snapshots
from sweep.records.snapshots import Seen
from sweep.records.status import Status
from sweep.storage import layout
from sweep.storage.opening import open_folder
from sweep.storage.tenant import Tenant
from sweep.worker.apart import Apart, T
from sweep.worker.checkpoints import Checkpoints
from sweep.worker.faults import PreemptedError
from sweep.worker.history import History
from sweep.worker.lent import Lent
from sweep.worker.messages import Assignment, Evaluated, Measured, Paused, Pulse, Report, stamped
from sweep.worker.result import Measuring, measure
from sweep.worker.rows import report_of, signals_of, write_sample
from sweep.worker.shared import begun_with, config_of, device_name, device_of, evaluator_of, inputs_of, settle
from sweep.worker.start import start_of
from sweep.worker.suspects import Suspects
from sweep.worker.watchdog import Watchdog

PULSE_SECONDS = 5.0
"""A trial says so often that it lives."""


class TrialRun(Iterator[Report]):
    """Train one attempt of a trial; see the module's text.

    Args:
        assignment: What is to be done.
        lent: What the process has for one of several trials.

    Raises:
        WorkError: when this machine's pictures are not those that the driver described.
    """

    def __init__(self, assignment: Assignment, lent: Lent | None = None) -> None:
        self.assignment = assignment
        self.folder = open_folder(assignment.sweep)
        settle(assignment.threads, self.folder)
        self.device = device_of(assignment.gpu)
        config = config_of(assignment.config)
        sets = begun_with(config, assignment.data_hash)
        self.config, self.sets = config, sets
        self.evaluator = evaluator_of(config, self.device, assignment.data_hash)
        self.inputs = inputs_of(config, assignment.data_hash)
        self.limits = config.collapse
        self.suspects = Suspects(self.folder, assignment, self.evaluator, sets.drawings.pictures)
        self.checkpoints = Checkpoints(self.folder, assignment.trial, assignment.attempt, self.device)
        lent = lent or Lent()
        self.watchdog = lent.watchdog or Watchdog(assignment.timeout)
        self._turn, self._leaving = lent.turn, lent.leaving
        self._until: float | None = None
        self._apart = Apart(lent.patience or (lambda: PULSE_SECONDS), self.watchdog.feed, self.watchdog.rest)
        self._tenant = Tenant(self.folder, assignment.owner)
        self._pulse = time.monotonic() + PULSE_SECONDS
        self.history = History()
        self._backlog: list[Evaluated] = []
        self._again: list[Evaluated] = []
        self._refused = ""
        self._over, self._handed_in = assignment.to_measure is not None, False
        self.fit = None if self._over else self._resumed(lent.used)

    def _resumed(self, used: Fit | None) -> Fit:
        """Make training go on where the newest checkpoint left it."""
        saved = self.checkpoints.newest()
        self.history = self.checkpoints.history(saved)
        self._backlog = self.history.after(self.assignment.seen_kimg)
        fit = Fit(
            self.config,
            self.sets.drawings.pictures,
            self.evaluator,
            photos=self.sets.photo_pictures,
            edges=self.sets.edge_pictures,
            landmarks=self.sets.landmarks,
            classes=self.sets.drawings.classes,
            seed=self.assignment.seed,
            device=self.device,
            start=start_of(self.folder, self.config),
            resume=saved["fit"] if saved else None,
            interrupt=self._pause,
            alive=self._apart.alive,
            apart=self._done,
            extent=self.assignment.extent,
            extent_at_end=self.assignment.extent,  # the result has more
            used=used,
        )
        self._again = self.history.after(fit.measured_kimg)
        if fit.reseeded:
            self.checkpoints.began_anew(fit, device_name(self.device))
        return fit

    @property
    def measures(self) -> bool:
        """Whether something is being measured aside, so that it cannot train."""
        return self._apart.busy

    def _pause(self) -> bool:
        """Say, before every step, whether it is time to stop, to give a sign of life or to let others train."""
        self.watchdog.feed()
        now = time.monotonic()
        self._until = self._until or now + self._turn
        return self._ends() or now >= min(self._pulse, self._until)

    def _ends(self) -> bool:
        """Say whether somebody wants the trial to end here."""
        return self._tenant() or bool(self._leaving())

    def _done(self, work: Callable[[], T]) -> T:
        """Do ``work`` and return its result; where others wait, or for signs of life, it is done aside."""
        aside = self.assignment.timeout or self._turn < math.inf
        return self._apart(work) if aside else work()

    def close(self, hangs: bool = False) -> None:
        """Leave off: nobody asks for more. A checkpoint on its way is finished; what ``hangs`` is not waited for."""
        self._apart.leave(wait=not hangs)
        self.checkpoints.leave(wait=not hangs)
        if self.fit:
            self.fit.let_go()

    def __next__(self) -> Report:
        self.watchdog.feed()
        try:
            while (report := self.advance()) is None:
                pass
            return report
        finally:
            self.watchdog.rest()

    def advance(self) -> Report | None:
        """Go on up to the next report, or until the turn is over: then there is none."""
        self._until = None  # begins with the first step, so that there is one
        try:
            # On record before there is a checkpoint of this device, which does not tell of it.
            if self.checkpoints.reseeded:
                return self._say(Pulse(**self._whose()))
            if self._ended():
                return self._done(self._conclude)
            if not self._backlog:
                assert self.fit is not None
                self._repeat(self.fit)
                self._backlog.append(self._record(self.fit, next(self.fit)))
            return self._hand_in()
        except Interrupted:
            if self._tenant.over:
                self._leave_checkpoint()
                return self._say(Paused(**self._whose()))
            if reason := self._leaving():
                self._leave_checkpoint()
                raise PreemptedError(reason) from None
            if time.monotonic() < self._pulse or not self._apart.lives():
                return None
            self._pulse = time.monotonic() + PULSE_SECONDS
            return self._say(Pulse(**self._whose()))

    def _leave_checkpoint(self) -> None:
        refuse_if_superseded(self.folder, self.assignment.trial, self.assignment.attempt)
        if self.fit is not None and not self._ended():
            self.checkpoints.save(self.fit, self.history, healthy=False)
        self.checkpoints.settle()

    def _ended(self) -> bool:
        """Say whether the driver has made an end of the trial: it does so before it asks for more."""
        if self._handed_in:
            self._handed_in = False
            status = ledger.status_of(self.folder, self.assignment.trial)
            self._over = status is not None and Status(status).ended
            kept = status == Status.EXPIRED or (status == Status.STOPPED and self.assignment.keep_stopped)
            if self.fit and kept and not self._again:
                self.checkpoints.save(self.fit, self.history, healthy=False)
        return self._over

    def _conclude(self) -> Report:
        """Measure the trial's result; after an interruption, from the beginning."""

        def alive() -> None:
            self._apart.alive()
            if self._ends():
                raise Interrupted

        assignment, path = self.assignment, self.checkpoints.path
        kept = list(assignment.to_measure or self._candidates())
        extent = assignment.extent_of_result(ledger.status_of(self.folder, assignment.trial))
        measuring = Measuring(
            self.config, assignment.metric, self.evaluator, self.inputs, self.device, alive, extent
        )
        ids = {"trial": assignment.trial, "attempt": assignment.attempt, "data_hash": assignment.data_hash}
        row = measure(self.folder, path, kept, measuring, ids)

        def some() -> np.ndarray:
            generator = measuring.load(self.folder, f"{path}/{layout.snapshot_name(row['kimg'])}")
            return generator.pictures(self.inputs.take(COLUMNS)) if generator else np.empty((0,), np.uint8)

        suspicion = None if "problem" in row else self.suspects(row, row["kimg"], some)
        self.checkpoints.settle()
        return self._say(Measured(**self._whose(), result=row, suspicion=suspicion))

    def _hand_in(self) -> Report:
        """Give out the next evaluation; what the driver makes of it is looked up afterwards.

        One after which the driver may drop the trial's checkpoints, or keep the last, waits until that lies there.
        """
        if self._backlog[0].ends:
            self._done(self.checkpoints.settle)
        self._handed_in = True
        return self._say(self._backlog.pop(0))

    def _whose(self) -> dict[str, Any]:
        kimg = self.fit.kimg if self.fit else max(self.assignment.seen_kimg, 0.0)
        return {"trial": self.assignment.trial, "attempt": self.assignment.attempt, "kimg": kimg}

    def _say(self, report: Report) -> Report:
        """Give out a report as one of this attempt on this machine, with what has happened beside."""
        report = stamped(report, self.assignment.attempt, device_name(self.device), socket.gethostname())
        report = replace(report, **self.checkpoints.told())
        if self.fit:
            self.fit.pause()
        if self.fit and (refused := self.fit.step.refused) and not self._refused:
            self._refused = refused
            report = replace(report, told={**report.told, EventKind.EAGER.value: refused})
        return report

    def _record(self, fit: Fit, evaluation: Evaluation) -> Evaluated:
        refuse_if_superseded(self.folder, self.assignment.trial, self.assignment.attempt)
        signals = signals_of(evaluation)
        verdict = collapse.judge([*self.history.signals(), signals], self.limits)
        report = report_of(
            evaluation,
            self.assignment,
            signals,
            verdict,
            rolled_back=verdict is not None and not evaluation.last and self._may_roll_back(fit),
            sample=write_sample(self.folder, evaluation, self.assignment, self.inputs.name()),
            suspicion=self.suspects.of(evaluation),
        )
        self.history.add(report)
        # Also of an evaluation that is on record and is made again: the trial begins anew, perhaps without its weights.
        better = any(one.kimg == report.kimg for one in self._candidates())
        if better:
            self.checkpoints.snap(fit, report.kimg)
        self.checkpoints.record(self.history)
        self._go_on(fit, report, save=report.last)
        if better:  # only now: before, what is on record may have needed the old one
            keep_snapshots(self.folder, self.assignment.trial, self._candidates(), until=report.kimg)
        return report

    def _repeat(self, fit: Fit) -> None:
        """Train again what no checkpoint has, past the evaluations that were made of it, as training went then."""
        while self._again:
            fit.pass_over(self._again[0].kimg)
            report = self._again.pop(0)
            # Once it has come as far as before, this is not to be done a third time.
            self._go_on(fit, report, save=not self._again)

    def _go_on(self, fit: Fit, report: Evaluated, save: bool) -> None:
        """Roll back where an evaluation said so; else begin a checkpoint where one is due, or ``save`` wants it."""
        if report.rolled_back:
            self.checkpoints.settle()
            saved = self.checkpoints.good()
            fit.roll_back(saved["fit"] if saved else None, self.limits.lr_factor)
            self.checkpoints.save(fit, self.history, healthy=False)
        # A rollback goes to the newest healthy evaluation, which must not depend on how fast a machine is.
        elif not report.verdict and (save or self._may_roll_back(fit) or self.checkpoints.due()):
            healthy = collapse.healthy(self.history.signals(report.kimg), self.limits)
            self.checkpoints.save(fit, self.history, healthy)

    def _candidates(self) -> list[Seen]:
        return self.history.candidates(self.assignment.metric)

    def _may_roll_back(self, fit: Fit) -> bool:
        return self.limits.policy == "rollback" and fit.rollbacks < self.limits.max_rollbacks
