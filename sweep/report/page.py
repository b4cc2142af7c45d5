"""The HTML page of a report. Whatever a user named or typed is escaped, and only our own scripts may run."""

import base64
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from sweep import formatting
from sweep.report import headline, table
from sweep.report.charts import chart_data, rungs
from sweep.report.closest import Closest
from sweep.report.events import events
from sweep.report.matters import Matters, range_words, where_words
from sweep.report.pictures import Album, Frame
from sweep.report.results import Results, Trial
from sweep.results.leaderboard import METRICS, finite

SCRIPTS = ("core.js", "curves.js", "matters.js", "pictures.js", "table.js")
LIVE = "live.js"


def render(results: Results, album: Album, closest: Closest | None = None, live: str = "") -> str:
    """The page as one self-contained HTML document.

    Args:
        results: What it reports on.
        album: Its pictures.
        closest: Nearest real neighbours of the winner's pictures.
        live: The state of the results that this page shows, if it is served and asks for newer ones.
    """
    scripts = {"plotly": _plotly()} if any(trial.metrics for trial in results.trials) else {}
    names = [*SCRIPTS, LIVE] if live else SCRIPTS
    body = "\n".join(_asset(name) for name in names)
    scripts["page"] = f'"use strict";\n(() => {{\n{body}\n}})();\n'
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(
        formatting=formatting, headline=headline, range_words=range_words, where_words=where_words
    )
    template = environment.from_string(_asset("page.html.j2"))
    captions = {
        trial.key: {
            column: caption(results, trial, frame) for column, frame in album.frames[trial.key].items()
        }
        for trial in results.trials
        if trial.key in album.frames
    }
    found, more = events(results)
    spent, saved = headline.hours(results)
    return template.render(
        results=results,
        album=album,
        closest=closest,
        live=live,
        matters=Matters.of(results),
        data=_json({"charts": chart_data(results), "atlas": _atlas(album, captions), "live": live}),
        css=Markup(_asset("page.css")),
        scripts={name: Markup(script) for name, script in scripts.items()},
        hashes=[_hash(script) for script in scripts.values()],
        metric=METRICS[results.metric],
        sure=headline.sureness(results),
        floor=results.winner.facts.floor if results.winner else None,
        first=results.sweeps[0],
        written=headline.day(max(facts.written for facts in results.sweeps)),
        parts=headline.parts(results),
        spent=spent,
        saved=saved,
        rungs=rungs(results),
        columns=table.columns(results),
        rows=table.rows(results),
        captions={key: found[max(found)] for key, found in captions.items()},
        mishaps=_mishaps(results),
        events=found,
        more_events=more,
        commands=_commands(results),
    )


def caption(results: Results, trial: Trial, frame: Frame) -> str:
    """Under a picture: the metric of that very picture, and the best one where it was another."""
    metric, entry = results.metric, trial.entry
    at = f"at {formatting.kimg(round(frame.kimg, 1))} kimg"
    shown = next((row for row in trial.metrics if row["kimg"] == frame.kimg), None)
    if shown is None:
        return at
    if finite(shown[metric]) is None:
        words = f"no finite {METRICS[metric]}"
    else:
        error = shown["kid_se"] if metric == "kid" else None
        words = (
            f"{METRICS[metric]} {formatting.with_error(shown[metric], error)} on {shown['n_fake']} pictures"
        )
    if entry.measured and entry.kimg is not None:
        where = "these" if entry.kimg == frame.kimg else f"at {formatting.kimg(round(entry.kimg, 1))} kimg"
        at += f" (result {formatting.number(entry.value, 3)}, {where})"
    return f"{words} {at}"


def _atlas(album: Album, captions: Mapping[str, Mapping[int, str]]) -> dict[str, Any]:
    """The pictures for the script. The newest of each trial are in the page itself already."""
    return {
        "columns": list(album.columns),
        "trials": {
            key: [
                {
                    "column": column,
                    "kimg": frame.kimg,
                    "caption": captions[key][column],
                    "block": None if column == max(frames) else frame.block,
                    "whole": frame.whole,
                }
                for column, frame in sorted(frames.items())
            ]
            for key, frames in album.frames.items()
        },
        "real": {str(index): frame.whole for index, frame in album.real.items()},
    }


def _asset(name: str) -> str:
    return resources.files("sweep.report").joinpath("assets", name).read_text(encoding="utf-8")


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


def _mishaps(results: Results) -> list[tuple[Trial, str, str]]:
    """Trial, what happened, and why, for every trial that collapsed or failed."""
    mishaps = []
    for trial in results.trials:
        entry = trial.entry
        if entry.status == "collapsed":
            said = trial.facts.collapses[entry.trial]
            what = f"{entry.row['verdict'] or 'collapsed'} at {formatting.kimg(said['kimg'])} kimg"
            step = f" (step {said['step']:,})" if isinstance(said.get("step"), int) else ""
            mishaps.append((trial, what + step, str(said.get("reason") or "")))
        elif entry.status == "failed":
            mishaps.append((trial, "failed", (entry.reason or "").removeprefix("failed: ")))
    return mishaps


def _commands(results: Results) -> Sequence[tuple[str, str]]:
    names = [shlex.quote(formatting.printable(facts.sweep.name)) for facts in results.sweeps]
    first = names[0]
    if results.winner is not None:
        first = shlex.quote(formatting.printable(results.winner.facts.sweep.name))
    return [
        ("Run it again, under another name", "sweep run spec.yaml --name NEW_NAME"),
        ("Rank its trials", f"sweep best {first}"),
        ("Train its best again with fresh seeds", f"sweep confirm {first}"),
        ("Export the winner", f"sweep best {first} --export DIR"),
        ("Write this report", f"sweep report {' '.join(names)}"),
    ]
