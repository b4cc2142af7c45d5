"""Check that everything in a sweep's folder is whole and agrees: the rules of ``sweep check``.

A sweep on a machine that dies must keep its promise: every finished evaluation is on record once, kimg only
grows, decisions follow from the records, and what a record names is there. Each rule below looks at one side of
that and yields `Finding`s; one that can be mended knows how.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

from ganlib import clock
from sweep.check.folder import Finding, Found, reason
from sweep.records import ledger
from sweep.records.schemas import STATUSES
from sweep.records.snapshots import compared, fair, peaked
from sweep.records.status import Status
from sweep.search.asha import Asha
from sweep.storage import layout


def find(records: Found) -> list[Finding]:
    """Find all that is wrong; the later rules build on the earlier and see only what could be read."""
    from sweep.check.file_rules import checkpoints, initial, judged, leftovers, pictures, study, weights

    found = list(records.damage)
    for rule in (
        ledgers,
        trials,
        results,
        evaluations,
        rungs,
        pictures,
        weights,
        initial,
        checkpoints,
        judged,
    ):
        found += rule(records)
    if not records.running and not found:  # else it would only repeat what was said
        found += study(records)
    return found + list(leftovers(records))


def ledgers(records: Found) -> Iterator[Finding]:
    """Check that every trial has a copy in the ledger, whole, and that the parts have all that the copy has."""
    for trial in _numbers(records):
        path = layout.ledger(trial)
        try:
            copy = ledger.read(records.folder, trial)
        except ledger.DamagedLedgerError as error:
            yield Finding(path, reason(error), partial(ledger.write, records.store, trial))
            continue
        if copy is None:
            yield Finding(path, "is missing", partial(ledger.write, records.store, trial))
            continue
        for dataset, rows in copy.items():
            damaged = layout.part(dataset, trial) in records.damaged
            lost = len(rows) - len(records.rows(dataset, trial))
            if lost > 0 and not damaged and records.settled(trial):
                mend = records.from_ledger(dataset, trial)
                yield Finding(layout.part(dataset, trial), f"lacks {lost} rows that the ledger has", mend)


def trials(records: Found) -> Iterator[Finding]:
    """Check the rows of trials: numbers without a gap, a known status, values that follow from the evaluations."""
    found = records.trials
    for number in sorted(set(range(max(_numbers(records), default=-1) + 1)) - set(found)):
        path = layout.part("trials", number)
        if path not in records.damaged:
            yield Finding(path, "is missing", records.from_ledger("trials", number))
    for number, row in found.items():
        path = layout.part("trials", number)
        for what in _of_trial(records, row):
            yield Finding(path, what)
        if records.settled(number) and (stale := _stale(records, row)):
            mend = _put(records, number, stale)
            told = ", ".join(f"{name} is {row[name]} and should be {value}" for name, value in stale.items())
            yield Finding(path, told, mend)


def _of_trial(records: Found, row: dict[str, Any]) -> Iterator[str]:
    rows = records.rows("metrics", row["trial"])
    if row["status"] not in STATUSES:
        yield f"has the unknown status {row['status']!r}"
    budget = records.budget(row["trial"])
    patience = records.spec.patience(records.info.images)
    early = patience is not None and peaked(records.remembered(row["trial"]).seen, patience)
    if row["status"] == Status.FINISHED and not early and not clock.reached(row["kimg"], budget):
        yield f"is finished at {row['kimg']:g} of {budget:g} kimg"
    if row["status"] == Status.COLLAPSED and not (
        row["verdict"] and rows and rows[-1]["verdict"] == row["verdict"]
    ):
        last = rows[-1]["verdict"] if rows else "nothing"
        yield f"is collapsed ({row['verdict']}), but its last evaluation says {last}"
    if row["status"] == Status.STOPPED and not any(r["stopped"] for r in records.rows("rungs", row["trial"])):
        yield "is stopped, but no rung says so"
    if Status(row["status"]).ended and row["status"] != Status.FAILED and row["ended"] is None:
        yield f"is {row['status']} without a time"


def _stale(records: Found, row: dict[str, Any]) -> dict[str, Any]:
    """Find what a trial's row says otherwise than its evaluations do."""
    try:
        true = records.remembered(row["trial"]).row()
    except (ValueError, TypeError):
        return {}
    names = (
        *("kimg", "best_kimg", "best_value", "best_n_fake", "result", "result_se", "result_kimg"),
        *("seconds_train", "seconds_eval", "broken"),
    )
    return {name: true[name] for name in names if not _equal(true[name], row[name])}


def _put(records: Found, number: int, columns: dict[str, Any]) -> Callable[[], None]:
    def mend() -> None:
        records.store.put_trial({"trial": number, **columns})
        ledger.write(records.store, number)

    return mend


def results(records: Found) -> Iterator[Finding]:
    """Check that trials that were measured have a result, of an evaluation on record."""
    for number in filter(records.settled, records.trials):
        path, trial = layout.part("results", number), records.remembered(number)
        if trial.due and records.trials[number]["result_kimg"] is not None:
            yield Finding(
                path, "is missing: the trial has ended and was measured ('sweep resume' measures it again)"
            )
        rows = records.rows("results", number)
        if len(rows) > 1:
            yield Finding(path, f"has {len(rows)} results of one trial")
        kimg = trial.result["kimg"] if trial.result else None
        if kimg is not None and not any(one.kimg == kimg for one in trial.seen):
            yield Finding(path, f"is of {kimg:g} kimg, where there is no healthy evaluation")


def evaluations(records: Found) -> Iterator[Finding]:
    """Check evaluations: kimg grows, attempts do not go back, every row belongs to a trial, numbers are finite."""
    for (dataset, number), rows in sorted(records.parts.items()):
        path = layout.part(dataset, number)
        if dataset != "trials" and number not in records.trials:
            if layout.part("trials", number) not in records.damaged:
                yield Finding(path, f"has rows of trial {number}, which is not on record")
            continue
        if any(row["trial"] != number for row in rows):
            yield Finding(path, "has rows of another trial")
        if dataset not in ("metrics", "samples"):
            continue
        for before, row in pairwise(rows):
            if not row["kimg"] > before["kimg"]:
                yield Finding(path, f"kimg does not grow: {row['kimg']:g} after {before['kimg']:g}")
            if row["attempt"] < before["attempt"]:
                yield Finding(path, f"attempt {row['attempt']} has a row after attempt {before['attempt']}")
        for row in rows if dataset == "metrics" else ():
            needed = dict.fromkeys(("kid", "fid", records.info.metric))
            bad = [m for m in needed if row[m] is None or not math.isfinite(row[m])]
            if bad and row["verdict"] is None:
                yield Finding(
                    path, f"{' and '.join(bad)} at {row['kimg']:g} kimg is no number, and there is no verdict"
                )


def rungs(records: Found) -> Iterator[Finding]:
    """Check that rungs hold what was measured, and that the decisions come out again when they are played again."""
    entries = [row for (name, _), rows in records.parts.items() if name == "rungs" for row in rows]
    asha = Asha.of(records.info.rungs, records.spec.asha)
    if asha is None or any(path.startswith("rungs/") for path in records.damaged):
        return
    for entry in sorted(entries, key=lambda entry: entry["time"]):
        path = layout.part("rungs", entry["trial"])
        value = _measured(records, entry)
        if value is not None and not _equal(value, entry["value"]):
            yield Finding(
                path, f"has {entry['value']:g} at {entry['kimg']:g} kimg, where {value:g} was measured"
            )
        try:
            measured = entry["value"], entry["se"], entry["variety"]
            decision = asha.enter(entry["trial"], entry["rung_kimg"], *measured, {entry["rung"]})
        except ValueError as error:
            yield Finding(path, str(error))
            continue
        if entry["rung"] == decision.rung and not _equal(decision.cutoff, entry["cutoff"]):
            was = f"the cutoff at {entry['rung_kimg']:g} kimg was {entry['cutoff']}"
            yield Finding(path, f"{was}, and by the rungs it is {decision.cutoff}")
        if decision.alike != bool(entry["alike"]):
            yield Finding(path, _of_variety(entry, asha.variety))
    known = {(entry["trial"], entry["rung"]) for entry in entries}
    for number in filter(records.settled, records.trials):
        for index in sorted(_entered(records, number)):
            if (number, index) not in known:
                rung = records.info.rungs[index]
                what = f"trial {number} was measured at {rung:g} kimg or later, and has no entry there"
                yield Finding(layout.part("rungs", number), what)


def _of_variety(entry: dict[str, Any], least: float) -> str:
    """Tell of a trial that was, or was not, stopped for the little variety of its pictures, against the spec."""
    known = "nothing of the" if entry["variety"] is None else f"{entry['variety']:.1%} of the real pictures'"
    done = "ended there for that" if entry["alike"] else "did not end there for that"
    return f"has {known} variety at {entry['rung_kimg']:g} kimg and {done}, where {least:.1%} are needed"


def _entered(records: Found, number: int) -> set[int]:
    """Find the rungs, from 0, at which a trial was compared.

    From the trial's own budget on there is none: it came when the sweep got a longer one.
    """
    info, spec, budget = records.info, records.spec, records.budget(number)
    seen = compared(records.remembered(number).seen, info.ladder, budget)
    known = spec.search.metric, info.ladder, spec.evaluate.n_fake
    return {
        index
        for index, rung in enumerate(info.rungs)
        if not clock.reached(rung, budget)
        and any(clock.reached(one.kimg, rung) and fair(one, *known, rung) for one in seen)
    }


def _measured(records: Found, entry: dict[str, Any]) -> float | None:
    metric = records.spec.search.metric
    values = [r[metric] for r in records.rows("metrics", entry["trial"]) if _equal(r["kimg"], entry["kimg"])]
    return values[0] if values else None


def _numbers(records: Found) -> list[int]:
    names = records.folder.names(layout.LEDGER)
    copies = [trial for name in names if (trial := layout.trial_of(name, layout.LEDGER_SUFFIX)) is not None]
    return sorted({trial for _, trial in records.parts} | set(copies))


def _equal(first: float | str | None, second: float | str | None) -> bool:
    if not isinstance(first, float | int) or not isinstance(second, float | int):
        return first == second
    return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)
