"""What is on record of a sweep, read once: the rows that a report shows, with names and types."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar

from ganlib.names import MEASURED
from sweep.records.catalog import Sweep
from sweep.records.event_kind import EventKind
from sweep.records.status import Status
from sweep.report.translation import TRANSLATED
from sweep.results.confirming.confirmation import Confirmation, read_confirmation
from sweep.results.judging.eye import Eye, eyes
from sweep.results.leaderboard import Entry, Leaderboard
from sweep.results.ranking import check_metric, rank_or_explain
from sweep.results.state import State, as_they_stand, state_of
from sweep.results.summary import Summary, detail, summarise
from sweep.spec.space import Plain, distributions

Row = Mapping[str, Any]
T = TypeVar("T")
MEASURES = (*MEASURED, "loss_g", "loss_d", "score_real", "score_fake", "similarity")
"""What a report shows of every evaluation; of a translator's also `sweep.report.translation.TRANSLATED`."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of a trial.

    Attributes:
        kimg: When.
        n_fake: Generated pictures that the metrics were measured on; None if those were not measured.
        values: Each of `MEASURES` and `TRANSLATED`; None where a value was not measured, NaN or infinite where it was
            not finite.
    """

    kimg: float
    n_fake: int | None
    values: Mapping[str, float | None]

    @classmethod
    def of(cls, row: Row) -> "Evaluation":
        """Take an evaluation from a row of ``metrics``."""
        return cls(row["kimg"], row["n_fake"], {name: row[name] for name in (*MEASURES, *TRANSLATED)})


@dataclass(frozen=True)
class Sample:
    """The grid of pictures of a trial at one evaluation.

    Attributes:
        kimg: When.
        path: The file's path in the sweep's folder.
        rows: Pictures from top to bottom.
        cols: Pictures from left to right.
        shown: What each row shows; empty where all show pictures of latents.
    """

    kimg: float
    path: str
    rows: int
    cols: int
    shown: Sequence[str] = ()

    @classmethod
    def of(cls, row: Row) -> "Sample":
        """Take a grid from a row of ``samples``."""
        rows = row["rows"] or 8
        return cls(row["kimg"], row["path"], rows, row["cols"] or 8, _shown(row["shown"], rows))

    @property
    def pattern(self) -> int:
        """The number of rows after which it begins anew what they show; 1 where all show the like."""
        again = [index for index, words in enumerate(self.shown) if index and words == self.shown[0]]
        return again[0] if again else max(len(self.shown), 1)


@dataclass(frozen=True)
class Decision:
    """What ASHA decided of a trial at a rung.

    Attributes:
        rung: The rung's index.
        kimg: The rung's time.
        value: The trial's metric there; None if it had none.
        cutoff: The value above which trials were stopped; None if there was none yet.
        stopped: Whether the trial was stopped.
        variety: The share of real pictures' variety that its pictures had, where it was stopped for that; else None.
    """

    rung: int
    kimg: float
    value: float | None
    cutoff: float | None
    stopped: bool
    variety: float | None = None

    @classmethod
    def of(cls, row: Row) -> "Decision":
        """Take a decision from a row of ``rungs``."""
        variety = row["variety"] if row["alike"] else None
        return cls(row["rung"], row["rung_kimg"], row["value"], row["cutoff"], bool(row["stopped"]), variety)


@dataclass(frozen=True)
class Collapse:
    """The end of a trial that collapsed.

    Attributes:
        verdict: What kind of collapse; ``collapsed`` if that is not on record.
        kimg: When; None if that is not on record.
        step: At which step of training; None if that is not on record.
        reason: Why it was called so, in words; may be empty.
    """

    verdict: str
    kimg: float | None
    step: int | None
    reason: str


@dataclass(frozen=True)
class Facts:
    """The rows of a sweep, ranked and summed up.

    Attributes:
        trials: Rows of ``trials``.
        evaluations: Those of each trial, ordered by kimg.
        events: Rows of ``events``, in order of time.
        samples: Those of each trial, ordered by kimg.
        decisions: Those on each trial, ordered by rung.
        board: The trials ranked by the metric.
        confirmed: What fresh seeds say of the best; None before ``sweep confirm``.
        eyes: What people judged of the pictures, each for themselves.
        problem: Why the trials cannot be ranked together; None if they can.
        state: Whether more is to come, and anybody runs it.
        written: When this was read.
    """

    sweep: Sweep
    trials: Sequence[Row]
    evaluations: Mapping[int, Sequence[Evaluation]]
    events: Sequence[Row]
    samples: Mapping[int, Sequence[Sample]]
    decisions: Mapping[int, Sequence[Decision]]
    board: Leaderboard
    confirmed: Confirmation | None
    eyes: Sequence[Eye]
    problem: str | None
    state: State
    summary: Summary
    written: datetime

    @classmethod
    def read(cls, sweep: Sweep, metric: str | None = None) -> "Facts":
        """Read all datasets of a sweep and rank its trials by ``metric``, the sweep's own by default.

        Raises:
            WorkError: if a dataset cannot be read.
        """
        store = sweep.store
        # Metrics after trials: the reverse order could show a trial's end without its last evaluation.
        trials, rungs, events = store.rows("trials"), store.rows("rungs"), store.rows("events")
        rows, results = store.rows("metrics"), store.rows("results")
        known = {"trials": trials, "rungs": rungs, "results": results}
        trials, info = as_they_stand(sweep.folder, trials), sweep.info
        metric = check_metric(metric or info.metric)
        board, problem = rank_or_explain(
            trials, rows, metric, info.floor, results, info.baseline, info.wishes
        )
        return cls(
            sweep=sweep,
            trials=trials,
            evaluations=_by_trial(rows, Evaluation.of),
            events=events,
            samples=_by_trial(store.rows("samples"), Sample.of),
            decisions=_by_trial(rungs, Decision.of),
            board=board,
            confirmed=read_confirmation(sweep),
            eyes=eyes(sweep, board),
            problem=problem,
            state=state_of(sweep, known.__getitem__),
            summary=summarise(sweep, trials, rungs, events, results),
            written=datetime.now(UTC),
        )

    def too_alike(self, trial: int) -> Decision | None:
        """Look up the decision by which a trial was stopped for the little variety of its pictures, if it was."""
        found = [one for one in self.decisions.get(trial, ()) if one.variety is not None]
        return found[-1] if found else None

    @property
    def translates(self) -> bool:
        """Whether the trials turn photographs into drawings."""
        return bool(self.sweep.info.photos or self.sweep.info.baseline)

    @property
    def winner(self) -> Entry | None:
        """The best trial, if any can be ranked."""
        return self.board.ranked[0] if self.board.ranked else None

    @property
    def floor(self) -> float | None:
        """What real pictures score against other real ones, on as many as trials are ranked by."""
        floors, identity = self.sweep.info.floor, self.board.identity
        for floor in floors if identity else ():
            if identity and floor.n_fake == identity.n_fake:
                found: float | None = getattr(floor, self.board.metric)
                return found
        return None

    @property
    def real(self) -> str:
        """What its real pictures are called."""
        return "drawings" if self.translates else "pictures"

    @cached_property
    def pattern(self) -> Sequence[str]:
        """What the rows of its grids show, until that begins anew; empty where all show pictures of latents."""
        sample = next((one for each in self.samples.values() for one in each if one.shown), None)
        return sample.shown[: sample.pattern] if sample else ()

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The resolved spec as plain values."""
        return self.sweep.spec()

    @cached_property
    def space(self) -> Mapping[str, Plain]:
        """The searched values: path to distribution, as the spec has it."""
        return dict(distributions(self.spec))

    @cached_property
    def collapses(self) -> dict[int, Collapse]:
        """The end of each trial that collapsed, as the last event of its collapse tells it."""
        events = {row["trial"]: row for row in self.events if row["kind"] == EventKind.COLLAPSE}
        return {
            row["trial"]: _collapse(row, events.get(row["trial"]))
            for row in self.trials
            if row["status"] == Status.COLLAPSED
        }


def _collapse(trial: Row, event: Row | None) -> Collapse:
    """Tell the end of a trial from its row and from the event of its collapse, if there is one."""
    verdict = trial["verdict"] or "collapsed"
    if event is None:
        return Collapse(verdict, trial["kimg"], None, "")
    said = detail(event)
    kimg, step = said.get("kimg"), said.get("step")
    return Collapse(
        verdict=verdict,
        kimg=kimg if isinstance(kimg, (int, float)) else event["kimg"],
        step=step if isinstance(step, int) else None,
        reason=str(said.get("reason") or ""),
    )


def _shown(text: str | None, rows: int) -> Sequence[str]:
    """Read what each of the rows of a grid shows; empty where that is not on record, or is not of as many rows."""
    try:
        names = json.loads(text or "[]")
    except ValueError:
        return ()
    return tuple(map(str, names)) if isinstance(names, list) and len(names) == rows else ()


def _by_trial(rows: Sequence[Row], make: Callable[[Row], T]) -> dict[int, list[T]]:
    """Make something of each row, and gather that by trial in the order of the rows."""
    found: dict[int, list[T]] = {}
    for row in rows:
        found.setdefault(row["trial"], []).append(make(row))
    return found
