"""Everything that a report needs of a sweep, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sweep.records.catalog import Sweep
from sweep.results.confirmation import Confirmation, read_confirmation
from sweep.results.leaderboard import Entry, Leaderboard
from sweep.results.ranking import check_metric, rank_or_explain
from sweep.results.summary import Summary, detail, summarise
from sweep.spec.wording import Node, distributions

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """The rows of a sweep, ranked and summed up.

    Attributes:
        metrics: Rows of each trial, ordered by kimg.
        events: In order of time.
        samples: Rows of each trial, ordered by kimg.
        rungs: Rows of each trial, ordered by rung.
        confirmed: What fresh seeds say of the best; None before ``sweep confirm``.
        problem: Why the trials cannot be ranked together; None if they can.
        written: When this was read.
    """

    sweep: Sweep
    trials: Sequence[Row]
    metrics: Mapping[int, Sequence[Row]]
    events: Sequence[Row]
    samples: Mapping[int, Sequence[Row]]
    rungs: Mapping[int, Sequence[Row]]
    board: Leaderboard
    confirmed: Confirmation | None
    problem: str | None
    summary: Summary
    written: datetime

    @classmethod
    def read(cls, sweep: Sweep, metric: str | None = None) -> "Facts":
        """Read all datasets of a sweep and rank its trials by ``metric``, the sweep's own by default.

        Raises:
            WorkError: if one cannot be read.
        """
        store = sweep.store
        # Metrics after trials: the reverse order could show a trial's end without its last evaluation.
        trials, rungs, events = store.rows("trials"), store.rows("rungs"), store.rows("events")
        rows, results = store.rows("metrics"), store.rows("results")
        metric = check_metric(metric or sweep.info.metric)
        board, problem = rank_or_explain(trials, rows, metric, sweep.info.floor, results)
        return cls(
            sweep=sweep,
            trials=trials,
            metrics=_by_trial(trials, rows),
            events=events,
            samples=_by_trial(trials, store.rows("samples")),
            rungs=_by_trial(trials, rungs),
            board=board,
            confirmed=read_confirmation(sweep),
            problem=problem,
            summary=summarise(sweep, trials, rungs, events, results),
            written=datetime.now(UTC),
        )

    @property
    def running(self) -> bool:
        """Whether more is to come."""
        summary = self.summary
        return "running" in summary.statuses or summary.trials < (summary.planned or 0)

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
                return floor.kid if self.board.metric == "kid" else floor.fid
        return None

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The resolved spec as plain values."""
        return self.sweep.spec()

    @cached_property
    def space(self) -> Mapping[str, Node]:
        """What was searched: path to distribution, as the spec has it."""
        return dict(distributions(self.spec))

    @cached_property
    def collapses(self) -> dict[int, dict[str, Any]]:
        """Of each collapsed trial, what its last collapse event says, with its ``kimg``."""
        found = {row["trial"]: row for row in self.events if row["kind"] == "collapse"}
        said = {trial: {"kimg": row["kimg"], **detail(row)} for trial, row in found.items()}
        return {
            row["trial"]: said.get(row["trial"], {"kimg": row["kimg"]})
            for row in self.trials
            if row["status"] == "collapsed"
        }


def _by_trial(trials: Sequence[Row], rows: Sequence[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {row["trial"]: [] for row in trials}
    for row in rows:
        found.setdefault(row["trial"], []).append(row)
    return found
