"""What a driver and the worker of a trial tell each other: an assignment one way, reports the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from ganlib.errors import WorkError
from ganlib.metrics.identity import Floor
from ganlib.names import METRICS, Extent
from ganlib.training.collapse import Verdict
from sweep.records.event_kind import EventKind
from sweep.records.snapshots import Seen
from sweep.records.status import Status

Plain = dict[str, Any]
"""What JSON can hold."""


@dataclass(frozen=True)
class Assignment:
    """Everything that a worker needs to train one attempt of a trial.

    Attributes:
        sweep: URL of the sweep's folder.
        owner: The lease under which the trial runs.
        trial: Its number.
        attempt: How often the trial was handed out before.
        seed: Of its training.
        metric: The searched one, one of `ganlib.names.METRICS`.
        config: Its configuration, a `ganlib.config.TrialConfig` as plain values.
        data_hash: SHA-256 (hex) of the pictures that the sweep began with.
        threads: On a CPU.
        gpu: Share of a GPU; 0 for none.
        share: How many times the spec's resources the trial gets; 2 after it ran out of memory.
        timeout: Seconds without a sign of life after which the worker ends itself; 0 for never.
        seen_kimg: The last evaluation that the driver has on record; -1 before the first.
        to_measure: Of a trial that has ended already: the evaluations whose snapshots were kept, to measure its result.
        floor: What held-out real pictures score, for each number of pictures.
        failures: How often the trial's worker has failed.
        keep_stopped: Whether its last checkpoint is kept where it is stopped.
        in_full: Whether its result is measured in full also where it is stopped, because a wish needs that.
    """

    sweep: str
    owner: str
    trial: int
    attempt: int
    seed: int
    metric: str
    config: Plain
    data_hash: str
    threads: int = 1
    gpu: float = 0.0
    share: float = 1.0
    timeout: float = 0.0
    seen_kimg: float = -1.0
    to_measure: Sequence[Seen] | None = None
    floor: Sequence[Floor] = ()
    failures: int = 0
    keep_stopped: bool = False
    in_full: bool = False

    @property
    def extent(self) -> Extent:
        """How much its evaluations measure: what its trials are ranked by, at least."""
        return METRICS[self.metric].extent

    def extent_of_result(self, status: str | None) -> Extent:
        """Say how much its result measures: all of trials that were not given up, and where a wish needs it.

        Args:
            status: Of the trial on record; None where it has none.
        """
        full = self.in_full or (status is not None and Status(status).to_the_end)
        return "full" if full else "usual"

    def plain(self) -> Plain:
        """Give the assignment as plain values, so that it travels as JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Assignment":
        """Read an assignment from plain values."""
        kept = plain["to_measure"]
        return cls(
            **{
                **plain,
                "to_measure": None if kept is None else [Seen(**one) for one in kept],
                "floor": [Floor(**floor) for floor in plain["floor"]],
            }
        )


@dataclass(frozen=True, kw_only=True)
class _Report:
    """What every report says.

    Attributes:
        trial: Whose it is.
        attempt: Which attempt says it.
        kimg: Where training is.
        device: What it runs on, such as ``cpu``.
        node: The name of the machine.
        damaged: Checkpoints that were passed over since the last report: name of the file to what is wrong with it.
        told: What else has happened since the last report: kind of event to the reason.
    """

    trial: int
    attempt: int
    kimg: float
    device: str = ""
    node: str = ""
    damaged: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)

    def events(self) -> Iterator[tuple[EventKind, Plain]]:
        """List what has happened since the last report, each as the kind of an event and what it holds."""
        for name, reason in self.damaged.items():
            yield EventKind.DAMAGED_CHECKPOINT, {"path": name, "reason": reason}
        for kind, reason in self.told.items():
            yield EventKind(kind), {"reason": reason}


@dataclass(frozen=True, kw_only=True)
class Pulse(_Report):
    """A sign of life, in the midst of work."""


@dataclass(frozen=True, kw_only=True)
class Paused(_Report):
    """The worker was asked to stop, and has left a checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Evaluated(_Report):
    """An evaluation.

    Attributes:
        row: The new row of ``metrics``.
        sample: The new row of ``samples``.
        value: The searched metric, smaller is better; None where it is no finite number, or the run was called dead.
        verdict: Why the run was called dead, None if it was not.
        rolled_back: Whether the run goes on in spite of the verdict, from its last good checkpoint.
        last: Whether training has come to its end.
        signals: What the verdict was made of.
        suspicion: Why the scores are too good to be honest, and where the nearest real pictures are shown.
    """

    row: Plain
    sample: Plain
    value: float | None = None
    verdict: Verdict | None = None
    rolled_back: bool = False
    last: bool = False
    signals: Plain = field(default_factory=dict)
    suspicion: Plain | None = None

    @property
    def ends(self) -> bool:
        """Whether training cannot go on."""
        return self.last or (self.verdict is not None and not self.rolled_back)


@dataclass(frozen=True, kw_only=True)
class Measured(_Report):
    """The result of a trial that has ended: its best generator, measured once more.

    Attributes:
        result: Its row of ``results``.
        suspicion: As in `Evaluated`.
    """

    result: Plain
    suspicion: Plain | None = None

    def events(self) -> Iterator[tuple[EventKind, Plain]]:
        """List what has happened, and what is wrong with the result."""
        yield from super().events()
        if self.suspicion:
            yield EventKind.UNDER_FLOOR, self.suspicion
        if problem := self.result.get("problem"):
            yield EventKind.NO_RESULT, {"reason": problem}


Report = Pulse | Paused | Evaluated | Measured
KINDS: dict[str, type[Report]] = {
    "pulse": Pulse,
    "paused": Paused,
    "evaluated": Evaluated,
    "measured": Measured,
}


def to_plain(report: Report) -> Plain:
    """Give a report as plain values, with its ``kind``, so that it travels as JSON."""
    kind = next(kind for kind, made in KINDS.items() if type(report) is made)
    return {"kind": kind, **asdict(report)}


def from_plain(plain: Mapping[str, Any]) -> Report:
    """Read a report from plain values."""
    made = KINDS[plain["kind"]]
    known = {field.name for field in fields(made)}
    values = {name: value for name, value in plain.items() if name in known}
    if verdict := values.get("verdict"):
        values["verdict"] = Verdict(**verdict)
    return made(**values)


def stamped(report: Report, attempt: int, device: str, node: str) -> Report:
    """Give a report as one of another attempt, on some machine: so one from a checkpoint is handed in again."""
    marked = replace(report, attempt=attempt, device=device, node=node)
    if isinstance(marked, Evaluated):
        return replace(
            marked, row=marked.row | {"attempt": attempt}, sample=marked.sample | {"attempt": attempt}
        )
    if isinstance(marked, Measured):
        return replace(marked, result=marked.result | {"attempt": attempt})
    return marked


class LostGpuError(WorkError):
    """A process can do nothing more on its GPU: whatever it trains is to go on in another one."""


FaultKind = Literal["died", "hung", "error", "memory", "request", "storage", "preempted", "node"]


@dataclass(frozen=True)
class Fault:
    """Why a worker gave up.

    Attributes:
        kind: ``died``: its process was lost. ``hung``: it gave no sign of life. ``error``: it raised. ``memory``: it
            could not get memory. ``request``: the request was wrong, so that trying again is of no use. ``storage``:
            the disk failed, which is no fault of the trial. ``preempted``: its machine is taken away, or cut off from
            the storage. ``node``: its machine cannot run trials of the sweep.
        reason: A sentence.
        traceback: Where it was raised; empty where nobody could say.
    """

    kind: FaultKind
    reason: str
    traceback: str = ""
