"""The page of ``sweep judge`` in a real browser."""

from collections.abc import Iterator

import pytest
from helpers.programs.browser import Browser, needs_chromium
from helpers.sweeps.synthetic import make_sweep

from sweep.records.catalog import Sweep
from sweep.report.judging.server import JudgeServer
from sweep.report.judging.sitting import Sitting
from sweep.results.judging import judgements
from sweep.results.judging.bradley_terry import Choice

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return make_sweep(tmp_path_factory.mktemp("storage"), trials=12, size=12)


@pytest.fixture
def server(sweep: Sweep, request: pytest.FixtureRequest) -> Iterator[JudgeServer]:
    with JudgeServer(Sitting(sweep, request.node.name[:20].replace("[", "."), 4)) as serving:
        yield serving


@pytest.fixture
def page(chromium: Browser, server: JudgeServer) -> Iterator[Browser]:
    chromium.complaints.clear()
    chromium.requests.clear()
    chromium.open(server.url)
    chromium.wait(READY)
    yield chromium
    assert chromium.complaints == []
    assert all(url.startswith(server.url) for url in chromium.requests)


READY = "document.getElementById('pair').ariaBusy === 'false'"
PROGRESS = "document.getElementById('progress').textContent"


def counted(page: Browser, count: int) -> None:
    page.wait(f"{READY} && {PROGRESS}.startsWith('{count} judgement')")


def saved(server: JudgeServer) -> list[judgements.Judgement]:
    return judgements.read(server.sitting.sweep.folder).get(server.sitting.who, [])


def test_keys_judge_what_is_seen(page: Browser, server: JudgeServer) -> None:
    keys = {"1": Choice.FIRST, "2": Choice.SECOND, "0": Choice.TIE}
    keys |= {"ArrowLeft": Choice.FIRST, "ArrowRight": Choice.SECOND, "ArrowDown": Choice.TIE}
    for count, (key, choice) in enumerate(keys.items(), start=1):
        seen = page.run("['first', 'second'].map((id) => document.getElementById(id).src)")
        page.key(key, 0)
        counted(page, count)
        one = saved(server)[-1]
        pictures = {player.shown: player.picture for player in server.sitting.players}
        assert [pictures[one.first], pictures[one.second]] == seen
        assert one.choice is choice
    page.key("u", 0)
    counted(page, len(keys) - 1)
    page.key("Backspace", 0)
    counted(page, len(keys) - 2)
    assert len(saved(server)) == len(keys) - 2


def test_buttons_do_what_keys_do(page: Browser, server: JudgeServer) -> None:
    assert page.run("document.getElementById('undo').disabled")
    page.run("document.querySelector('[data-choice=tie]').click()")
    counted(page, 1)
    assert saved(server)[0].choice is Choice.TIE
    page.run("document.getElementById('undo').click()")
    counted(page, 0)
    assert saved(server) == []


def test_a_key_that_is_held_down_or_belongs_to_the_browser_says_nothing(
    page: Browser, server: JudgeServer
) -> None:
    for extra in ("repeat: true", "ctrlKey: true", "metaKey: true"):
        page.run(f"document.dispatchEvent(new KeyboardEvent('keydown', {{ key: '1', {extra} }}))")
    page.run(
        "document.querySelectorAll('[data-choice=first]').forEach((b) => { b.click(); b.click(); b.click(); })"
    )
    counted(page, 1)
    assert len(saved(server)) == 1


def test_a_second_window_judges_the_same_pair_once(page: Browser, server: JudgeServer) -> None:
    server.sitting.answer(server.sitting.question()["number"], Choice.FIRST)  # the other window
    page.key("2", 0)
    counted(page, 1)
    assert [one.choice for one in saved(server)] == [Choice.FIRST]


@pytest.mark.parametrize(
    ("width", "height", "dark"), [(390, 844, True), (1280, 800, False), (1280, 800, True)]
)
def test_it_fits_the_window(page: Browser, server: JudgeServer, width: int, height: int, dark: bool) -> None:
    page.open(server.url, width, height, dark)
    page.wait(READY)
    assert page.run("document.documentElement.scrollWidth") <= width
    places = page.run(
        "[...document.querySelectorAll('.pair img, .answers button, #progress')]"
        ".map((e) => e.getBoundingClientRect()).map((b) => [b.top, b.bottom, b.left, b.right])"
    )
    assert all(
        0 <= top < bottom <= height and 0 <= left < right <= width for top, bottom, left, right in places
    )
    lightness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    assert (page.run(lightness) < 60) == dark


def test_it_can_be_read_aloud(page: Browser) -> None:
    assert page.run("[...document.images].map((i) => i.alt)") == ["Grid 1", "Grid 2"]
    assert page.run("document.getElementById('progress').getAttribute('role')") == "status"
    assert page.run("[...document.querySelectorAll('.answers button')].every((b) => b.textContent.trim())")


def test_the_end_of_the_server_is_told(chromium: Browser, sweep: Sweep) -> None:
    with JudgeServer(Sitting(sweep, "gone", 4)) as serving:
        chromium.open(serving.url)
        chromium.wait(READY)
        serving.close()
    chromium.key("1", 0)
    chromium.wait("document.getElementById('problem').textContent.startsWith('The server has ended')")
    assert chromium.run(READY)
