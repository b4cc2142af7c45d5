"""The first things that a report says: what is best, how sure that is, what became of the trials, what it cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sweep import formatting
from sweep.report.facts import Facts, Row
from sweep.report.results import Results
from sweep.results.confirmation import label, verdict
from sweep.results.summary import seconds_saved
from sweep.spec.wording import searched

ORDER = ("finished", "stopped", "collapsed", "failed", "interrupted", "running", "waiting")


@dataclass(frozen=True)
class Part:
    """A part of the bar that shows what became of the trials."""

    status: str
    label: str
    count: int


def parts(results: Results) -> list[Part]:
    """What became of the trials, in the order of luck: stopped ones by rung, collapsed ones by verdict."""
    counted: dict[tuple[str, float, str], int] = {}
    for facts in results.sweeps:
        rungs = {rung.index: rung.kimg for rung in facts.summary.rungs}
        for row in facts.trials:
            at = 0.0
            words = row["status"]
            if row["status"] == "stopped":
                at = rungs.get(row["rung"], row["kimg"] or 0.0)
                words = f"stopped at {formatting.kimg(at)} kimg"
            elif row["status"] == "collapsed":
                words = f"collapsed, {row['verdict'] or 'no verdict'}"
            counted[row["status"], at, words] = counted.get((row["status"], at, words), 0) + 1
        waiting = (facts.summary.planned or 0) - len(facts.trials)
        if waiting > 0:
            key = ("waiting", 0.0, "not started")
            counted[key] = counted.get(key, 0) + waiting
    ordered = sorted(counted.items(), key=lambda item: (ORDER.index(item[0][0]), item[0][1], -item[1]))
    return [Part(status, words, count) for (status, _, words), count in ordered]


def hours(results: Results) -> tuple[str, str]:
    """Hours of processor that were spent, and those saved by stopping, such as ``1.2 GPU-hours``."""
    spent: dict[str, float] = {}
    saved: dict[str, float] = {}
    for facts in results.sweeps:
        for row in facts.trials:
            kind, share = _processor(facts, row)
            seconds = (row["seconds_train"] or 0.0) + (row["seconds_eval"] or 0.0)
            spent[kind] = spent.get(kind, 0.0) + share * seconds
            budget = facts.sweep.info.budget
            if isinstance(budget, (int, float)):
                saved[kind] = saved.get(kind, 0.0) + share * seconds_saved(row, budget)
    return _hours(spent), _hours(saved)


def _processor(facts: Facts, row: Row) -> tuple[str, float]:
    """What a trial runs on, and how much of it is its own: four trials may share a GPU."""
    resources = facts.spec.get("resources")
    shares = resources if isinstance(resources, Mapping) else {}
    device = str(row["device"] or facts.sweep.info.device or "cpu")
    kind = "cpu" if device == "cpu" else "gpu"
    share = shares.get(kind)
    return kind.upper(), float(share) if isinstance(share, (int, float)) and share > 0 else 1.0


def _hours(seconds: Mapping[str, float]) -> str:
    known = {kind: item / 3600 for kind, item in seconds.items() if item >= 1}
    return " and ".join(
        f"{formatting.number(item, 2 if item < 10 else 3)} {kind}-hours" for kind, item in known.items()
    )


def about(facts: Facts) -> list[tuple[str, str | list[str]]]:
    """The facts of one sweep: term and words."""
    info, summary = facts.sweep.info, facts.summary
    pictures = f"{info.images:,} pictures" if info.images else "pictures"
    prepared = info.prepared
    data = [
        pictures,
        *([prepared] if prepared else []),
        f"content hash {info.data_hash[:12] or 'unknown'}",
    ]
    if summary.skipped:
        data.append(f"{formatting.count(len(summary.skipped), 'unreadable file')} left out")
    spent = f"{formatting.duration(summary.seconds_train + summary.seconds_eval)} of trial time"
    spent += f" on {info.device}" if info.device else ""
    spent += f", of which {formatting.duration(summary.seconds_eval)} measuring"
    if summary.seconds_results:
        spent += f" ({formatting.duration(summary.seconds_results)} of it results)"
    terms: list[tuple[str, str | list[str]]] = [
        ("Data", ", ".join(data)),
        ("Attribution", info.attribution),
        ("Time", spent),
    ]
    if summary.seconds_saved >= 1:
        saved = f"about {formatting.duration(summary.seconds_saved)}, had all trials gone to the end at their pace"
        terms.append(("Saved by stopping", saved))
    if info.budget:
        every = formatting.kimg(info.interval)
        terms.append(("Budget", f"{formatting.kimg(info.budget)} kimg a trial, measured every {every} kimg"))
    terms.append(("Searched", [f"{path}: {words}" for path, words in searched(facts.spec).items()]))
    return [(term, words) for term, words in terms if words]


@dataclass(frozen=True)
class Sureness:
    """How sure the winner is: a short label, and sentences on what fresh seeds gave."""

    label: str
    words: str


def sureness(results: Results) -> Sureness:
    """What `sweep confirm` found of the winner; one seed before it was asked."""
    winner = results.winner
    confirmed = winner.facts.confirmed if winner else None
    repeats = confirmed.of(winner.entry.trial) if confirmed and winner else None
    if confirmed is None or repeats is None or repeats.mean is None:
        return Sureness("one seed", "")
    again = formatting.count(len(repeats.values), "fresh seed")
    told = label(confirmed, repeats.trial)
    return Sureness(again, f"Trained again: {told}. {sentence(verdict(confirmed))}")


def sentence(words: str) -> str:
    """With a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


def day(time: datetime) -> str:
    """A time as a reader anywhere understands it."""
    return f"{time.day} {time:%B %Y, %H:%M} UTC"
