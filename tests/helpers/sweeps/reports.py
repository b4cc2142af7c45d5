"""Reports as a browser would read them, and a sweep whose every name tries to break out of its page."""

import json
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import sweep.report
from ganlib.data.sheet import grid
from ganlib.models.sheets import BLOCKS, ONE_WAY, WAY_BACK
from helpers.sweeps.synthetic_trials import IDENTITY, START
from sweep.records.catalog import Sweep, open_sweep
from sweep.records.datasets import Store
from sweep.report.closest import closest
from sweep.report.page.compare import CompareSection
from sweep.report.page.document import render, templates
from sweep.report.page.repeat import RepeatSection
from sweep.report.page.sheet import SheetSection
from sweep.report.page.summary import SummarySection
from sweep.report.pictures import Album
from sweep.report.results import Param, Results
from sweep.storage.opening import open_folder

ASSETS = Path(sweep.report.__file__).parent / "assets"
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


def sheet_of(results: Results) -> SheetSection:
    album = Album.read(results)
    summary, compare = SummarySection.of(results, album), CompareSection.of(results)
    return SheetSection.of(results, album, "1 March 2025", summary, compare, RepeatSection.of(results))


def sheet_html(section: SheetSection) -> str:
    return templates().get_template("sections/sheet.html.j2").render(section=section)


def crowded(results: Results, params: int, copies: int) -> Results:
    """The same results with more trials, and many parameters of long names."""
    more = [f"train.a_rather_long_name_of_a_parameter_{n}" for n in range(params)]
    known = [Param(path, path, True, False, "") for path in more]

    def filled(trial: Any, copy: int) -> Any:
        row = {**trial.entry.row, **{f"param.{path}": 1 / (copy + 3) for path in more}}
        values = {**trial.values, **dict.fromkeys(more, 1 / (copy + 3))}
        return replace(trial, entry=replace(trial.entry, row=row), values=values)

    trials = [filled(trial, copy) for trial in results.trials for copy in range(copies)]
    return replace(results, trials=trials, params=[*results.params, *known])


def searching(sweep: Sweep, params: int) -> Sweep:
    """The same sweep with a spec that searches many more parameters, of long names."""
    line = "  a_rather_long_name_of_a_parameter_{}: {{type: float, low: 1.0e-05, high: 0.001, log: true}}\n"
    more = "".join(line.format(number) for number in range(params))
    text = (sweep.spec_text() or "").replace("train:\n", f"train:\n{more}")
    sweep.folder.write("spec.yaml", text.encode())
    return sweep


def bare_sheet(results: Results) -> str:
    """The printed sheet of a report with its pictures, in a page without all that is not printed."""
    album, page = Album.read(results), sheet_html(sheet_of(results))
    for place, frame in {"portrait": album.portrait, **album.real}.items():
        if frame:
            page = page.replace(f'data-plate="{place}"', f'src="{frame.whole or frame.block}"')
    style = "".join((ASSETS / name).read_text(encoding="utf-8") for name in ("page.css", "print.css"))
    return f"<!doctype html><meta charset=utf-8><style>{style}</style>{page}"


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


CYCLE = {
    "train.cycle_weight": "float",
    "train.identity_weight": "float",
    "train.lr_d": "float",
}
"""What `translator_sweep` searches."""
FLAWED = {"tint": 9.2, "chroma": 0.43, "chequer": 2.5}
"""What is wrong with the drawings of the best trial of `translator_sweep`."""


def translator_sweep(
    storage: Path, name: str = "faces2toons", one_way: bool = False, trials: int = 24, size: int = 16
) -> Sweep:
    """A finished sweep over the weights of a translator: heavy identities give identity maps, fast rates saturate.

    The best trial is number 0, its drawings are `FLAWED`; trial 1 has nothing to be warned of.
    """
    folder = open_folder(storage) / name
    family = "cartoongan" if one_way else "cyclegan"
    folder.write("spec.yaml", f"name: {name}\nmodel: {{family: {family}}}\n".encode())
    baseline = [{"n_fake": 512, "fid": 190.0, "kid": 0.25, "kid_se": 0.01, "luminance": 0.4}]
    floor = [{"n_fake": 512, "fid": 40.0, "kid": 0.001, "kid_se": 0.001}]
    info = {"name": name, "images": 300, "photos": 200, "metric": "kid", "trials": trials, "budget": 3.0}
    info |= {"interval": 1.0, "baseline": baseline, "floor": floor, "created": START.isoformat()}
    folder.write("sweep.json", json.dumps(info).encode())
    pattern = ONE_WAY * BLOCKS if one_way else WAY_BACK
    folder.write("images/real.png", _sheet_of_rows(["drawing"] * 8, size))
    store = Store(folder, CYCLE)
    for number in range(trials):
        verdict = {2: "identity_map", 3: "d_saturated"}.get(number % 4)
        _translator_trial(store, number, verdict, one_way)
        path = f"images/{number:05d}/1.000.png"
        folder.write(path, _sheet_of_rows(pattern, size))
        at = {"trial": number, "attempt": 0, "kimg": 1.0, "path": path, "rows": len(pattern), "cols": 8}
        store.add("samples", at | {"latents": "pictures:0", "shown": list(pattern)})
    return open_sweep(open_folder(storage), name)


def _translator_trial(store: Store, number: int, verdict: str | None, one_way: bool) -> None:
    params = {
        "train.cycle_weight": 5.0 + number % 7,
        "train.identity_weight": 20.0 + number if verdict == "identity_map" else 1.0 + number / 10,
        "train.lr_d": 1e-2 + number / 1e4 if verdict == "d_saturated" else 1e-4 + number / 1e6,
    }
    row = {"trial": number, "attempt": 0, "status": "collapsed" if verdict else "finished", "kimg": 3.0}
    row |= {"verdict": verdict, "seed": number, **{f"param.{path}": value for path, value in params.items()}}
    store.put_trial(row)
    fine = {"tint": 1.5, "chroma": 0.95, "chequer": 1.02} if number else FLAWED
    back = {} if one_way else {"cycle_l1": 0.09, "cycle_ssim": 0.61}
    told = {"change": 0.01 if verdict == "identity_map" else 0.83, "content": 0.958, "luminance": 0.47}
    measured = {"trial": number, "attempt": 0, "kimg": 1.0, "kid": 0.1 + number / 100, "kid_se": 0.002}
    measured |= {"fid": 90.0 + number, **IDENTITY, **told, **fine, **back}
    losses = {"loss_content": 0.3} if one_way else {"loss_cycle": 0.2, "loss_identity": 0.4}
    store.add("metrics", measured | losses | {"loss_g": 0.5, "loss_d": 0.2})
    if verdict:
        reason = "the drawings are the photographs" if verdict == "identity_map" else "no gradient"
        detail = {"kind": verdict, "kimg": 3.0, "step": 750, "reason": reason}
        event = {"kind": "collapse", "trial": number, "attempt": 0, "kimg": 3.0, "detail": detail}
        store.add("events", event)
    else:
        store.replace(
            "results", number, [measured | ({} if one_way else {"kid_back": 0.3, "fid_back": 210.0})]
        )


COLOURS = {"photograph": (200, 30, 30), "drawing": (30, 30, 200)}
MADE = {"drawing made of it": (30, 200, 30), "photograph made of that": (200, 200, 30)}
MADE |= {"photograph made of it": (200, 30, 200), "drawing made of that": (30, 200, 200)}


def _sheet_of_rows(shown: Sequence[str], size: int) -> bytes:
    """A grid whose rows have the colours of what they show, columns from light to dark."""
    rows = [(COLOURS | MADE)[words] for words in shown]
    pixels = np.array([[np.array(row) * (1 - column / 20) for column in range(8)] for row in rows])
    flat = np.broadcast_to(pixels.reshape(-1, 1, 1, 3), (len(rows) * 8, size, size, 3)).astype(np.uint8)
    buffer = BytesIO()
    grid(np.ascontiguousarray(flat), 8).save(buffer, "PNG")
    return buffer.getvalue()
