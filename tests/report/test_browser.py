"""The report in a real browser: it draws, its controls do what they say, and hostile names stay inert."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.browser import CHROMIUM, Browser, browser
from helpers.reports import bare_sheet, crowded, evil_sweep, searching, translator_sweep
from helpers.synthetic import make_sweep, remeasured

from sweep import formatting
from sweep.records.catalog import Sweep, open_sweep
from sweep.report.build import write_report
from sweep.report.judging.sitting import Sitting
from sweep.report.results import Results
from sweep.results.judging.bradley_terry import Choice
from sweep.storage.opening import open_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="needs Chromium (Debian: apt-get install chromium)"),
]
# Runs in the page after its own scripts; the policy of the page itself must not let it in.
PROBE = "<script>document.title = 'PROBE RAN'</script></body>"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    sweep = make_sweep(tmp_path_factory.mktemp("storage"), trials=12, size=12, film=True, every=12.0)
    sitting = Sitting(sweep, "ann", 4)
    for _ in range(8):
        sitting.answer(sitting.question()["number"], Choice.FIRST)
    return sweep


@pytest.fixture(scope="module")
def report(faces: Sweep, tmp_path_factory: pytest.TempPathFactory) -> str:
    page = tmp_path_factory.mktemp("report") / "report.html"
    write_report([faces], page)
    return page.as_uri()


@pytest.fixture
def page(chromium: Browser, report: str) -> Iterator[Browser]:
    chromium.complaints.clear()
    chromium.requests.clear()
    chromium.open(report)
    yield chromium
    assert chromium.complaints == []
    assert set(chromium.requests) == {report}


def test_everything_is_drawn_and_every_picture_decoded(page: Browser) -> None:
    page.draw_all()
    page.wait("document.querySelectorAll('.js-plotly-plot .main-svg').length >= 3 * 12")
    # seven curves, the parallel coordinates, four slices
    assert page.run("document.querySelectorAll('.js-plotly-plot').length") == 12
    # the winner, the real ones, both once more for paper, and every trial
    assert page.run("[...document.images].filter((i) => i.src).length") == 2 * (1 + 1) + 12
    assert (
        page.run(
            "Promise.all([...document.images].filter((i) => i.src).map((i) => i.decode())).then(() => 'all')"
        )
        == "all"
    )
    assert page.run("[...document.images].filter((i) => i.src && !i.alt).length") == 0


@pytest.mark.parametrize(("width", "dark"), [(390, True), (390, False), (1280, True)])
def test_nothing_is_wider_than_the_window(page: Browser, report: str, width: int, dark: bool) -> None:
    page.open(report, width, 844, dark)
    page.draw_all()
    assert page.run("document.documentElement.scrollWidth") <= width
    lightness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    assert (page.run(lightness) < 60) == dark


SOURCES = "[...document.querySelectorAll('#gallery [data-trial] img')].map((i) => i.src)"


def test_the_slider_changes_the_pictures(page: Browser) -> None:
    last = page.run(SOURCES)
    page.run("document.getElementById('moment').focus()")
    page.key("Home", 36)
    assert page.run("document.getElementById('moment-at').textContent") == "12 kimg"
    first = page.run(SOURCES)
    changed = [a != b for a, b in zip(first, last, strict=True)]
    assert len(first) == 12
    assert changed[0]
    assert sum(changed) >= 4
    page.key("ArrowRight", 39)
    second = page.run(SOURCES)
    assert second != first
    caption = page.run("document.querySelector('#gallery [data-trial]').closest('figure').innerText")
    assert "at 24 kimg" in caption
    page.key("End", 35)
    assert page.run(SOURCES) == last
    # trials that had ended before are marked
    assert page.run("document.querySelectorAll('#gallery .over').length") > 0


def test_the_training_of_each_trial_side_by_side(page: Browser) -> None:
    page.run("document.querySelector('[data-view=film]').click()")
    assert page.run("document.querySelectorAll('#film tbody tr').length") == 12
    pictures = page.run("document.querySelectorAll('#film img').length")
    assert pictures > 12
    assert page.run("[...document.querySelectorAll('#film img')].every((i) => i.alt && i.src)")
    assert page.run("getComputedStyle(document.getElementById('gallery')).display") == "none"
    page.run("document.querySelector('[data-view=cards]').click()")
    assert page.run("document.getElementById('film').hidden")


def test_a_picture_is_enlarged_with_the_keyboard(page: Browser) -> None:
    page.run("document.querySelectorAll('#gallery button')[1].focus()")
    page.key("Enter", 13)
    assert page.run("document.getElementById('viewer').open")
    words = "document.getElementById('viewer-caption').textContent"
    shown = page.run(words)
    page.key("ArrowRight", 39)
    assert page.run(words) != shown
    page.key("ArrowLeft", 37)
    page.key("ArrowDown", 40)
    assert page.run(words) != shown
    assert page.run(words).startswith(shown[:7])
    assert page.run("document.querySelector('.viewer-pair img').decode().then(() => true)")
    page.key("Escape", 27)
    assert not page.run("document.getElementById('viewer').open")
    assert page.run("document.activeElement.closest('#gallery') !== null")


COLUMN = (
    "[...document.querySelectorAll('#table tbody tr:not([hidden])')].map((row) => row.cells[{}].dataset.key)"
)


def test_the_table_sorts(page: Browser) -> None:
    head = page.run("[...document.querySelectorAll('#table th')].map((h) => h.dataset.name)")
    rate = head.index("lr_g")
    press = f"document.querySelectorAll('#table th button')[{rate}].click()"
    page.run(press)
    up = [float(key) for key in page.run(COLUMN.format(rate))]
    assert up == sorted(up)
    assert len(up) == 12
    page.run(press)
    assert [float(key) for key in page.run(COLUMN.format(rate))] == up[::-1]
    smooth = head.index("smoothing")  # conditional: what is missing stays last
    page.run(f"document.querySelectorAll('#table th button')[{smooth}].click()")
    keys = page.run(COLUMN.format(smooth))
    assert keys[-1] == ""
    assert keys == [
        *sorted((k for k in keys if k), key=float),
        *(k for k in keys if not k),
    ]


PICTURED = (
    "[...document.querySelectorAll('#gallery li:not([hidden]) [data-trial]')].map((b) => b.dataset.trial)"
)


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("loss=bce", lambda v: v["train.loss"] == "bce"),
        ("lr_g<1e-4", lambda v: v["train.lr_g"] < 1e-4),
        ("train.lr_g>=0.0001, loss=lsgan", lambda v: v["train.lr_g"] >= 1e-4 and v["train.loss"] == "lsgan"),
        ("smoothing>0", lambda v: v["train.smoothing"] is not None),
        ("nothing-like-this", lambda v: False),
        ("", lambda v: True),
    ],
)
def test_the_table_filters(page: Browser, faces: Sweep, words: str, chosen: object) -> None:
    page.run(
        f"(box => {{ box.value = {words!r}; box.dispatchEvent(new Event('input')); }})"
        "(document.getElementById('filter'))"
    )
    expected = {t.entry.trial for t in Results.read([faces]).trials if chosen(t.values)}  # type: ignore[operator]
    assert {int(key) for key in page.run(COLUMN.format(1))} == expected
    assert page.run("document.getElementById('filtered').textContent").startswith(str(len(expected)))
    # the same filter holds for the pictures
    assert set(map(int, page.run(PICTURED))) == expected
    assert page.run("document.getElementById('pictured').textContent").startswith(str(len(expected)))
    assert page.run("document.getElementById('filter-pictures').value") == words


def test_pictures_are_searched_and_put_in_order(page: Browser, faces: Sweep) -> None:
    values = {t.key: t.values for t in Results.read([faces]).trials}
    rates = {key: value["train.lr_g"] for key, value in values.items() if value["train.loss"] == "bce"}
    page.run("document.getElementById('filter-pictures').focus()")
    page.run(
        "(box => { box.value = 'loss=bce'; box.dispatchEvent(new Event('input')); })"
        "(document.getElementById('filter-pictures'))"
    )
    assert page.run("document.getElementById('filter').value") == "loss=bce"
    assert page.run("document.getElementById('pictured').ariaLive") == "polite"
    assert page.run("document.getElementById('filtered').ariaLive") == "off"
    choose = (
        "(s => { s.value = %r; s.dispatchEvent(new Event('change')); })(document.getElementById('order'))"
    )
    page.run(choose % "train.lr_g")
    expected = sorted(rates, key=rates.__getitem__)
    assert page.run(PICTURED) == expected
    told = page.run(
        "[...document.querySelectorAll('#gallery li:not([hidden]) [data-ordered]')].map((s) => s.textContent)"
    )
    assert told == [f"lr_g {formatting.value(rates[key])}" for key in expected]
    # over time the same, and what is enlarged goes by it
    page.run("document.querySelector('[data-view=film]').click()")
    row = "[...document.querySelectorAll('#film tbody tr:not([hidden]) a')].map((a) => a.getAttribute('href').slice(7))"
    assert page.run(row) == expected
    page.run("document.querySelector('#film tbody tr:not([hidden]) button').click()")
    seen = []
    for _ in expected:
        seen.append(page.run("document.getElementById('viewer-caption').textContent").partition(",")[0])
        page.key("ArrowRight", 39)
    assert seen == [f"Trial {key}" for key in expected]
    page.key("Escape", 27)
    page.run("document.querySelector('[data-view=cards]').click()")
    # what a parameter is missing in stands last
    page.run(choose % "train.smoothing")
    page.run(
        "(box => { box.value = ''; box.dispatchEvent(new Event('input')); })(document.getElementById('filter'))"
    )
    smooth = [values[key]["train.smoothing"] for key in page.run(PICTURED)]
    assert len(smooth) == 12
    there = [value for value in smooth if value is not None]
    assert smooth == [*sorted(there), *[None] * (12 - len(there))]
    page.run(choose % "")
    assert page.run(PICTURED) == list(values)


def test_a_trial_is_coloured_and_taken_out_again(page: Browser) -> None:
    chips = "[...document.querySelectorAll('#chips button[title^=Take]')].length"
    assert page.run(chips) == 5
    page.run("document.querySelector('#chips button').click()")
    assert page.run(chips) == 4
    page.run(
        "(s => { s.value = s.options[1].value; s.dispatchEvent(new Event('change')); })"
        "(document.querySelector('#chips select'))"
    )
    assert page.run(chips) == 5


def test_the_training_plays_and_stops(page: Browser) -> None:
    at, play = "document.getElementById('moment-at').textContent", "document.getElementById('play')"
    page.run(f"{play}.click()")
    assert page.run(f"{play}.textContent") == "Stop"
    assert page.run(at) == "12 kimg"
    page.wait(f"{at} !== '12 kimg'")
    page.run(f"{play}.click()")
    assert page.run(f"{play}.textContent") == "Play"
    assert page.run(f"{play}.ariaPressed") == "false"


def test_a_link_brings_back_what_is_out_of_sight(page: Browser) -> None:
    page.run(
        "(box => { box.value = 'nothing-like-this'; box.dispatchEvent(new Event('input')); })"
        "(document.getElementById('filter'))"
    )
    page.run("document.querySelector('#gallery a').click()")
    assert page.run("document.querySelectorAll('#table tbody tr[hidden], #gallery li[hidden]').length") == 0
    page.run("document.querySelector('[data-view=film]').click()")
    page.run("document.querySelector('#table a[href^=\\'#pictures\\']').click()")
    assert not page.run("document.getElementById('gallery').hidden")


def test_the_axis_of_the_metric_becomes_logarithmic(page: Browser) -> None:
    page.draw_all()
    kind = "document.querySelector('#charts .plot').layout.yaxis.type"
    assert page.run(kind) == "linear"
    page.run("document.querySelector('#chips [aria-pressed]').click()")
    assert page.run(kind) == "log"


def test_it_is_printed_on_two_sides(page: Browser, report: str) -> None:
    page.open(report, dark=True)
    assert page.sides() == page.sides(letter=True) == 2
    page.paper(True)
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    shown = "[...document.querySelectorAll('body > *')].filter((e) => e.offsetHeight).map((e) => e.id)"
    assert page.run(shown) == ["sheet"]
    widths = page.run(
        "[...document.querySelectorAll('#sheet img')].map((i) => [i.naturalWidth, i.clientWidth])"
    )
    assert all(natural >= 112 and shown > 150 for natural, shown in widths), (
        "the whole grid, none of them empty"
    )
    assert len(widths) == 2
    page.paper(False)


def test_no_sweep_needs_a_third_side(chromium: Browser, tmp_path: Path) -> None:
    """Of each only the sheet, without all that is not printed."""
    bare = make_sweep(tmp_path, trials=0, name="bare", pictures=False, info={"trials": 8})
    wide = searching(make_sweep(tmp_path, trials=12, name="wide", size=12, every=12.0), 30)
    others = [make_sweep(tmp_path, trials=2, name=f"{'long name ' * 8}{n}", pictures=False) for n in range(8)]
    cases = {
        "nothing yet": Results.read([bare]),
        "translators": Results.read([translator_sweep(tmp_path, trials=4, size=64)]),
        "a thousand": crowded(Results.read([wide]), params=30, copies=80),
        "several": crowded(Results.read([wide, *others]), params=30, copies=2),
        "unlike": Results.read([wide, remeasured(others[0], n_fake=64)]),
    }
    for name, results in cases.items():
        path = tmp_path / "sheet.html"
        path.write_text(bare_sheet(results), encoding="utf-8")
        chromium.open(path.as_uri(), 672)  # as wide as A4 between its margins
        assert (chromium.sides(), chromium.sides(letter=True)) == (2, 2), name
        chromium.paper(True)
        over = (
            "[...document.querySelectorAll('.side')]"
            ".map((e) => [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth])"
        )
        assert all(side <= 1 for both in chromium.run(over) for side in both), f"{name}: {chromium.run(over)}"
        chromium.paper(False)


def test_hostile_names_are_inert_and_foreign_scripts_blocked(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report([evil_sweep(tmp_path)], path)
    path.write_text(path.read_text(encoding="utf-8").replace("</body>", PROBE), encoding="utf-8")
    chromium.complaints.clear()
    chromium.open(path.as_uri())
    chromium.draw_all()
    assert chromium.run("document.title") == "<script>alert(1)</script> – sweep report"
    assert len(chromium.complaints) == 1
    assert "Content Security Policy" in chromium.complaints[0]


def test_the_scripts_have_no_globals(chromium: Browser, tmp_path: Path) -> None:
    """On a page without plotly.js, which has some."""
    path = tmp_path / "report.html"
    write_report([make_sweep(tmp_path, trials=0, pictures=False)], path)
    chromium.open(path.as_uri())
    chromium.run(
        "void (window.bare = document.body.appendChild(document.createElement('iframe')).contentWindow)"
    )
    added = chromium.run("Object.getOwnPropertyNames(window).filter((name) => !(name in window.bare))")
    assert set(added) == {"bare", "0"}


def test_several_sweeps_on_a_phone(chromium: Browser, faces: Sweep, tmp_path: Path) -> None:
    live = make_sweep(tmp_path, trials=4, name="live", running=True, size=12)
    path = tmp_path / "both.html"
    write_report([live, open_sweep(open_folder(Path(faces.folder.url).parent))], path)
    chromium.complaints.clear()
    chromium.open(path.as_uri(), 390, 844)
    chromium.draw_all()
    assert chromium.run("document.querySelectorAll('#table tbody tr').length") == 16
    charts = chromium.run(
        "[...document.querySelectorAll('#sweeps .curves')].map((c) => c.getBoundingClientRect().width)"
    )
    assert len(charts) == 2
    assert all(250 < width <= 390 for width in charts)
    assert chromium.run("document.documentElement.scrollWidth") <= 390
    assert chromium.complaints == []


@pytest.mark.parametrize("width", [1280, 390])
def test_rows_of_a_translators_pictures_are_named_beside_them(
    chromium: Browser, tmp_path: Path, width: int
) -> None:
    path = tmp_path / "report.html"
    write_report([translator_sweep(tmp_path, trials=4, size=64)], path)
    chromium.complaints.clear()
    chromium.open(path.as_uri(), width, 844)
    chromium.draw_all()
    assert chromium.run("document.documentElement.scrollWidth") <= width
    names = "[...document.querySelectorAll('{} .row-names li')].map((li) => li.textContent)"
    assert chromium.run(names.format(".portrait"))[1] == "drawing made of it"
    for opener, heading in ((".portrait button", ".portrait"), ("#gallery [data-trial]", "#viewer")):
        chromium.run(f"document.querySelector('{opener}').click()")
        assert len(chromium.run(names.format("#viewer"))) == 6
        middles = """((place) => {{
        const middle = (box) => (box.top + box.bottom) / 2;
        const picture = place.querySelector('.named img').getBoundingClientRect();
        return [...place.querySelectorAll('.row-names li')].map((li, row) =>
        (middle(li.getBoundingClientRect()) - picture.top) / picture.height * 6 - row - 0.5);
        }})(document.querySelector('{}'))"""
        chromium.wait("document.getElementById('viewer-image').naturalWidth > 0")
        for place in (heading, "#viewer"):
            assert all(abs(off) < 0.3 for off in chromium.run(middles.format(place))), place
        chromium.run("document.getElementById('viewer').close()")
    assert chromium.complaints == []
