"""The first section of the page: what is best, how sure that is, what became of the trials, what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from ganlib.config import Ancestor
from sweep import formatting
from sweep.records.status import Status
from sweep.report.facts import Facts
from sweep.report.page.hours import hours
from sweep.report.page.sureness import Sureness, sureness
from sweep.report.pictures import Album, Frame
from sweep.report.results import RankedTrial, Results
from sweep.report.translation import measured
from sweep.results.by_class import value_of, worst_first
from sweep.results.continued import read_continued, sentences
from sweep.results.places import told as where
from sweep.results.summary import until
from sweep.results.translation import warnings_of
from sweep.spec.space import searched

ORDER = ("finished", "expired", "stopped", "collapsed", "failed", "interrupted", "running", "waiting")


@dataclass(frozen=True)
class Best:
    """The best trial, in words.

    Attributes:
        key: Its key in links.
        value: Its metric, with the standard error or the number of pictures where they are needed.
        label: The metric's name with what it was measured with.
        kimg: When its generator was at its best.
        measured: Whether ``value`` is that of a result.
        running: Whether the trial has not ended.
        floor: What real pictures score against each other; empty if that was not measured.
        real: What real pictures are called.
        baseline: What photographs score as they are; empty where nothing is translated.
        params: Its searched values: path and value.
        translation: Of a translator, more numbers of its result: title, value and what it says.
        classes: KID of each class of its result, the worst first: name, value and what it was measured with.
        warnings: What is wrong with its drawings, with figures.
        portrait: Its pictures at its best; None if there are none.
    """

    key: str
    name: str
    value: str
    label: str
    kimg: str
    measured: bool
    running: bool
    floor: str
    real: str
    baseline: str
    params: Sequence[tuple[str, str]]
    translation: Sequence[tuple[str, str, str]]
    classes: Sequence[tuple[str, str, str]]
    warnings: Sequence[str]
    sureness: Sureness
    portrait: Frame | None


@dataclass(frozen=True)
class Part:
    """A part of the bar that shows what became of the trials."""

    status: str
    label: str
    count: int


@dataclass(frozen=True)
class SweepSummary:
    """One of the sweeps.

    Attributes:
        heading: Its name; empty where it is the only one.
        standing: What its best trial is, as a sentence.
        terms: Term, and a line or several on it.
    """

    heading: str
    standing: str
    terms: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True)
class SummarySection:
    """The summary.

    Attributes:
        problem: Why not all trials can be ranked together; None if they can.
        best: The best trial; None if there is no one.
        lacking: Why there is no best trial; empty if there is.
        spent: Hours of processor, such as ``1.2 GPU-hours``; empty if there are none.
        saved: Hours that stopping trials saved; empty if there are none.
        parts: What became of the trials.
    """

    problem: str | None
    best: Best | None
    lacking: str
    spent: str
    saved: str
    parts: Sequence[Part]
    sweeps: Sequence[SweepSummary]

    @classmethod
    def of(cls, results: Results, album: Album) -> "SummarySection":
        """Sum up the trials of a report."""
        spent, saved = hours(results.sweeps)
        return cls(
            problem=results.problem,
            best=_best(results, results.winner, album.portrait) if results.winner else None,
            lacking="" if results.winner else _lacking(results),
            spent=spent,
            saved=saved,
            parts=parts(results),
            sweeps=[
                SweepSummary(
                    heading=facts.sweep.name if results.several else "",
                    standing=_standing(results, facts),
                    terms=terms(facts),
                )
                for facts in results.sweeps
            ],
        )


def _best(results: Results, winner: RankedTrial, portrait: Frame | None) -> Best:
    """Describe the best trial."""
    entry, floor = winner.entry, winner.facts.floor
    baseline = getattr(entry.baseline, results.metric, None)
    return Best(
        key=winner.key,
        name=winner.name,
        value=results.value(entry),
        label=results.label,
        kimg=formatting.kimg(_rounded(entry.kimg)),
        measured=entry.measured,
        running=entry.status is Status.RUNNING,
        floor="" if floor is None else formatting.number(floor, 3),
        real=winner.facts.real,
        baseline="" if baseline is None else formatting.number(baseline, 3),
        params=[(path, formatting.value(item)) for path, item in entry.params.items() if item is not None],
        translation=[
            (measure.title, formatting.number(value, 3), measure.about)
            for measure, value in measured(entry.source)
        ],
        classes=[
            (one.name, value_of(one), f"{one.n_fake} generated pictures against {one.n_real} real ones")
            for one in worst_first(entry.source)
        ],
        warnings=warnings_of(entry.source),
        sureness=sureness(results),
        portrait=portrait,
    )


def _lacking(results: Results) -> str:
    """Say why there is no best trial."""
    if results.problem:
        return "The trials cannot be ranked together."
    if nearest := next((facts.board.nearest for facts in results.sweeps if facts.board.nearest), ""):
        return formatting.sentence(nearest)
    if results.trials:
        return f"No trial can be ranked: none has a finite {results.called} and is healthy."
    return "No trial has started."


def _standing(results: Results, facts: Facts) -> str:
    """Say which trial is the best of one sweep."""
    winner = facts.winner
    if winner is None:
        return formatting.sentence(facts.board.nearest or "no trial can be ranked")
    at = f"at {formatting.kimg(_rounded(winner.kimg))} kimg"
    words = f"Best: {results.value(winner)} by trial {winner.trial} {at}"
    state = f"; {facts.state.words}" if facts.state.words else ""
    return f"{words}, of {formatting.count(len(facts.trials), 'trial')}{state}."


def _rounded(kimg: float | None) -> float | None:
    """Round a time to the tenth of a kimg."""
    return None if kimg is None else round(kimg, 1)


def parts(results: Results) -> list[Part]:
    """Count what became of the trials, from the best to the worst: stopped ones by rung, collapsed ones by verdict."""
    counted: dict[tuple[str, float, str], int] = {}
    for facts in results.sweeps:
        rungs = {rung.index: rung.kimg for rung in facts.summary.rungs}
        for row in facts.trials:
            at = 0.0
            words = row["status"]
            if row["status"] == Status.STOPPED:
                alike = facts.too_alike(row["trial"])
                at = alike.kimg if alike else rungs.get(row["rung"], row["kimg"] or 0.0)
                words = f"stopped at {formatting.kimg(at)} kimg{', too little variety' if alike else ''}"
            elif row["status"] == Status.COLLAPSED:
                words = f"collapsed, {row['verdict'] or 'no verdict'}"
            counted[row["status"], at, words] = counted.get((row["status"], at, words), 0) + 1
        waiting = (facts.summary.planned or 0) - len(facts.trials)
        if waiting > 0:
            key = ("waiting", 0.0, "not started")
            counted[key] = counted.get(key, 0) + waiting
    ordered = sorted(counted.items(), key=lambda item: (ORDER.index(item[0][0]), item[0][1], -item[1]))
    return [Part(status, words, count) for (status, _, words), count in ordered]


def terms(facts: Facts) -> list[tuple[str, Sequence[str]]]:
    """Describe one sweep by terms, each with a line or several."""
    info, summary = facts.sweep.info, facts.summary
    note = facts.sweep.note
    found = [
        ("Note", note.text.splitlines()),
        ("Tags", [", ".join(note.tags)]),
        ("Data", [_data(facts)]),
        ("Attribution", [info.attribution]),
        ("Begun with", [line for ancestor in info.ancestors.values() for line in _ancestry(ancestor)]),
        ("Time", [_time(facts)]),
        ("Places", where(summary.places)),
    ]
    if summary.seconds_saved >= 1:
        took = formatting.duration(summary.seconds_saved)
        saved = f"about {took}, had all trials gone as far as the longest at their pace"
        found.append(("Saved by stopping", [saved]))
    if info.budget:
        every = formatting.kimg(info.interval)
        words = f"{formatting.kimg(info.budget)} kimg a trial{until(facts.spec)}, measured every {every} kimg"
        found.append(("Budget", [words]))
    found.append(("Wished", [wish.words for wish in info.wishes]))
    longer = sentences(facts.sweep, read_continued(facts.sweep))
    found.append(
        ("Trained on", [formatting.sentence(words.removeprefix("trained on: ")) for words in longer])
    )
    found.append(("Searched", [f"{path}: {words}" for path, words in searched(facts.spec).items()]))
    return [(term, lines) for term, lines in found if any(lines)]


def _ancestry(ancestor: Ancestor) -> list[str]:
    """Describe weights that trials begin with, and what these began with, a line each."""
    return [f"{one}; {one.attribution}" if one.attribution else str(one) for one in ancestor.line()]


def _data(facts: Facts) -> str:
    """Describe the pictures that a sweep learns from."""
    info, skipped = facts.sweep.info, facts.summary.skipped
    words = [f"{info.images:,} {facts.real}" if info.images else facts.real]
    if info.photos:
        words[0] += f" and {info.photos:,} photographs"
    if info.classes:
        words.append(f"{len(info.classes)} classes")
    if info.prepared:
        words.append(str(info.prepared))
    words.append(f"content hash {(info.data_hash or 'unknown')[:12]}")
    if skipped:
        words.append(f"{formatting.count(len(skipped), 'unreadable file')} left out")
    words += info.told_duplicates
    return ", ".join(words)


def _time(facts: Facts) -> str:
    """Say how long the trials of a sweep took together, and how much of that was measuring."""
    info, summary = facts.sweep.info, facts.summary
    words = f"{formatting.duration(summary.seconds_train + summary.seconds_eval)} of trial time"
    words += f" on {info.device}" if info.device else ""
    words += f", of which {formatting.duration(summary.seconds_eval)} measuring"
    if summary.seconds_results:
        words += f" ({formatting.duration(summary.seconds_results)} of it results)"
    return words
