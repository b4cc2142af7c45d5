"""The page of a generator in a real browser: it draws, pins, walks, mixes, translates; also by keys and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.programs.browser import Browser, browser, needs_chromium
from helpers.training.exports import tiny_export

from sweep.play.serve import Server

pytestmark = [pytest.mark.slow, needs_chromium]
BUSY = "document.querySelectorAll('[aria-busy]').length"
ROLES = {"button", "link", "textbox", "combobox", "slider", "image", "checkbox", "DisclosureTriangle", "list"}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


def text(page: Browser, name: str) -> str:
    found: str = page.run(f"document.getElementById('{name}').textContent")
    return found


def nameless(page: Browser) -> list[str]:
    """Controls, lists and pictures that have no name in what the browser tells screen readers."""
    nodes = page._call("Accessibility.getFullAXTree")["nodes"]
    found = [node for node in nodes if not node["ignored"] and node["role"]["value"] in ROLES]
    assert len(found) > 5
    return [str(node) for node in found if not node.get("name", {}).get("value")]


def press(page: Browser, name: str) -> None:
    page.run(f"document.getElementById('{name}').click()")


def test_pictures_of_latents(page: Browser, tmp_path: Path) -> None:
    classes = {"cat": 1, "<b>dog</b>": 1}
    with Server(tiny_export(tmp_path / "pets", "stylegan2", classes)) as server:
        page.open(server.url)
        assert text(page, "what") == "Loading the generator …"  # the page is there before it
        server.load()
        page.wait(f"document.querySelectorAll('#grid img').length === 24 && {BUSY} === 0")

        # Keys: an arrow to the neighbour, Enter pins.
        page.run("document.querySelector('#grid button').focus()")
        page.key("ArrowRight", 39)
        page.key("Enter", 13)
        page.key("ArrowRight", 39)
        page.key("Enter", 13)
        assert text(page, "pinned-count") == "2"
        assert text(page, "status").endswith("is pinned; 2 pinned")
        pressed = "[...document.querySelectorAll('#grid button')].map((one) => one.ariaPressed === 'true')"
        assert page.run(pressed)[:4] == [False, True, True, False]

        # The walk plays, pauses, and is gone through by hand; styles are mixed.
        press(page, "play")
        page.wait("Number(document.getElementById('place').value) > 2")
        press(page, "play")
        assert text(page, "play") == "Play"
        assert "% of the way from no. 1 of seed 0" in page.run("document.getElementById('stage').ariaLabel")
        page.wait(f"document.querySelectorAll('#mixes img').length === 3 && {BUSY} === 0")
        page.run("document.querySelectorAll('#mixes img')[2].decode().then(() => true)")
        assert nameless(page) == []

        # What was chosen stands in the address, and names of classes stay words.
        page.run(
            "for (const [name, value] of [['class', '1'], ['truncation', '0.5']]) { const one = "
            "document.getElementById(name); one.value = value; for (const kind of ['input', 'change']) "
            "one.dispatchEvent(new Event(kind)); }"
        )
        page.wait("location.hash === '#seed=0&class=1&truncation=0.5&pins=0-1.0-2'")
        assert "--class '<b>dog</b>' --truncation 0.5 --out" in text(page, "commands")
        link = page.run("location.href")
        press(page, "new")
        page.wait("!location.hash.startsWith('#seed=0&')")
        page.open("about:blank")
        page.open(link, 390, 844, dark=True)
        page.wait(f"document.querySelectorAll('#grid img').length === 24 && {BUSY} === 0")
        assert page.run(pressed)[:4] == [False] * 4  # the pins are not of the class that is shown
        assert text(page, "pinned-count") == "2"
        assert page.run("document.documentElement.scrollWidth") <= 390

        # A link within the page goes to its place, and loses nothing.
        for link in ("#to-pins", ".skip"):
            chosen = page.run("location.hash")
            page.run(f"document.querySelector('{link}').click()")
            assert page.run("document.activeElement.id") == "pinned"
            assert page.run("location.hash") == chosen
            assert text(page, "pinned-count") == "2"

        # Moving the second to the top, as often as one likes, never unpins it.
        page.run("document.querySelector('[data-does=up]').focus()")
        for _ in range(2):
            assert page.run("document.activeElement.dataset.does") != "unpin"
            page.run("document.activeElement.matches('[data-does=up]') && document.activeElement.click()")
        assert page.run("location.hash").endswith("pins=0-2.0-1")

        # An address that somebody wrote by hand; the keys of the browser stay its own.
        page.open("about:blank")
        page.open(f"{server.url}#truncation=0.33333333")
        page.wait(f"document.querySelectorAll('#grid img').length === 24 && {BUSY} === 0")
        assert page.run("document.getElementById('alert').hidden")
        page.run("document.querySelectorAll('#grid button')[1].focus()")
        assert page.run(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', "
            "{key: 'ArrowLeft', altKey: true, bubbles: true, cancelable: true}))"
        )

        # An address that nobody can make is told in words.
        assert page.run("fetch('picture.png?of=7-1-9').then((answer) => answer.text())").startswith(
            "this gen"
        )
        assert all(url.startswith((server.url, "blob:", "about:")) for url in page.requests)
    page.complaints = [one for one in page.complaints if "400 (Bad Request)" not in one]
    assert page.complaints == []


def test_photographs(page: Browser, tmp_path: Path) -> None:
    page.complaints.clear()
    with Server(tiny_export(tmp_path / "toon", "cartoongan")) as server:
        server.load()
        page.open(server.url, 390, 844)
        page.wait("!document.getElementById('translator').hidden")
        drop = """(async () => { const canvas = new OffscreenCanvas(30, 20);
        canvas.getContext('2d').fillRect(0, 0, 9, 9);
        const data = new DataTransfer(); data.items.add(new File([await canvas.convertToBlob()], 'mine.png'));
        data.items.add(new File(['hello'], 'words.png'));
        document.dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true })); })()"""
        page.run(drop)
        page.wait("document.querySelectorAll('#translations li').length === 2")
        page.wait(f"{BUSY} === 0")
        made = "[...document.querySelectorAll('#translations .pair img')].at(-1)"
        page.wait(f"{made}.naturalWidth > 0")
        assert page.run(f"[{made}.naturalWidth, {made}.naturalHeight]") == [96, 64]
        assert page.run("document.querySelector('#translations a').download") == "toon-mine.png"
        assert "not a PNG" in page.run("document.querySelector('#translations .wrong').textContent")
        assert nameless(page) == []
        assert page.run("document.documentElement.scrollWidth") <= 390
    page.complaints = [
        one for one in page.complaints if "400 (Bad Request)" not in one and "ERR_BLOB" not in one
    ]
    assert page.complaints == []
