"""Which trial is best: the leaderboard of a sweep, and what is left out of it and why.

A metric without its identity is not a number: rows are ranked against each other only if extractor, its digest,
resize, weights, the numbers of real and generated pictures and the data are the same. A sweep measures its trials
with more pictures the further they come (see `ganlib.ladder`): those that came furthest are ranked among
themselves, and the others are left out, with what they had. Smaller is better for both metrics.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ganlib.errors import RequestError
from ganlib.metrics.identity import NAMES, Floor, Identity, differing
from ganlib.registry import did_you_mean
from sweep.decisive import COLUMNS, decisive
from sweep.store import Store, to_rows
from sweep.text import trial_numbers

METRICS = NAMES
Row = Mapping[str, Any]
OUT_OF_PLAY = ("collapsed", "failed")
UNRANKED = ("config", "params", "seed", "started", "ended", "seconds_train", "seconds_eval", "device", "node")
"""What it does not need of ``trials``; of a thousand rows, these take the longest to read."""


class MixedIdentityError(RequestError):
    """The trials were not measured alike; the text says how they differ."""


@dataclass(frozen=True)
class Entry:
    """One trial and its best evaluation by the metric; numbers are None where there is no finite one.

    Attributes:
        rank: 1 is best, ties share a rank; None if the trial is left out.
        value: The metric at the best evaluation, which was at ``kimg``.
        last: The metric at the newest evaluation that has one.
        n_fake: Generated pictures at the best evaluation; the best is sought among those with the most.
        floor: What held-out real pictures score on as many; None if that was not measured.
        suspicion: Why the values are too good to be honest; None if they are not.
        reason: Why the trial is left out; None if it is ranked.
        row: Its row of ``trials``.
    """

    trial: int
    status: str
    rank: int | None
    value: float | None
    kimg: float | None
    kid: float | None
    kid_se: float | None
    fid: float | None
    last: float | None
    n_fake: int | None
    floor: Floor | None
    suspicion: str | None
    reason: str | None
    row: Row = field(repr=False)

    @property
    def params(self) -> dict[str, Any]:
        """The searched values: path to value, None where the trial has none."""
        return {key.removeprefix("param."): self.row[key] for key in self.row if key.startswith("param.")}


@dataclass(frozen=True)
class Leaderboard:
    """The ranked trials, best first, and those left out: what came far first, and then by number."""

    metric: str
    identity: Identity | None
    ranked: Sequence[Entry]
    left_out: Sequence[Entry]

    @property
    def label(self) -> str:
        """The metric's name with its identity; the bare name while nothing has been measured."""
        return self.identity.label(self.metric) if self.identity else METRICS[self.metric]

    def column(self, metric: str) -> str:
        """A metric's name where there is little room: still with its extractor, without which it is no number."""
        return f"{METRICS[metric]} ({self.identity.extractor})" if self.identity else METRICS[metric]

    @property
    def suspicions(self) -> list[str]:
        """One sentence for each trial that scores better than real pictures do."""
        return [
            f"trial {entry.trial}: {entry.suspicion}; has it learnt pictures by heart? The event under_floor says "
            "where the nearest real ones are shown"
            for entry in self.entries
            if entry.suspicion
        ]

    @property
    def entries(self) -> list[Entry]:
        """Everybody: the ranked, then the others."""
        return [*self.ranked, *self.left_out]


def leaderboard(store: Store, metric: str = "kid", floors: Sequence[Floor] = ()) -> Leaderboard:
    """Rank the trials of a sweep by their best finite value of a metric.

    Collapsed and failed trials never win, whatever they measured; running, stopped and interrupted trials
    count with the best they have. The entries' rows lack the columns `UNRANKED`.

    Args:
        store: The sweep's datasets.
        metric: ``kid`` or ``fid``.
        floors: What held-out real pictures score, for each number of pictures.

    Raises:
        RequestError: for an unknown metric.
        MixedIdentityError: if the values were not measured alike.
        WorkError: if a dataset cannot be read.
    """
    check_metric(metric)
    trials = store.table("trials")
    trials = to_rows(trials.drop_columns([name for name in trials.column_names if name in UNRANKED]))
    return rank(trials, to_rows(decisive(store.table("metrics", COLUMNS), metric)), metric, floors)


def rank(
    trials: Sequence[Row], metrics: Iterable[Row], metric: str, floors: Sequence[Floor] = ()
) -> Leaderboard:
    """`leaderboard` of rows that were read before: of ``trials``, and of ``metrics`` ordered by kimg."""
    metrics = list(metrics)
    in_play = {row["trial"] for row in trials if row["status"] not in OUT_OF_PLAY}
    identity = _one_identity([row for row in metrics if row["trial"] in in_play and _measured(row, metric)])
    entries = _entries(trials, metrics, metric, floors)
    if identity:
        entries = [_at_full_count(entry, identity.n_fake) for entry in entries]
    ranked = sorted((e for e in entries if e.reason is None), key=lambda e: (e.value, e.trial))
    left_out = sorted((e for e in entries if e.reason is not None), key=_farthest_first)
    return Leaderboard(metric, identity, _with_ranks(ranked), left_out)


def rank_or_explain(
    trials: Sequence[Row], metrics: Iterable[Row], metric: str, floors: Sequence[Floor] = ()
) -> tuple[Leaderboard, str | None]:
    """`rank` for those who show everything: if it refuses, all are left out and its text is returned."""
    metrics = list(metrics)
    try:
        return rank(trials, metrics, metric, floors), None
    except MixedIdentityError as error:
        entries = [
            replace(entry, reason=entry.reason or "not measured like the others")
            for entry in _entries(trials, metrics, metric, floors)
        ]
        return Leaderboard(metric, None, [], entries), str(error)


def grouped(board: Leaderboard, path: str, otherwise: object) -> dict[str, list[Entry]]:
    """The trials of each value of a key, the ranked first; the group with the best trial comes first.

    Args:
        board: The leaderboard.
        path: A key of the spec, such as ``train.loss``.
        otherwise: Its value in the trials where it is not searched.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in board.entries:
        value = entry.params.get(path)
        groups.setdefault(str(otherwise if value is None else value), []).append(entry)
    return groups


def check_metric(metric: str) -> str:
    """Return ``metric`` if it is one.

    Raises:
        RequestError: listing the choices.
    """
    if metric not in METRICS:
        hint = did_you_mean(metric, list(METRICS))
        raise RequestError(f"unknown metric '{metric}'{hint} (choices: {', '.join(METRICS)})")
    return metric


def finite(value: float | None) -> float | None:
    """The value if it is a finite number, else None."""
    return value if value is not None and math.isfinite(value) else None


def _measured(row: Row, metric: str) -> bool:
    """Whether an evaluation counts: it has a number, and the run was not called dead at it."""
    return finite(row[metric]) is not None and not row.get("verdict")


def _entries(
    trials: Sequence[Row], metrics: Iterable[Row], metric: str, floors: Sequence[Floor]
) -> list[Entry]:
    evaluations: dict[int, list[Row]] = defaultdict(list)
    for row in metrics:
        if _measured(row, metric):
            evaluations[row["trial"]].append(row)
    return [_entry(row, evaluations[row["trial"]], metric, floors) for row in trials]


def _entry(row: Row, evaluations: Sequence[Row], metric: str, floors: Sequence[Floor]) -> Entry:
    highest = max(map(_stage, evaluations), default=0)
    comparable = [e for e in evaluations if _stage(e) == highest]
    best = min(comparable, key=lambda e: (e[metric], e["kimg"]), default={})
    floor = next((floor for floor in floors if floor.n_fake == best.get("n_fake")), None)
    fid, kid, kid_se = (finite(best.get(name)) for name in ("fid", "kid", "kid_se"))
    return Entry(
        trial=row["trial"],
        status=row["status"],
        rank=None,
        value=best.get(metric),
        kimg=best.get("kimg"),
        kid=kid,
        kid_se=kid_se,
        fid=fid,
        last=evaluations[-1][metric] if evaluations else None,
        n_fake=best.get("n_fake"),
        floor=floor,
        suspicion=floor.beaten_by(fid, kid, kid_se) if floor else None,
        reason=_why_left_out(row, bool(evaluations), metric),
        row=row,
    )


def _stage(row: Row) -> int:
    return row.get("stage") or 0


def _at_full_count(entry: Entry, n_fake: int) -> Entry:
    """The entry, left out if it was measured on fewer pictures than those that are ranked."""
    if entry.reason is None and entry.n_fake is not None and entry.n_fake < n_fake:
        return replace(entry, reason=f"measured on {entry.n_fake} pictures, not on {n_fake}")
    return entry


def _farthest_first(entry: Entry) -> tuple[int, float, int]:
    """Those that were only measured on fewer pictures come before those that cannot be ranked at all."""
    if entry.status in OUT_OF_PLAY or entry.value is None:
        return 0, 0.0, entry.trial
    return -(entry.n_fake or 0), entry.value, entry.trial


def _why_left_out(row: Row, measured: bool, metric: str) -> str | None:
    if row["status"] == "collapsed":
        return f"collapsed: {row['verdict'] or 'no verdict on record'}"
    if row["status"] == "failed":
        text = str(row["failure"] or "no error on record").strip().splitlines()
        return f"failed: {text[-1] if text else 'no error on record'}"
    if not measured:
        return "not evaluated yet" if row["status"] == "running" else f"no finite {METRICS[metric]}"
    return None


def _with_ranks(entries: Iterable[Entry]) -> list[Entry]:
    ranked: list[Entry] = []
    for place, entry in enumerate(entries, start=1):
        tied = ranked and ranked[-1].value == entry.value
        ranked.append(replace(entry, rank=ranked[-1].rank if tied else place))
    return ranked


def _one_identity(rows: Sequence[Row]) -> Identity | None:
    """The identity of the evaluations of the highest stage; None if there are no evaluations.

    Raises:
        MixedIdentityError: if those of a stage, or those of two in more than the number of pictures, differ.
    """
    trials_by: dict[tuple[int, Identity], set[int]] = defaultdict(set)
    for row in rows:
        trials_by[_stage(row), Identity.of(row)].add(row["trial"])
    stages = {stage for stage, _ in trials_by}
    alike = {replace(identity, n_fake=0) for _, identity in trials_by}
    if len(trials_by) > len(stages) or len(alike) > 1:
        by_identity: dict[Identity, set[int]] = defaultdict(set)
        for (_, identity), trials in trials_by.items():
            by_identity[identity] |= trials
        raise MixedIdentityError(_mixed(by_identity))
    return max(trials_by, key=lambda pair: pair[0])[1] if trials_by else None


def _mixed(trials_by: Mapping[Identity, set[int]]) -> str:
    names = differing(trials_by)
    groups = [
        f"  {', '.join(f'{name}={getattr(identity, name)}' for name in names)}: {trial_numbers(trials)}"
        for identity, trials in sorted(trials_by.items(), key=lambda pair: repr(pair[0]))
    ]
    return (
        f"these trials cannot be ranked together, their metrics differ in {' and '.join(names)}:\n"
        + "\n".join(groups)
        + "\nrun them again under one name with one extractor, count and data set to compare them"
    )
