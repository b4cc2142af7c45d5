"""What a driver and the worker of a trial tell each other: an assignment one way, reports the other. Plain values."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Assignment:
    """Everything a worker needs to train one attempt of a trial; plain values, so that it travels as JSON."""

    sweep: str
    owner: str
    trial: int
    attempt: int
    seed: int
    metric: str
    config: dict[str, Any]
    data_hash: str
    threads: int = 1
    gpu: float = 0.0
    share: float = 1.0
    """Of the spec's resources."""
    timeout: float = 0.0
    """Seconds without a sign of life after which the worker ends itself; 0 for never."""
    seen_kimg: float = -1.0
    """The last evaluation that the driver has on record."""
    conclude: list[dict[str, Any]] | None = None
    """Of a trial that has ended already: the evaluations whose snapshots were kept, to measure its result."""
    floor: list[dict[str, Any]] = field(default_factory=list)
    """What held-out real pictures score, for each number of pictures; see `ganlib.metrics.identity.Floor`."""


@dataclass(frozen=True)
class Report:
    """What a trial says after an evaluation, when it was interrupted, or as a sign of life; plain values."""

    trial: int
    attempt: int
    kimg: float
    row: dict[str, Any] | None = None
    """The new row of ``metrics``; None when interrupted between evaluations."""
    sample: dict[str, Any] | None = None
    value: float | None = None
    """The searched metric, smaller is better; None where it is not a finite number."""
    result: dict[str, Any] | None = None
    """The row of ``results``, when the trial has ended and was measured once more."""
    verdict: dict[str, Any] | None = None
    rolled_back: bool = False
    """Whether it goes on in spite of the verdict, from its last good checkpoint."""
    last: bool = False
    interrupted: bool = False
    pulse: bool = False
    device: str = ""
    node: str = ""
    signals: dict[str, Any] = field(default_factory=dict)
    suspicion: dict[str, Any] | None = None
    """Why the result is too good to be honest, and where the nearest real pictures are shown."""
