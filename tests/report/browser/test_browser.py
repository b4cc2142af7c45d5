"""The report in a real browser."""

import pytest
from helpers.programs.browser import Browser, needs_chromium

from sweep import formatting
from sweep.records.catalog import Sweep
from sweep.report.results import Results

pytestmark = [pytest.mark.slow, needs_chromium]


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


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("trial=1", lambda trial: trial.entry.trial == 1),  # and not 10 and 11
        ("rank=1.0", lambda trial: trial.entry.rank == 1),
        ("loss=wgan", lambda trial: False),
        ("loss=WGAN-GP", lambda trial: trial.values["train.loss"] == "wgan-gp"),
        ("status=stopped", lambda trial: trial.entry.status == "stopped"),  # at rung 1
        ("status=collapsed", lambda trial: trial.entry.status == "collapsed"),  # : low_diversity
        ("status=stop", lambda trial: False),
        ("loss>0.1", lambda trial: False),  # a word is neither above a number nor below it
        ("loss<=0.1", lambda trial: False),
    ],
)
def test_equal_is_equal_or_a_whole_word(page: Browser, faces: Sweep, words: str, chosen: object) -> None:
    page.run(
        f"(box => {{ box.value = {words!r}; box.dispatchEvent(new Event('input')); }})"
        "(document.getElementById('filter'))"
    )
    expected = {t.entry.trial for t in Results.read([faces]).trials if chosen(t)}  # type: ignore[operator]
    assert {int(key) for key in page.run(COLUMN.format(1))} == expected


def test_a_number_is_found_by_what_is_shown_of_it(page: Browser, faces: Sweep) -> None:
    trial = Results.read([faces]).trials[0]
    page.run(
        f"(box => {{ box.value = 'lr_g={formatting.value(trial.values['train.lr_g'])}';"
        " box.dispatchEvent(new Event('input')); })(document.getElementById('filter'))"
    )
    assert page.run(COLUMN.format(1)) == [str(trial.entry.trial)]


def test_a_plot_is_made_into_a_png(page: Browser) -> None:
    """As its button does, by way of a blob, which the page's policy must allow."""
    page.draw_all()
    made = "Plotly.toImage(document.querySelector('#charts .plot'), { format: 'png' }).then((url) => url.slice(0, 15))"
    assert page.run(made) == "data:image/png;"
    page.requests[:] = [one for one in page.requests if not one.startswith("blob:")]


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
