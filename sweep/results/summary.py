"""Sum up what became of the trials of a sweep: counts, rungs, verdicts, time."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweep import formatting
from sweep.records.catalog import Sweep
from sweep.records.event_kind import EventKind
from sweep.records.schemas import STATUSES
from sweep.records.status import Status
from sweep.results.places import Place, places

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Rung:
    """What ASHA did at a rung.

    Attributes:
        index: From 0 on.
        kimg: Where it is.
        reached: Trials that were compared there.
        stopped: Of these, those that were stopped.
        alike: Trials that ended there because their pictures vary too little; they were not compared.
    """

    index: int
    kimg: float
    reached: int
    stopped: int
    alike: int = 0

    @property
    def survived(self) -> int:
        """Trials that went on, or may still."""
        return self.reached - self.stopped

    @property
    def words(self) -> str:
        """Say it in one line."""
        reached = formatting.count(self.reached, "trial")
        ended = f"; {self.alike} ended for too little variety" if self.alike else ""
        at = f"{formatting.kimg(self.kimg)} kimg"
        return f"{at}: {reached} compared, {self.stopped} stopped, {self.survived} went on{ended}"


@dataclass(frozen=True)
class Summary:
    """A sweep in numbers.

    Attributes:
        planned: Trials asked for; None if that is not on record.
        statuses: Status to trials, only those that occur, in the order of `STATUSES`.
        verdicts: Verdict to collapsed trials, most frequent first.
        rungs: In order of kimg.
        seconds_train: Of all trials together.
        seconds_eval: Of all trials together, results included.
        seconds_results: Of these, what measuring results took.
        seconds_saved: What stopped and collapsed trials would have taken to as far as the longest trial, at their pace;
            0 of a sweep that used all of its time.
        events: Kind to number of events, most frequent first.
        skipped: Names of unreadable files that were left out of the data.
        places: Where trials ran, the longest first.
    """

    planned: int | None
    statuses: Mapping[str, int]
    verdicts: Mapping[str, int]
    rungs: Sequence[Rung]
    seconds_train: float
    seconds_eval: float
    seconds_results: float
    seconds_saved: float
    events: Mapping[str, int]
    skipped: Sequence[str]
    places: Sequence[Place]

    @property
    def trials(self) -> int:
        """Trials started so far."""
        return sum(self.statuses.values())


def summarise(
    sweep: Sweep,
    trials: Sequence[Row],
    rungs: Sequence[Row],
    events: Sequence[Row],
    results: Sequence[Row] = (),
) -> Summary:
    """Count what the rows of a sweep say."""
    statuses = Counter(row["status"] for row in trials)
    verdicts = Counter(row["verdict"] or "unknown" for row in trials if row["status"] == Status.COLLAPSED)
    planned, furthest = sweep.info.trials or None, furthest_saved(trials)
    return Summary(
        planned=planned if isinstance(planned, int) else None,
        statuses={status: statuses[status] for status in STATUSES if statuses[status]},
        verdicts=dict(verdicts.most_common()),
        rungs=_rungs(sweep.info.rungs, rungs),
        seconds_train=sum(row["seconds_train"] or 0.0 for row in trials),
        seconds_eval=sum(row["seconds_eval"] or 0.0 for row in trials),
        seconds_results=sum(row["seconds"] or 0.0 for row in results),
        seconds_saved=sum(seconds_saved(row, furthest) for row in trials),
        events=dict(Counter(row["kind"] for row in events).most_common()),
        skipped=[_file(row) for row in events if row["kind"] == EventKind.SKIPPED_FILE],
        places=places(trials),
    )


def _rungs(planned: Sequence[float], rows: Sequence[Row]) -> list[Rung]:
    kimg = dict(enumerate(planned))
    kimg.update({row["rung"]: row["rung_kimg"] for row in rows if row["rung_kimg"] is not None})
    reached = Counter(row["rung"] for row in rows if not row["alike"])
    stopped = Counter((row["rung"], bool(row["alike"])) for row in rows if row["stopped"])
    return [
        Rung(index, kimg[index], reached[index], stopped[index, False], stopped[index, True])
        for index in sorted(kimg)
    ]


def until(spec: Mapping[str, Any]) -> str:
    """Say when trials of a plain spec end, if that may be before their budget."""
    search = spec.get("search")
    time = search.get("time") if isinstance(search, Mapping) else None
    return f" at most, until the time is over ({time})" if time else ""


def longest(trials: Iterable[Row]) -> float:
    """Find how far the longest of some trials has trained, in kimg; 0 of none."""
    return max((row["kimg"] or 0.0 for row in trials), default=0.0)


def furthest_saved(trials: Iterable[Row]) -> float:
    """Find how far the trials that were stopped would have trained, in kimg; 0 where the end of the time ended others.

    There nothing was saved: what a trial does not take, another does.
    """
    rows = list(trials)
    return 0.0 if any(row["status"] == Status.EXPIRED for row in rows) else longest(rows)


def seconds_saved(row: Row, longest: float) -> float:
    """Estimate what a trial that was stopped or collapsed would have taken to as far as the longest, at its pace."""
    if row["status"] not in (Status.STOPPED, Status.COLLAPSED) or not row["kimg"]:
        return 0.0
    spent = (row["seconds_train"] or 0.0) + (row["seconds_eval"] or 0.0)
    return float(max(longest - row["kimg"], 0.0) * spent / row["kimg"])


def detail(event: Row) -> dict[str, Any]:
    """Read what an event says as a mapping; text that is not one stands under ``text``."""
    try:
        loaded = json.loads(event["detail"] or "{}")
    except ValueError:
        loaded = event["detail"]
    return loaded if isinstance(loaded, dict) else {"text": loaded}


def _file(event: Row) -> str:
    told = detail(event)
    return str(
        told.get("path") or told.get("file") or told.get("name") or told.get("text") or event["detail"]
    )
