"""Train several trials in one process, in turn: on a GPU each keeps it busy while others are got ready or measured.

Processes that share a GPU take turns of milliseconds and hold a context and a copy of the pictures each. The trials of
a pack share both, and their kernels run side by side, each on a stream of its own. What a trial computes does not
depend on its neighbours: all that it draws from is its own.

A trial that fails leaves alone. An error that a GPU does not recover from, and a step that hangs, end the process, and
so all of its trials: they go on from their checkpoints.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ganlib.heap import give_back
from ganlib.steps.capture import recorded
from ganlib.training.fit import Fit
from sweep.worker.faults import check_gpu, fault_of
from sweep.worker.lent import Lent
from sweep.worker.messages import Assignment, Fault, LostGpuError, Report
from sweep.worker.trial_run import TrialRun
from sweep.worker.watchdog import Watchdog

TURN_SECONDS = 0.02
"""A trial trains for about so long before the next one does."""
Attempt = tuple[int, int]
"""A trial's number and the number of its attempt."""


class Heard(Watchdog):
    """Notes when a trial of a pack was last heard of; it feeds the watchdog of the process."""

    def __init__(self, process: Watchdog) -> None:
        super().__init__(0.0)
        self._process, self.last = process, time.monotonic()

    def feed(self) -> None:
        """Note a sign of life."""
        self.last = time.monotonic()
        self._process.feed()


@dataclass
class _Slot:
    """One trial of a pack.

    Attributes:
        assignment: What is trained.
        heard: Of its signs of life.
        stream: Where its kernels run; None on a CPU.
        wanted: Whether somebody waits for its next report.
        run: None before its first turn.
        leaving: Why it is to go on elsewhere, though the others stay; empty as long as it may stay.
    """

    assignment: Assignment
    heard: Heard
    stream: "torch.cuda.Stream | None"
    wanted: bool
    run: TrialRun | None = None
    leaving: str = ""

    @property
    def trains(self) -> bool:
        """Whether it can use a turn: somebody waits for its report, and nothing of it is being measured."""
        return self.wanted and not (self.run and self.run.measures)

    def advance(self, pack: "Pack") -> Report | None:
        """Take a turn."""
        with torch.cuda.stream(self.stream) if self.stream else contextlib.nullcontext():
            if self.run is None:
                used = pack.used_by(self.assignment.config)
                lent = Lent(
                    TURN_SECONDS, pack.patience, self.heard, used, lambda: self.leaving or pack.leaving()
                )
                self.run = TrialRun(self.assignment, lent)
            return self.run.advance()

    def close(self, hangs: bool = False) -> Fit | None:
        """Leave the trial; returns what it was trained by."""
        run, self.run = self.run, None
        if run is None:
            return None
        run.close(hangs)
        return run.fit


@dataclass
class Pack:
    """The trials of this process, by attempt.

    Attributes:
        gpu: GPUs of the whole process; 0 trains on the CPU.
        room: Trials that it has at most.
        timeout: Seconds without a sign of life after which a trial has hung; 0 for never.
        leaving: Says why the machine is about to be taken away; empty as long as it is not.
    """

    gpu: float
    room: int
    timeout: float = 0.0
    leaving: Callable[[], str] = lambda: ""
    _slots: dict[Attempt, _Slot] = field(default_factory=dict)
    _used: list[Fit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._watchdog = Watchdog(self.timeout)
        self._device = torch.device("cuda" if self.gpu > 0 and torch.cuda.is_available() else "cpu")

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def wanted(self) -> bool:
        """Whether there is a trial that somebody waits for."""
        return any(slot.wanted for slot in self._slots.values())

    def begin(self, assignment: Assignment, wanted: bool = True) -> Attempt:
        """Take in a trial, in place of an older attempt; ``wanted`` is whether its first report is."""
        attempt = assignment.trial, assignment.attempt
        for older in [one for one in self._slots if one[0] == assignment.trial]:
            self.leave(older)
        # It has a part of what the process has, and nobody to limit it to that part.
        assignment = replace(assignment, gpu=self.gpu, timeout=0.0)
        stream = torch.cuda.Stream() if self._device.type == "cuda" else None
        self._slots[attempt] = _Slot(assignment, Heard(self._watchdog), stream, wanted)
        return attempt

    def want(self, attempt: Attempt) -> None:
        """Let a trial go on after it has reported."""
        slot = self._slots[attempt]
        slot.wanted, slot.heard.last = True, time.monotonic()

    def send_away(self, attempt: Attempt, reason: str) -> None:
        """Have a trial leave a checkpoint when it is wanted, and go on elsewhere."""
        if attempt in self._slots:
            self._slots[attempt].leaving = reason

    def leave(self, attempt: Attempt) -> None:
        """Let a trial go; its recorded steps are kept for the next one that has such steps."""
        if attempt in self._slots:
            slot = self._slots.pop(attempt)
            fit = slot.close()
            if fit is not None and fit.step.player is not None:
                try:
                    if slot.stream:
                        slot.stream.synchronize()  # the next one has a stream of its own
                    self._used.append(fit)
                except RuntimeError as error:
                    check_gpu(error)

    def _give_up(self, attempt: Attempt, hangs: bool = False) -> None:
        """Let a trial go that has failed; nothing of it is kept."""
        self._slots.pop(attempt).close(hangs)
        give_back(self._device)

    def patience(self) -> float:
        """Say for how many seconds a trial that is measured is waited for: not at all while another can train."""
        return 0.0 if any(slot.trains for slot in self._slots.values()) else TURN_SECONDS

    def used_by(self, config: Mapping[str, Any]) -> Fit | None:
        """Give what a trial that has ended was trained by, if it fits; otherwise make room for a new one."""
        key = recorded(config)
        for fit in self._used:
            if fit.recorded == key:
                self._used.remove(fit)
                return fit
        taken = sum(slot.assignment.share for slot in self._slots.values())
        while self._used and len(self._used) + taken > self.room:
            del self._used[0]
            give_back(self._device)
        return None

    def round(self) -> Iterator[tuple[Attempt, Report | Fault]]:
        """Give each trial that is wanted a turn; those that have something to report wait until they are wanted again.

        A trial that fails has left.

        Raises:
            LostGpuError: None of them can go on in this process.
        """
        for attempt, slot in [item for item in self._slots.items() if item[1].wanted]:
            said = self._said(attempt, slot)
            if said is not None:
                slot.wanted = False
                yield attempt, said
        if not self.wanted:
            self._watchdog.rest()

    def _said(self, attempt: Attempt, slot: _Slot) -> Report | Fault | None:
        self._watchdog.feed()
        try:
            report = slot.advance(self)
        except Exception as error:
            check_gpu(error)
            fault = fault_of(error)
            del error  # its frames hold the trial's tensors
            if fault.kind == "memory":
                self._used.clear()  # recordings of trials that have ended hold memory, too
            self._give_up(attempt)
            return fault
        if report is None and self.timeout and time.monotonic() - slot.heard.last > self.timeout:
            self._give_up(attempt, hangs=True)
            silent = f"no sign of life for {self.timeout:g} s"
            # Others would wait there until it has been measured, or launch behind it.
            if self._device.type == "cuda":
                raise LostGpuError(f"trial {attempt[0]} gave {silent} in its process")
            return Fault("hung", f"{silent} (resources.timeout)")
        return report
