"""The hours of processor that a report's trials cost, and that stopping some of them saved."""

from collections.abc import Mapping, Sequence

from sweep import formatting
from sweep.report.facts import Facts, Row
from sweep.results.summary import furthest_saved, seconds_saved


def hours(sweeps: Sequence[Facts]) -> tuple[str, str]:
    """Add up hours of processor that were spent, and those saved by stopping, such as ``1.2 GPU-hours``."""
    spent: dict[str, float] = {}
    saved: dict[str, float] = {}
    for facts in sweeps:
        furthest = furthest_saved(facts.trials)
        for row in facts.trials:
            kind, share = _processor(facts, row)
            seconds = (row["seconds_train"] or 0.0) + (row["seconds_eval"] or 0.0)
            spent[kind] = spent.get(kind, 0.0) + share * seconds
            saved[kind] = saved.get(kind, 0.0) + share * seconds_saved(row, furthest)
    return _hours(spent), _hours(saved)


def _processor(facts: Facts, row: Row) -> tuple[str, float]:
    """Find what a trial runs on, and how much of that is the trial's own: four trials may share a GPU."""
    resources = facts.spec.get("resources")
    shares = resources if isinstance(resources, Mapping) else {}
    device = str(row["device"] or facts.sweep.info.device or "cpu")
    kind = "cpu" if device == "cpu" else "gpu"
    share = shares.get(kind)
    if not isinstance(share, (int, float)) or share <= 0:
        return kind.upper(), 1.0
    packed = shares.get("packing", "off") != "off" and share <= 0.5
    alone = kind == "gpu" and facts.sweep.info.runner == "local" and not packed
    return kind.upper(), 1.0 if alone else float(share)


def _hours(seconds: Mapping[str, float]) -> str:
    """Say seconds of each kind of processor in hours."""
    known = {kind: item / 3600 for kind, item in seconds.items() if item >= 1}
    return " and ".join(
        f"{formatting.number(item, 2 if item < 10 else 3)} {kind}-hours" for kind, item in known.items()
    )
