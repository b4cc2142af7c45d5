"""Count what a real search had trained when it knew of a result, in kimg of all its trials together."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.search.replay import Spent


@dataclass(frozen=True)
class Line:
    """How far a trial is, or what came of it.

    Attributes:
        trial: Which.
        kimg: How far it has trained; 0 when it begins.
        ended: Whether nothing more will come of it.
        result: KID of what it leaves, on latents that played no part in the search; None before its end, and where
            there is nothing to measure.
        at: How far the generator that was measured had trained, in kimg.
        params: Its configuration, once it has a result.
        time: When that was known, in seconds since 1970.
    """

    trial: str
    kimg: float
    ended: bool = False
    result: float | None = None
    at: float | None = None
    params: Mapping[str, Any] | None = None
    time: float = field(default_factory=time.time)


class Tally:
    """The lines of a search in a file, which is written line by line.

    Args:
        path: Of the file; what it holds already is read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_text() if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]  # what follows was being written when the machine went down
        if whole != text:
            path.write_text(whole)
        self.lines = [Line(**json.loads(line)) for line in whole.splitlines()]
        self.reached = furthest(self.lines)

    @property
    def kimg(self) -> float:
        """Give the training of all trials together."""
        return sum(self.reached.values())

    def add(self, line: Line) -> None:
        """Put down one more line."""
        self.lines.append(line)
        self.reached[line.trial] = max(line.kimg, self.reached.get(line.trial, 0.0))
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(line)) + "\n")


def furthest(lines: Iterable[Line]) -> dict[str, float]:
    """Say how far each trial came; what was trained twice after a crash counts once."""
    reached: dict[str, float] = {}
    for line in lines:
        reached[line.trial] = max(line.kimg, reached.get(line.trial, 0.0))
    return reached


def within(lines: Iterable[Line], budget: float) -> list[tuple[float, Line]]:
    """Give the lines that were known before all trials together had trained for longer than a budget.

    Returns:
        Each line behind the training of all trials by then, in kimg.
    """
    reached: dict[str, float] = {}
    known = []
    for line in lines:
        reached[line.trial] = max(line.kimg, reached.get(line.trial, 0.0))
        if (spent := sum(reached.values())) > budget:
            break
        known.append((spent, line))
    return known


def counted(lines: Iterable[Line], budget: float) -> dict[str, Any]:
    """Tell what a search had found when its budget was spent.

    Returns:
        How many ``trials`` were begun and how many have ``results``, the ``kimg`` spent, the ``seconds`` from first to
        last with all pauses, the ``steps`` (kimg spent, best result from there on), and the ``winner``: result, kimg at
        which it was measured, parameters; None where nothing has a result.
    """
    known = within(lines, budget)
    results = [(spent, line) for spent, line in known if line.result is not None]
    steps: list[list[float]] = []
    winner = None
    for spent, line in results:
        assert line.result is not None
        if winner is None or line.result < winner["result"]:
            winner = {"result": line.result, "kimg": line.at, "params": line.params}
            steps.append([round(spent, 3), line.result])
    return {
        "trials": len({line.trial for _, line in known}),
        "results": len(results),
        "kimg": round(known[-1][0], 3) if known else 0.0,
        "seconds": round(known[-1][1].time - known[0][1].time) if known else 0,
        "steps": steps,
        "winner": winner,
    }


def compared(ways: Mapping[str, Mapping[str, Any]], baseline: str) -> dict[str, dict[str, Any]]:
    """Add to each way how much training it took to be as good as the best of one, and how many times less that is.

    Args:
        ways: What `counted` told of each, by name.
        baseline: The one whose best is the target; where it has none, nothing is added.
    """
    steps = ways.get(baseline, {}).get("steps")
    if not steps:
        return {name: dict(way) for name, way in ways.items()}
    took, target = steps[-1]
    told = {}
    for name, way in ways.items():
        spent = Spent([(kimg, 0, value) for kimg, value in way["steps"]])
        needed = spent.to_reach(target)
        reached = needed < float("inf")
        told[name] = dict(way) | {
            "kimg_to_reach": needed if reached else None,
            "times_less": round(took / needed, 2) if reached else None,
        }
    return told


def table(budget: float, searches: Mapping[str, Mapping[str, Any]], labels: Mapping[str, str]) -> str:
    """Write the table of docs/search.md: in each cell, what the searches of a way have, one behind the other.

    Args:
        budget: Of each search, in kimg.
        searches: By number, the ways of each by name, as `compared` gives them.
        labels: What the ways are called there, in order.
    """
    rows = [
        f"| {budget:g} kimg each | trials | best KID | kimg to be as good as that random search | times less "
        "| its configuration again |\n|---|---|---|---|---|---|\n"
    ]
    for name, label in labels.items():
        ways = [searches[number][name] for number in sorted(searches, key=int) if name in searches[number]]
        if not ways:
            continue
        cells = [
            [str(way["trials"]) for way in ways],
            [f"{way['winner']['result']:.3f}" if way["winner"] else "none" for way in ways],
            [f"{reach:.0f}" if (reach := way.get("kimg_to_reach")) else "not reached" for way in ways],
            [f"{less:.1f}" if (less := way.get("times_less")) else "-" for way in ways],
            [_again(way.get("again")) for way in ways],
        ]
        rows.append(f"| {label} | {' | '.join('; '.join(cell) for cell in cells)} |\n")
    return "".join(rows)


def _again(again: Mapping[str, Any] | None) -> str:
    if not again or again["mean"] is None:
        return "not measured"
    lost = f", {again['lost']} lost" if again["lost"] else ""
    return f"{again['mean']:.3f} ({again['low']:.3f} to {again['high']:.3f}{lost})"


def spread(kids: Iterable[float | None]) -> dict[str, Any]:
    """Tell mean and spread of a configuration's runs; None stands for one whose pictures were not finite."""
    every = list(kids)
    finite = [kid for kid in every if kid is not None]
    if not finite:
        return {"kids": every, "mean": None, "low": None, "high": None, "lost": len(every)}
    return {
        "kids": every,
        "mean": sum(finite) / len(finite),
        "low": min(finite),
        "high": max(finite),
        "lost": len(every) - len(finite),
    }
