"""Other pages of the report in a real browser: printed, hostile, several sweeps, translators."""

from pathlib import Path

import pytest
from helpers.programs.browser import Browser, needs_chromium
from helpers.sweeps.reports import bare_sheet, crowded, evil_sweep, searching, translator_sweep
from helpers.sweeps.synthetic import make_sweep, remeasured

from sweep.records.catalog import Sweep, open_sweep
from sweep.report.build import write_report
from sweep.report.results import Results
from sweep.storage.opening import open_folder

pytestmark = [pytest.mark.slow, needs_chromium]
# Runs in the page after its own scripts; the policy of the page itself must not let it in.
PROBE = "<script>document.title = 'PROBE RAN'</script></body>"


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


def test_beside_a_trial_stand_the_real_pictures_of_its_own_sweep(chromium: Browser, tmp_path: Path) -> None:
    sweeps = [make_sweep(tmp_path, trials=2, name=name, size=size) for name, size in (("a", 12), ("b", 16))]
    path = tmp_path / "both.html"
    write_report(sweeps, path)
    chromium.open(path.as_uri())
    for index in range(2):
        real = chromium.run(f"document.querySelector('#gallery [data-real=\"{index}\"] img').src")
        chromium.run(f"document.querySelector('#gallery [data-trial=\"{index}-0\"]').click()")
        assert chromium.run("document.querySelectorAll('.viewer-pair img')[1].src") == real
        chromium.run("document.getElementById('viewer').close()")


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
