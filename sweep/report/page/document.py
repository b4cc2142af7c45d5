"""The HTML page of a report: a document whose sections are objects, its style, its data and its scripts.

Whatever a user named or typed is escaped, and only our own scripts may run.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sweep.formatting import count
from sweep.report.charts import chart_data
from sweep.report.closest import Closest
from sweep.report.page.compare import CompareSection
from sweep.report.page.curves import CurvesSection
from sweep.report.page.eyes import EyesSection
from sweep.report.page.gallery import GallerySection, atlas
from sweep.report.page.mattered import MattersSection
from sweep.report.page.repeat import RepeatSection
from sweep.report.page.scripts import dense, link
from sweep.report.page.sheet import SheetSection
from sweep.report.page.summary import SummarySection
from sweep.report.page.tradeoffs import TradeoffsSection
from sweep.report.page.trials import TrialsSection
from sweep.report.pictures import Album
from sweep.report.results import Results

ASSETS = "assets"
ENTRY = "main"
"""The JavaScript module that starts all others."""


@dataclass(frozen=True)
class Document:
    """All that the template of the page shows.

    Attributes:
        title: The names of the sweeps.
        policy: The content security policy.
        live: Whether the page is served, and asks for newer results.
        state: Whether more is to come, in words; empty if not.
        started: When the first sweep was; empty if that is not on record.
        written: When the results were read.
        sheet: What is printed in place of all else.
        css: The style sheets.
        data: What the scripts read, as JSON.
        scripts: The scripts, in the order in which they run.
    """

    title: str
    policy: str
    live: bool
    state: str
    started: str
    written: str
    summary: SummarySection
    compare: CompareSection
    gallery: GallerySection
    eyes: EyesSection
    curves: CurvesSection
    tradeoffs: TradeoffsSection
    matters: MattersSection
    trials: TrialsSection
    repeat: RepeatSection
    sheet: SheetSection
    css: Markup
    data: Markup
    scripts: Sequence[Markup]


def render(results: Results, album: Album, closest: Closest | None = None, live: str = "") -> str:
    """Write the page as one self-contained HTML document.

    Args:
        results: What it reports on.
        album: The pictures of the trials.
        closest: Nearest real neighbours of the winner's pictures; None if they are not known.
        live: The state of the results that this page shows, if it is served and asks for newer ones.
    """
    curves = CurvesSection.of(results)
    scripts = [*([_plotly()] if curves.drawn else []), link(ENTRY, _module)]
    started = results.sweeps[0].sweep.info.created
    written = day(max(facts.written for facts in results.sweeps))
    summary, compare = SummarySection.of(results, album), CompareSection.of(results)
    repeat = RepeatSection.of(results)
    document = Document(
        title=results.title,
        policy=policy(scripts, bool(live)),
        live=bool(live),
        state=results.state.words,
        started=day(started) if started else "",
        written=written,
        summary=summary,
        compare=compare,
        gallery=GallerySection.of(results, album, closest),
        eyes=EyesSection.of(results),
        curves=curves,
        tradeoffs=TradeoffsSection.of(results),
        matters=MattersSection.of(results),
        trials=TrialsSection.of(results, album),
        repeat=repeat,
        sheet=SheetSection.of(results, album, written, summary, compare, repeat),
        css=Markup(dense(_asset("page.css") + _asset("print.css"))),
        data=script_json({"charts": chart_data(results), "atlas": atlas(results, album), "live": live}),
        scripts=[Markup(script) for script in scripts],
    )
    return templates().get_template("page.html.j2").render(document=document)


@cache
def templates() -> Environment:
    """Load the templates: all that they show is escaped, and a name that does not exist is an error."""
    environment = Environment(
        loader=PackageLoader("sweep.report", ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = count
    return environment


def policy(scripts: Sequence[str], live: bool) -> str:
    """Write a content security policy under which only scripts with the digests of these run.

    Args:
        scripts: The scripts, as they stand in the page.
        live: Whether the page may ask the server that it is from for newer results.
    """
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    ours = " ".join(f"'sha256-{digest}'" for digest in digests)
    rules = [
        "default-src 'none'",
        "img-src data: blob:",  # plotly makes the PNG of a plot by way of a blob
        "style-src 'unsafe-inline'",
        f"script-src {ours}",
        "base-uri 'none'",
        "form-action 'none'",
        *(["connect-src 'self'"] if live else []),
    ]
    return "; ".join(rules)


def script_json(data: Any) -> Markup:  # noqa: ANN401 - any JSON-like value
    """Write JSON that cannot leave a script element; NaN and infinities become null."""
    plain = json.dumps(_finite(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def day(time: datetime) -> str:
    """Say a time so that a reader anywhere understands it."""
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def _finite(data: Any) -> Any:  # noqa: ANN401
    """Replace numbers that JSON does not have by None."""
    if isinstance(data, dict):
        return {key: _finite(item) for key, item in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(item) for item in data]
    return None if isinstance(data, float) and not abs(data) < float("inf") else data


def _module(name: str) -> str:
    """Read one of the page's JavaScript modules."""
    return _asset("js", f"{name}.js")


def _asset(*path: str) -> str:
    """Read a file that belongs to the page."""
    return resources.files("sweep.report").joinpath(ASSETS, *path).read_text(encoding="utf-8")


def _plotly() -> str:
    """Read plotly.js, changed so that it can stand in a script element."""
    from plotly.offline import get_plotlyjs

    # Only these two sequences could end a script element or change it; in JavaScript the escape is void.
    script: str = get_plotlyjs()
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
