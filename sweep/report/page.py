"""The HTML page of a report. Whatever a user named or typed is escaped, and only our own scripts may run."""

import base64
import hashlib
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from sweep import text
from sweep.rank import METRICS, Entry, finite
from sweep.report.charts import chart_data
from sweep.report.facts import Facts
from sweep.report.pictures import Album
from sweep.spec_text import searched


@dataclass(frozen=True)
class Cell:
    """A table cell: what is shown, and what it is sorted by (nothing sorts last)."""

    shown: str
    key: str | float = ""


@dataclass(frozen=True)
class Part:
    """A part of the bar that shows what became of the trials."""

    status: str
    label: str
    count: int


def render(facts: Facts, album: Album) -> str:
    """The page as one self-contained HTML document."""
    scripts = {"plotly": _plotly()} if any(facts.metrics.values()) else {}
    scripts["page"] = _asset("page.js")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(text=text, METRICS=METRICS)
    template = environment.from_string(_asset("page.html.j2"))
    metric = facts.board.metric
    return template.render(
        facts=facts,
        album=album,
        pictures=album.embedded(),
        data=_json({"charts": chart_data(facts)}),
        css=Markup(_asset("page.css")),
        scripts={name: Markup(script) for name, script in scripts.items()},
        hashes=[_hash(script) for script in scripts.values()],
        label=facts.board.label,
        metric=METRICS[metric],
        winner=facts.winner,
        started=_day(facts.sweep.created) if facts.sweep.created else "",
        written=_day(facts.written),
        parts=_parts(facts),
        about=_about(facts),
        columns=_columns(facts),
        rows=[(entry, _cells(facts, entry)) for entry in facts.board.entries],
        captions={entry.trial: _caption(facts, entry) for entry in facts.board.entries},
        value=lambda entry: _value(entry, metric),
        mishaps=_mishaps(facts),
        commands=_commands(facts),
        versions=facts.sweep.info.get("versions") or {},
        spec=facts.sweep.spec_text(),
    )


def _asset(name: str) -> str:
    return resources.files("sweep.report").joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    # In a script element only these two sequences could end or change it; in JavaScript the escape is void.
    script: str = get_plotlyjs()
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _hash(script: str) -> str:
    """For the content security policy: only scripts with these digests run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _json(data: Any) -> Markup:  # noqa: ANN401 - any JSON-like value
    """JSON that cannot leave a script element; NaN and infinities become null."""
    plain = json.dumps(_finite(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _finite(data: Any) -> Any:  # noqa: ANN401
    if isinstance(data, dict):
        return {key: _finite(item) for key, item in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(item) for item in data]
    return None if isinstance(data, float) and not abs(data) < float("inf") else data


def _day(time: datetime) -> str:
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def _value(entry: Entry, metric: str) -> str:
    return text.with_error(entry.kid, entry.kid_se) if metric == "kid" else text.number(entry.value)


def _parts(facts: Facts) -> list[Part]:
    """What became of the trials, in the order of luck."""
    rungs = {rung.index: rung.kimg for rung in facts.summary.rungs}
    counted: dict[tuple[str, str], int] = {}
    for row in sorted(facts.trials, key=lambda row: row["rung"] if row["rung"] is not None else -1):
        status, label = row["status"], row["status"]
        if status == "stopped":
            label = f"stopped at {text.kimg(rungs.get(row['rung'], row['kimg']))} kimg"
        elif status == "collapsed":
            label = f"collapsed, {row['verdict'] or 'no verdict'}"
        counted[status, label] = counted.get((status, label), 0) + 1
    waiting = (facts.summary.planned or 0) - len(facts.trials)
    if waiting > 0:
        counted["waiting", "not started"] = waiting
    order = ("finished", "stopped", "collapsed", "failed", "interrupted", "running", "waiting")
    parts = [Part(status, label, count) for (status, label), count in counted.items()]
    return sorted(parts, key=lambda part: order.index(part.status))


def _about(facts: Facts) -> list[tuple[str, str | list[str]]]:
    info, summary = facts.sweep.info, facts.summary
    pictures = f"{info['images']:,} pictures" if isinstance(info.get("images"), int) else "pictures"
    data = [pictures, f"content hash {str(info.get('data_hash') or 'unknown')[:12]}"]
    if summary.skipped:
        data.append(f"{text.count(len(summary.skipped), 'unreadable file')} left out")
    spent = f"{text.duration(summary.seconds_train + summary.seconds_eval)} of trial time"
    spent += f" on {info['device']}" if info.get("device") else ""
    spent += f", of which {text.duration(summary.seconds_eval)} measuring"
    about: list[tuple[str, str | list[str]]] = [
        ("Data", ", ".join(data)),
        ("Attribution", str(info.get("attribution") or "")),
        ("Time", spent),
    ]
    if summary.seconds_saved >= 1:
        saved = f"about {text.duration(summary.seconds_saved)}, had all trials gone to the end at their pace"
        about.append(("Saved by stopping", saved))
    if info.get("budget") is not None:
        every = text.kimg(info.get("interval"))
        about.append(("Budget", f"{text.kimg(info['budget'])} kimg a trial, measured every {every} kimg"))
    space = [f"{path}: {words}" for path, words in searched(facts.sweep.spec()).items()]
    about.append(("Searched", space))
    return [(term, words) for term, words in about if words]


def _columns(facts: Facts) -> list[tuple[str, str]]:
    """Heading of each column, and what it says in full."""
    other = "fid" if facts.board.metric == "kid" else "kid"
    params = list(facts.board.entries[0].params) if facts.board.entries else []
    column = facts.board.column
    head = ["Rank", "Trial", "Status", column(facts.board.metric), column(other), "Best at", "Trained"]
    about = {"Best at": "kimg at the best evaluation", "Trained": "kimg trained so far"}
    columns = [(title, about.get(title, "")) for title in head]
    return [*columns, *zip(text.short_names(params), params, strict=True), ("Time", "training and measuring")]


def _cells(facts: Facts, entry: Entry) -> list[Cell]:
    metric, row = facts.board.metric, entry.row
    other = entry.fid if metric == "kid" else entry.kid
    other_shown = text.number(entry.fid) if metric == "kid" else text.with_error(entry.kid, entry.kid_se)
    seconds = (row["seconds_train"] or 0.0) + (row["seconds_eval"] or 0.0)
    cells = [
        Cell(text.MISSING if entry.rank is None else str(entry.rank), _key(entry.rank)),
        Cell(str(entry.trial), entry.trial),
        Cell(_status(facts, entry), _status(facts, entry)),
        Cell(_value(entry, metric), _key(entry.value)),
        Cell(other_shown, _key(other)),
        Cell(text.kimg(entry.kimg), _key(entry.kimg)),
        Cell(text.kimg(row["kimg"]), _key(row["kimg"])),
    ]
    cells += [Cell(text.value(item), _key(item)) for item in entry.params.values()]
    return [*cells, Cell(text.duration(seconds), seconds)]


def _key(item: object) -> str | float:
    if item is None:
        return ""
    return item if isinstance(item, (int, float)) else str(item)


def _status(facts: Facts, entry: Entry) -> str:
    """The status with the one thing to know about it."""
    row = entry.row
    if entry.status == "stopped" and row["rung"] is not None:
        return f"stopped at rung {row['rung']}"
    if entry.status == "collapsed" and row["verdict"]:
        return f"collapsed: {row['verdict']}"
    return entry.status


def _caption(facts: Facts, entry: Entry) -> str:
    """Under a picture: the metric of that very picture, and the best one where it was another."""
    metric = facts.board.metric
    sample = facts.samples.get(entry.trial)
    if sample is None:
        return ""
    shown = next((row for row in facts.metrics[entry.trial] if row["kimg"] == sample["kimg"]), None)
    if shown is None:
        return f"at {text.kimg(sample['kimg'])} kimg"
    if finite(shown[metric]) is None:
        words = f"no finite {METRICS[metric]}"
    else:
        error = shown["kid_se"] if metric == "kid" else None
        words = f"{facts.board.column(metric)} {text.with_error(shown[metric], error)}"
    words += f" at {text.kimg(sample['kimg'])} kimg"
    if entry.kimg is not None and entry.kimg != sample["kimg"]:
        words += f" (best {text.number(entry.value, 3)} at {text.kimg(entry.kimg)} kimg)"
    return words


def _mishaps(facts: Facts) -> list[tuple[int, str, str]]:
    """Trial, what happened, and why, for every trial that collapsed or failed."""
    mishaps = []
    for entry in sorted(facts.board.entries, key=lambda entry: entry.trial):
        if entry.status == "collapsed":
            said = facts.collapses[entry.trial]
            what = f"{entry.row['verdict'] or 'collapsed'} at {text.kimg(said['kimg'])} kimg"
            step = f" (step {said['step']:,})" if isinstance(said.get("step"), int) else ""
            mishaps.append((entry.trial, what + step, str(said.get("reason") or "")))
        elif entry.status == "failed":
            mishaps.append((entry.trial, "failed", (entry.reason or "").removeprefix("failed: ")))
    return mishaps


def _commands(facts: Facts) -> Sequence[tuple[str, str]]:
    name = shlex.quote(text.printable(facts.sweep.name))
    return [
        ("Run it again, under another name", "sweep run spec.yaml --name NEW_NAME"),
        ("Rank its trials", f"sweep best {name}"),
        ("Export the winner", f"sweep best {name} --export DIR"),
        ("Write this report", f"sweep report {name}"),
    ]
