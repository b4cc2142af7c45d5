"""Look at a sweep from afar: one line for each of many, as ``sweep ls`` lists them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from ganlib.errors import WorkError
from ganlib.metrics.identity import Identity
from sweep.records.catalog import Sweep
from sweep.records.snapshots import finite
from sweep.results.state import Row, State, as_they_stand, state_of
from sweep.results.summary import summarise
from sweep.search.left import able
from sweep.storage import layout, watching
from sweep.storage.called import called

_COLUMNS = [
    *("trial", "status", "verdict", "kimg", "best_value", "result", "result_kimg", "broken"),
    *("seconds_train", "seconds_eval"),
]
_NEEDED = {
    "results": ["trial", "kimg"],
    "rungs": ["trial", "rung", "rung_kimg", "value", "se", "alike", "stopped", "time"],
}
_WORKERS = 8


@dataclass(frozen=True)
class Overview:
    """A sweep from afar.

    Attributes:
        name: Of the sweep.
        created: When it was started; None if that is not on record.
        state: How it stands.
        started: How many trials have begun.
        planned: How many there will be; None if that is not on record.
        statuses: Status to trials, only those that occur.
        metric: What it is ranked by.
        extractor: What that is measured with.
        best: The lowest value, of results if there are any; None if no healthy trial has one.
        provisional: Whether there is no result yet.
        bytes: Of all its files; None where they were not looked at.
        checkpoint_bytes: Of these, of checkpoints and snapshots; None likewise.
        tags: What people have tagged it with.
        note: What they have noted.
        folder: Where it lies.
        measured: All that ``best`` depends on beside the generator; None where it was not looked at.
    """

    name: str
    created: datetime | None
    state: State
    started: int
    planned: int | None
    statuses: Mapping[str, int]
    metric: str
    extractor: str
    best: float | None
    provisional: bool
    bytes: int | None
    checkpoint_bytes: int | None
    tags: tuple[str, ...]
    note: str
    folder: str
    measured: Identity | None = None

    @classmethod
    def of(cls, sweep: Sweep, sized: bool = True, compared: bool = False) -> "Overview":
        """Look at a sweep; the best value comes from ``trials``, because opening all metrics takes too long.

        Args:
            sweep: Which.
            sized: Whether to look at each of its files for the bytes.
            compared: Whether its best value is to be compared with that of others.

        Raises:
            WorkError: if its trials cannot be read.
        """
        trials = as_they_stand(sweep.folder, sweep.store.rows("trials", _COLUMNS))
        summary, note = summarise(sweep, trials, [], []), sweep.note
        sizes = sweep.folder.sizes() if sized else None
        winning = able(trials)
        results = [(value, row["trial"]) for row in winning if (value := finite(row["result"])) is not None]
        seen = [(value, row["trial"]) for row in winning if (value := finite(row["best_value"])) is not None]
        best, trial = min(results or seen, default=(None, None))
        return cls(
            name=sweep.name,
            created=sweep.info.created,
            state=_state(sweep, trials),
            started=summary.trials,
            planned=summary.planned,
            statuses=summary.statuses,
            metric=sweep.info.metric,
            extractor=sweep.info.extractor,
            best=best,
            provisional=not results,
            bytes=None if sizes is None else sum(sizes.values()),
            checkpoint_bytes=None if sizes is None else sizes.get(layout.CHECKPOINTS, 0),
            tags=note.tags,
            note=note.text,
            folder=str(sweep.folder),
            measured=_measured(sweep, "results" if results else "metrics", trial, best) if compared else None,
        )

    def plain(self) -> dict[str, Any]:
        """Give all as plain values by name."""
        plain = asdict(self)
        del plain["measured"]
        return plain


def _measured(sweep: Sweep, dataset: str, trial: int | None, best: float | None) -> Identity:
    """Read what the values of a trial depend on; the pictures are known without one."""
    rows = [] if trial is None else sweep.store.part(dataset, trial)
    info = sweep.info
    known = {"extractor": info.extractor, "extractor_digest": info.extractor_digest}
    row = next((row for row in reversed(rows) if row[info.metric] == best), rows[-1] if rows else known)
    return replace(Identity.of(row), data_hash=info.pictures_hash)


def _state(sweep: Sweep, trials: Sequence[Row]) -> State:
    if watching.running_in(sweep.folder):
        return State.RUNNING
    return state_of(sweep, partial(_known, sweep, trials))


def _known(sweep: Sweep, trials: Sequence[Row], dataset: str) -> Sequence[Row]:
    """Give what says how a sweep stands; thousands of results are only opened where a trial's row tells of none."""
    if dataset == "trials":
        return trials
    if dataset == "results" and all(row["best_value"] is None or row["result_kimg"] for row in trials):
        return [{"trial": row["trial"], "kimg": row["result_kimg"]} for row in trials]
    return sweep.store.rows(dataset, _NEEDED[dataset])


def _kind(one: Overview) -> tuple[Any, ...]:
    """Give what all values that compare with a sweep's have in common, in an order of its own."""
    return tuple(map(str, astuple(one.measured or Identity())))


_ORDERS: Mapping[str, Callable[[Overview], Any]] = {
    "created": lambda one: -(one.created or datetime.fromtimestamp(0, UTC)).timestamp(),
    "name": lambda one: one.name.lower(),
    # Values that were not measured alike do not compare: each kind stands by itself.
    "best": lambda one: (one.best is None, one.metric, _kind(one), one.best or 0.0),
    "trials": lambda one: -one.started,
    "size": lambda one: -(one.bytes or 0),
    "status": lambda one: list(State).index(one.state),
}
ORDERS = tuple(_ORDERS)
"""What sweeps can be sorted by: the newest, the lowest, the most, the largest, the running first."""


def select(sweeps: Iterable[Sweep], patterns: Iterable[str] = (), tags: Iterable[str] = ()) -> list[Sweep]:
    """Choose sweeps.

    Args:
        sweeps: Some.
        patterns: Of their names, as a shell's (``faces-*``); those that fit any of them, all where there is none.
        tags: Those that have all of these.
    """
    patterns, tags = list(patterns), set(tags)
    named = [
        sweep
        for sweep in sweeps
        if not patterns or any(fnmatchcase(sweep.name, pattern) for pattern in patterns)
    ]
    return [sweep for sweep in named if not tags or tags <= set(sweep.note.tags)]


def overviews(
    sweeps: Iterable[Sweep], order: str = "created", states: Iterable[str] = (), sized: bool = True
) -> tuple[list[Overview], list[str]]:
    """Look at many sweeps; returns those that can be read, and what is wrong with others.

    Args:
        sweeps: Which.
        order: One of `ORDERS`.
        states: Only those that stand like this; all where there is none.
        sized: Whether to add up the bytes of their files, which the order ``size`` needs.
    """
    wanted = set(states)

    def look(sweep: Sweep) -> Overview | str:
        try:
            return Overview.of(sweep, sized, order == "best")
        except WorkError as error:  # a damaged part of one hides no other
            return f"{sweep.name}: {error}; 'sweep check {called(sweep.folder)}' says more"

    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        found = list(pool.map(look, sweeps))
    read = [one for one in found if isinstance(one, Overview) and (not wanted or one.state in wanted)]
    return sorted(read, key=_ORDERS[order]), [one for one in found if isinstance(one, str)]
