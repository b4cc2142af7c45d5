"""Train several trials in one process, in turn: on a GPU each keeps it busy while others are got ready or measured.

Processes that share a GPU take turns of milliseconds and hold a context and a copy of the pictures each. The trials of
a pack share both, and their kernels run side by side, each on a stream of its own. What a trial computes does not
depend on its neighbours: all that it draws from is its own.

A trial that fails leaves alone. An error that a GPU does not recover from, and a step that hangs, end the process, and
so all of its trials: they go on from their checkpoints.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch

from sweep.worker.faults import fault_of
from sweep.worker.messages import Assignment, Fault, Report
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
    """

    assignment: Assignment
    heard: Heard
    stream: "torch.cuda.Stream | None"
    wanted: bool = True
    run: TrialRun | None = None

    def advance(self) -> Report | None:
        """Take a turn."""
        with torch.cuda.stream(self.stream) if self.stream else contextlib.nullcontext():
            if self.run is None:
                self.run = TrialRun(self.assignment, TURN_SECONDS, self.heard)
            return self.run.advance()

    def close(self, hangs: bool = False) -> None:
        """Leave the trial."""
        if self.run is not None:
            self.run.close(hangs)
            self.run = None


@dataclass
class Pack:
    """The trials of this process, by attempt.

    Attributes:
        gpu: GPUs of the whole process; 0 trains on the CPU.
        timeout: Seconds without a sign of life after which a trial has hung; 0 for never.
    """

    gpu: float
    timeout: float = 0.0
    _slots: dict[Attempt, _Slot] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._watchdog = Watchdog(self.timeout)
        self._on_gpu = self.gpu > 0 and torch.cuda.is_available()

    def __len__(self) -> int:
        return len(self._slots)

    def begin(self, assignment: Assignment) -> Attempt:
        """Take in a trial, and want its first report."""
        attempt = assignment.trial, assignment.attempt
        # It has a part of what the process has, and nobody to limit it to that part.
        assignment = replace(assignment, gpu=self.gpu, timeout=0.0)
        stream = torch.cuda.Stream() if self._on_gpu else None
        self._slots[attempt] = _Slot(assignment, Heard(self._watchdog), stream)
        return attempt

    def want(self, attempt: Attempt) -> None:
        """Let a trial go on after it has reported."""
        slot = self._slots[attempt]
        slot.wanted, slot.heard.last = True, time.monotonic()

    def leave(self, attempt: Attempt, hangs: bool = False) -> None:
        """Let a trial go; nothing of it is kept."""
        slot = self._slots.pop(attempt, None)
        if slot is not None:
            slot.close(hangs)
            if self._on_gpu:
                torch.cuda.empty_cache()  # the next one may need other shapes

    def round(self) -> Iterator[tuple[Attempt, Report | Fault]]:
        """Give each trial that is wanted a turn; those that have something to report wait until they are wanted again.

        A trial that fails has left.
        """
        for attempt, slot in [item for item in self._slots.items() if item[1].wanted]:
            said = self._said(attempt, slot)
            if said is not None:
                slot.wanted = False
                yield attempt, said
        if not any(slot.wanted for slot in self._slots.values()):
            self._watchdog.rest()

    def _said(self, attempt: Attempt, slot: _Slot) -> Report | Fault | None:
        self._watchdog.feed()
        try:
            report = slot.advance()
        except Exception as error:
            fault = fault_of(error)
            del error  # its frames hold the trial's tensors
            self.leave(attempt)
            return fault
        if report is None and self.timeout and time.monotonic() - slot.heard.last > self.timeout:
            self.leave(attempt, hangs=True)
            return Fault("hung", f"no sign of life for {self.timeout:g} s (resources.timeout)")
        return report
