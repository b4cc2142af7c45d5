"""The section of pictures: every trial's grids through the training, and the winner's nearest real pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganlib.names import METRICS
from sweep import formatting
from sweep.records.snapshots import finite
from sweep.report.closest import Closest
from sweep.report.pictures import Album, Frame
from sweep.report.results import RankedTrial, Results


@dataclass(frozen=True)
class Card:
    """The newest pictures of a trial.

    Attributes:
        key: The trial's key in links.
        name: The trial's name.
        status: The trial's status.
        badge: The status in words; of a collapsed trial its verdict.
        block: The pictures, as a ``data:`` URL.
        caption: What is said of them.
        shown: What each row of the whole grid shows; empty where all show pictures of latents.
        rows: How many of these rows are in ``block``.
    """

    key: str
    name: str
    status: str
    badge: str
    block: str
    caption: str
    shown: Sequence[str]
    rows: int


@dataclass(frozen=True)
class RealCard:
    """The real pictures of a sweep.

    Attributes:
        index: The sweep's index.
        sweep: The sweep's name; empty where it is the only one.
        kind: What they are: ``pictures``, or ``drawings`` where photographs are turned into those.
        block: The pictures, as a ``data:`` URL.
    """

    index: int
    sweep: str
    kind: str
    block: str


@dataclass(frozen=True)
class Legend:
    """What the rows of a translator's grids show.

    Attributes:
        sweep: The sweep's name; empty where it is the only one.
        rows: From the top, until that begins anew.
    """

    sweep: str
    rows: Sequence[str]


@dataclass(frozen=True)
class Copying:
    """Whether the winner copies: how near its pictures are to real ones, in words.

    Attributes:
        winner: The winner's name.
        kind: What is real: ``pictures`` or ``drawings``.
        looked_through: Number of real pictures.
        median: Distance of a generated picture to the nearest real one, the median.
        smallest: The smallest of these distances.
        usual: Distance of a real picture to the nearest other real one, the median.
        pictures: Generated pictures, each above the nearest real one, as ``data:`` URLs.
    """

    winner: str
    kind: str
    looked_through: str
    median: str
    smallest: str
    usual: str
    pictures: Sequence[str]


@dataclass(frozen=True)
class GallerySection:
    """The pictures.

    Attributes:
        metric: The name of the metric that ranks.
        inputs: What all trials make their pictures of.
        legends: For each sweep of translators, what the rows of its grids show.
        moments: The moments of the training that are shown, such as ``12 kimg``.
        real: Real pictures.
        cards: A card for each trial with pictures, best first.
        omitted: How many trials with pictures are not shown.
        broken: Names of trials whose pictures could not be read.
        copying: Whether the winner copies; None where that is not known.
        ranked: Whether there is a winner.
        orders: By what the trials can be put in order: path and title of each parameter.
    """

    metric: str
    inputs: str
    legends: Sequence[Legend]
    moments: Sequence[str]
    real: Sequence[RealCard]
    cards: Sequence[Card]
    omitted: int
    broken: Sequence[str]
    copying: Copying | None
    ranked: bool
    orders: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, results: Results, album: Album, closest: Closest | None) -> "GallerySection":
        """Lay out the pictures of a report."""
        names = [facts.sweep.name if results.several else "" for facts in results.sweeps]
        shown = [(trial, album.last(trial)) for trial in results.trials]
        return cls(
            metric=results.called,
            inputs=results.inputs,
            legends=[
                Legend(name, facts.pattern)
                for name, facts in zip(names, results.sweeps, strict=True)
                if facts.pattern
            ],
            moments=[f"{formatting.kimg(kimg)} kimg" for kimg in album.columns],
            real=[
                RealCard(index, names[index], results.sweeps[index].real, frame.block)
                for index, frame in album.real.items()
            ],
            cards=[_card(results, trial, frame) for trial, frame in shown if frame],
            omitted=album.omitted,
            broken=album.broken,
            copying=_copying(results.winner, closest) if closest and results.winner else None,
            ranked=results.winner is not None,
            orders=[(param.path, param.title) for param in results.params],
        )


def _card(results: Results, trial: RankedTrial, frame: Frame) -> Card:
    """Describe the newest pictures of a trial."""
    status, verdict = trial.entry.status, trial.entry.row["verdict"]
    return Card(
        key=trial.key,
        name=trial.name,
        status=status,
        badge=verdict if status == "collapsed" and verdict else status,
        block=frame.block,
        caption=caption(results, trial, frame),
        shown=frame.shown,
        rows=frame.rows,
    )


def _copying(winner: RankedTrial, closest: Closest) -> Copying:
    """Say how near the winner's pictures are to real ones."""
    found = closest.neighbours
    return Copying(
        winner=winner.name,
        kind=winner.facts.real,
        looked_through=f"{found.pictures:,}",
        median=formatting.number(found.median, 3),
        smallest=formatting.number(min(found.distances), 3),
        usual=formatting.number(found.usual, 3),
        pictures=closest.pictures,
    )


def caption(results: Results, trial: RankedTrial, frame: Frame) -> str:
    """Say the metric of the very pictures of a frame, and the trial's result, which may be of other ones."""
    metric, entry = results.metric, trial.entry
    at = f"at {formatting.kimg(round(frame.kimg, 1))} kimg"
    shown = next((one for one in trial.evaluations if one.kimg == frame.kimg), None)
    if shown is None:
        return at
    value = shown.values[metric]
    if finite(value) is None:
        words = f"no finite {results.called}"
    else:
        name = METRICS[metric].error
        error = shown.values[name] if name else None
        words = f"{results.called} {formatting.with_error(value, error)} on {shown.n_fake} pictures"
    if entry.measured and entry.kimg is not None:
        where = "these" if entry.kimg == frame.kimg else f"at {formatting.kimg(round(entry.kimg, 1))} kimg"
        pictures = "" if results.identity else f" on {entry.n_fake} pictures"
        at += f" (result {formatting.number(entry.value, 3)}{pictures}, {where})"
    return f"{words} {at}"


def atlas(results: Results, album: Album) -> dict[str, Any]:
    """Gather all pictures for the page's scripts, as values for JSON.

    The blocks of each trial's newest pictures are left out: the page shows them already.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for trial in results.trials:
        frames: Mapping[int, Frame] = album.frames.get(trial.key, {})
        for column, frame in sorted(frames.items()):
            found.setdefault(trial.key, []).append(
                {
                    "column": column,
                    "caption": caption(results, trial, frame),
                    "block": None if column == max(frames) else frame.block,
                    "whole": frame.whole,
                }
            )
    return {
        "columns": list(album.columns),
        "trials": found,
        "real": {str(index): frame.whole for index, frame in album.real.items()},
        "portrait": album.portrait.whole if album.portrait else None,
    }
