"""Reports as a browser would read them, and a sweep whose every name tries to break out of its page."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from helpers.synthetic import IDENTITY, START
from sweep.records.catalog import Sweep, open_sweep
from sweep.records.datasets import Store
from sweep.report.closest import closest
from sweep.report.page.document import render
from sweep.report.pictures import Album
from sweep.report.results import Results
from sweep.storage.opening import open_folder

EVIL = "<script>alert(1)</script>"
EVIL_TEXT = f"""'"><img src=x onerror=alert(2)>{EVIL}<!-- ]]> &amp; {{{{ 7919*7919 }}}} \u2028"""


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, text by element, script bodies."""

    VOID = ("meta", "img", "br", "link", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes {self._open[-3:]}"
        assert self._open[-1] == tag, f"</{tag}> closes {self._open[-3:]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def scripts(self) -> list[str]:
        return [data for tag, data in self.texts if tag == "script"]

    def words(self) -> str:
        return " ".join(" ".join(data for tag, data in self.texts if tag not in ("script", "style")).split())

    def data(self) -> dict[str, Any]:
        return json.loads(self.scripts()[0])["charts"]


def page_of(*sweeps: Sweep) -> Page:
    results = Results.read(sweeps)
    return Page(render(results, Album.read(results), closest(results)))


def evil_sweep(tmp_path: Path) -> Sweep:
    """A sweep in which everything that a user, a file or a library names is an attack."""
    folder = open_folder(tmp_path) / "evil"
    info = {
        "attribution": EVIL_TEXT,
        "device": EVIL_TEXT,
        "data_hash": EVIL_TEXT,
        "trials": 3,
        "metric": "kid",
    }
    info |= {"versions": {EVIL: EVIL_TEXT}, "images": 3, "created": START.isoformat(), "budget": 9.0}
    spec = f"name: {EVIL}\ntrain: {{loss: {{type: categorical, choices: ['{EVIL}']}}}}\n# {EVIL_TEXT}\n"
    folder.write("spec.yaml", spec.encode())
    folder.write("sweep.json", json.dumps(info).encode())
    store = Store(folder, {EVIL: "str"})
    statuses = {0: "finished", 1: "collapsed", 2: "failed"}
    for number, status in statuses.items():
        row = {"trial": number, "status": status, f"param.{EVIL}": EVIL_TEXT, "device": EVIL, "node": EVIL}
        store.put_trial(row | {"verdict": EVIL if number == 1 else None, "failure": EVIL_TEXT, "kimg": 1.0})
        named = {**IDENTITY, "extractor": EVIL, "data_hash": EVIL, "extractor_digest": EVIL}
        store.add("metrics", {"trial": number, "attempt": 0, "kimg": 1.0, "kid": 0.5, **named})
        at = {"trial": number, "attempt": 0, "kimg": 1.0, "rows": 8, "cols": 8}
        store.add("samples", {**at, "path": "../../etc/passwd" if number else "images/00000/1.000.png"})
    store.add(
        "events", {"kind": "collapse", "trial": 1, "attempt": 0, "kimg": 1.0, "detail": {"reason": EVIL}}
    )
    store.add("events", {"kind": "skipped_file", "detail": {"path": EVIL_TEXT}})
    picture = BytesIO()
    Image.new("RGB", (90, 90), "red").save(picture, "PNG")
    folder.write("images/00000/1.000.png", picture.getvalue())
    return replace(open_sweep(open_folder(tmp_path), "evil"), name=EVIL)
