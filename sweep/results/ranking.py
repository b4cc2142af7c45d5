"""Rank the trials of a sweep, and say what is left out of the leaderboard and why.

Trials are ranked by their results: the best generator of each, measured once more after the trial had ended, all alike
(see `sweep.worker.result`). A trial that has not ended has none; it is shown apart with the best that it has so far.
Only while no trial at all has a result are trials ranked by that.

Where wishes are made beside the metric (`sweep.spec.wishes`), results that break one are left out, the nearest first.

A metric without its identity is not a number: values are ranked against each other only if extractor, its digest,
resize, weights, the numbers of real and generated pictures and the data are the same. Smaller is better for all
metrics.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ganlib.errors import RequestError
from ganlib.metrics.identity import IDENTITY, Baseline, Floor, Identity, differing
from ganlib.names import MEASURED, METRICS
from ganlib.registry import did_you_mean
from sweep.formatting import trial_numbers
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.records.rows import uncollected
from sweep.records.snapshots import finite
from sweep.records.status import Status
from sweep.results.decisive import read_decisive
from sweep.results.leaderboard import Entry, Leaderboard, Row, had, with_ranks
from sweep.results.state import as_they_stand
from sweep.spec.wishes.wish import Wish, broken, missed, misses

UNRANKED = ("config", "params", "seed", "started", "ended", "seconds_train", "seconds_eval", "device", "node")
"""What it does not need of ``trials``; of a thousand rows, these take the longest to read."""


@dataclass(frozen=True)
class _Terms:
    """What trials are ranked by: a metric, what else scores, and what is wanted beside."""

    metric: str
    floors: Sequence[Floor] = ()
    baselines: Sequence[Baseline] = ()
    wishes: Sequence[Wish] = ()


class MixedIdentityError(RequestError):
    """The trials were not measured alike; the text says how they differ."""


@uncollected()
def leaderboard(
    store: Store,
    metric: str = "kid",
    floors: Sequence[Floor] = (),
    baselines: Sequence[Baseline] = (),
    wishes: Sequence[Wish] = (),
    seen: bool = True,
) -> Leaderboard:
    """Rank the trials of a sweep by a metric of their results.

    Collapsed and failed trials never win, whatever they measured, nor do those whose result breaks a wish. The entries'
    rows lack the columns `UNRANKED`.

    Args:
        store: The sweep's datasets.
        metric: One of `ganlib.names.METRICS`.
        floors: What held-out real pictures score, for each number of pictures.
        baselines: What photographs score as they are, for each number of pictures; of translators.
        wishes: What else is wanted of a result.
        seen: Whether ``seen`` and ``last`` of trials with a result are asked for; without, evaluations are read only
            where a trial has no result, which is faster.

    Raises:
        RequestError: for an unknown metric.
        MixedIdentityError: if the values were not measured alike.
        WorkError: if a dataset cannot be read.
    """
    check_metric(metric)
    # Results before trials: the reverse order could show an end without what came of it.
    results = store.rows("results")
    trials = as_they_stand(store.folder, store.rows("trials", without=UNRANKED))
    measured = {row["trial"] for row in results if finite(row[metric]) is not None}
    evaluations = read_decisive(store, metric, None if seen else {row["trial"] for row in trials} - measured)
    return rank(trials, evaluations, metric, floors, results, baselines, wishes)


def board_of(sweep: Sweep, metric: str | None = None, seen: bool = True) -> Leaderboard:
    """Rank the trials of a sweep by its metric or another, beside what held-out real pictures and photographs score.

    Without ``seen`` entries do not know what their trial had before its result; see `leaderboard`.
    """
    info = sweep.info
    return leaderboard(sweep.store, metric or info.metric, info.floor, info.baseline, info.wishes, seen)


def rank(
    trials: Sequence[Row],
    metrics: Iterable[Row],
    metric: str,
    floors: Sequence[Floor] = (),
    results: Iterable[Row] = (),
    baselines: Sequence[Baseline] = (),
    wishes: Sequence[Wish] = (),
) -> Leaderboard:
    """Rank rows that were read before: ``trials``, ``metrics`` ordered by kimg, and ``results``."""
    entries = _entries(trials, metrics, results, _Terms(metric, floors, baselines, wishes))
    provisional = not any(entry.measured for entry in entries)
    candidates = [entry for entry in entries if entry.reason is None and entry.measured != provisional]
    alike = candidates or [entry for entry in entries if entry.broken]
    identity = _one_identity([(entry.trial, entry.source) for entry in alike], provisional)
    ranked = sorted(candidates, key=partial(order, metric=metric, provisional=provisional))
    taken = {entry.trial for entry in ranked}
    left = [e.changed(reason=e.reason or _so_far(e, metric)) for e in entries if e.trial not in taken]
    left.sort(key=_hopeful_first)
    told = [wish.words for wish in wishes]
    return Leaderboard(metric, identity, with_ranks(ranked), left, provisional, told)


def rank_or_explain(
    trials: Sequence[Row],
    metrics: Iterable[Row],
    metric: str,
    floors: Sequence[Floor] = (),
    results: Iterable[Row] = (),
    baselines: Sequence[Baseline] = (),
    wishes: Sequence[Wish] = (),
) -> tuple[Leaderboard, str | None]:
    """Rank rows, or leave all trials out where `rank` refuses, and return its reason."""
    metrics, results = list(metrics), list(results)
    try:
        return rank(trials, metrics, metric, floors, results, baselines, wishes), None
    except MixedIdentityError as error:
        entries = [
            entry.changed(reason=entry.reason or "not measured like the others")
            for entry in _entries(trials, metrics, results, _Terms(metric, floors, baselines, wishes))
        ]
        return Leaderboard(metric, None, [], entries), str(error)


def grouped(board: Leaderboard, path: str, otherwise: object) -> dict[str, list[Entry]]:
    """Group trials by the value of a key, the ranked first; the group with the best trial comes first.

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
    """Return the name of a metric, checked.

    Raises:
        RequestError: listing the choices.
    """
    if metric not in METRICS:
        hint = did_you_mean(metric, list(METRICS))
        raise RequestError(f"unknown metric '{metric}'{hint} (choices: {', '.join(METRICS)})")
    return metric


def _measured(row: Row, metric: str) -> bool:
    """Tell whether an evaluation counts: it has a number, and the run was not called dead at it."""
    return finite(row[metric]) is not None and not row.get("verdict")


def _entries(
    trials: Sequence[Row],
    metrics: Iterable[Row],
    results: Iterable[Row],
    terms: _Terms,
) -> list[Entry]:
    evaluations: dict[int, list[Row]] = defaultdict(list)
    for row in metrics:
        if _measured(row, terms.metric):
            evaluations[row["trial"]].append(row)
    of_trial = {row["trial"]: row for row in results if finite(row[terms.metric]) is not None}
    return [_entry(row, evaluations[row["trial"]], of_trial.get(row["trial"]), terms) for row in trials]


def _entry(row: Row, evaluations: Sequence[Row], result: Row | None, terms: _Terms) -> Entry:
    metric, status = terms.metric, Status(row["status"])
    seen = min(evaluations, key=lambda e: (e[metric], e["kimg"])) if evaluations else None
    source: Row = result or seen or {}
    n_fake = source.get("n_fake")
    floor = next((one for one in terms.floors if one.n_fake == n_fake), None) if terms.floors else None
    judged = result if terms.wishes and not status.out_of_play else None
    measured = {name: finite(source.get(name)) for name in MEASURED}
    entry = Entry(
        trial=row["trial"],
        status=status,
        rank=None,
        value=finite(source.get(metric)),
        kimg=source.get("kimg"),
        **measured,
        measured=result is not None,
        seen=seen[metric] if seen else None,
        last=evaluations[-1][metric] if evaluations else None,
        n_fake=n_fake,
        floor=floor,
        baseline=next((one for one in terms.baselines if one.n_fake == n_fake), None)
        if terms.baselines
        else None,
        suspicion=floor.beaten_by(measured) if floor else None,
        reason=None,
        row=row,
        source=source,
        broken=broken(terms.wishes, judged) if judged else (),
        missed=missed(misses(terms.wishes, judged)) if judged else 0.0,
    )
    reason = _why_left_out(entry, metric)
    return entry if reason is None else entry.changed(reason=reason)


def order(entry: Entry, metric: str, provisional: bool) -> tuple[int, float, int]:
    """Order trials, the best first; a FID so far on more pictures stands before any on fewer."""
    count = entry.n_fake or 0 if provisional and METRICS[metric].falls else 0
    return -count, entry.value or 0.0, entry.trial


def _hopeful_first(entry: Entry) -> tuple[int, float, int]:
    """Order trials that are left out: the best of those that may still be ranked, then the nearest to the wishes."""
    if entry.status.out_of_play or entry.value is None:
        return 2, 0.0, entry.trial
    return (1, entry.missed, entry.trial) if entry.broken else (0, entry.value, entry.trial)


def _so_far(entry: Entry, metric: str) -> str:
    """Say why a trial without a result is not ranked beside those that have one."""
    words = {Status.RUNNING: "still running", Status.INTERRUPTED: "interrupted"}
    return f"{words.get(entry.status, 'no result')}, so far {had(entry, metric)}"


def _why_left_out(entry: Entry, metric: str) -> str | None:
    row, before = entry.row, ""
    if entry.value is not None:
        if not entry.status.out_of_play:
            return f"{'; '.join(entry.broken)}; it has {had(entry, metric)}" if entry.broken else None
        before = f"; its best was {had(entry, metric)}"
    if entry.status is Status.COLLAPSED:
        return f"collapsed: {row['verdict'] or 'no verdict on record'}{before}"
    if entry.status is Status.FAILED:
        text = str(row["failure"] or "no error on record").strip().splitlines()
        return f"failed: {text[-1] if text else 'no error on record'}{before}"
    if entry.value is None:
        return "not evaluated yet" if entry.status.resumable else f"no finite {METRICS[metric].label}"
    return None


def _one_identity(rows: Sequence[tuple[int, Row]], provisional: bool) -> Identity | None:
    """Find the identity that all ranked values share; None if nothing is ranked.

    What is only the best so far was seen on different numbers of pictures; then that of the identity is the largest.

    Raises:
        MixedIdentityError: if they differ in anything else.
    """
    alike_in: dict[tuple[object, ...], list[tuple[int, Row]]] = defaultdict(list)
    for trial, row in rows:
        alike_in[tuple(map(row.get, IDENTITY))].append((trial, row))
    trials_by: dict[Identity, set[int]] = defaultdict(set)
    for group in alike_in.values():
        trials_by[Identity.of(group[0][1])].update(trial for trial, _ in group)
    alike = {replace(identity, n_fake=0) if provisional else identity for identity in trials_by}
    if len(alike) > 1:
        raise MixedIdentityError(_mixed(trials_by))
    return max(trials_by, key=lambda identity: identity.n_fake, default=None)


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
