"""`sweep play`: what the page asks for is what `sweep generate` writes, and errors are words."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from helpers.sweeps.commands import fine, run
from helpers.training.exports import tiny_export
from PIL import Image

from ganlib import load_generator
from ganlib.errors import WorkError
from sweep.local_server import Answer, Asked
from sweep.play.serve import Server


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("exports") / "my pets"
    server = Server(tiny_export(folder, classes={"cat": 3, "it's a dog": 1}, sweep="zoo"))
    server.load()
    yield server
    server._http.server_close()


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tiny_export(tmp_path_factory.mktemp("exports") / "toon", "cyclegan"))
    server.load()
    yield server
    server._http.server_close()


def get(server: Server, address: str, body: bytes = b"") -> Answer:
    name, _, query = address.partition("?")
    return server.answer(Asked(name, query, body))


def about(server: Server) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(get(server, "about.json").data)
    return told


def test_the_page_is_there_before_the_generator(tmp_path: Path) -> None:
    server = Server(tiny_export(tmp_path))
    for name in ("", "page.html", "page.css", "js/main.js"):
        answer = server.answer(Asked(name))
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    (tmp_path / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(WorkError):
        server.load()
    answer = get(server, "about.json")
    assert answer.status == 500
    assert b"is not the file that was exported" in answer.data
    server._http.server_close()


def test_a_picture_is_that_of_the_command_line(pets: Server, tmp_path: Path) -> None:
    """Also of one class, by its number in the page's list; and the sheet as a whole."""
    told = about(pets)
    for label, option in (("", []), ("1", ["--class", told["classes"][1]])):
        fine("generate", pets.export, "--seed", 7, "--count", 12, "--out", tmp_path / f"many{label}", *option)
        for number in (0, 11):
            of = f"7-{number}" + (f"-{label}" if label else "")
            answer = get(pets, f"picture.png?of={of}")
            assert answer.data == (tmp_path / f"many{label}" / f"{number:05d}.png").read_bytes()
            assert answer.headers["Content-Disposition"] == f'inline; filename="my-pets-{of}.png"'
        sheet = tmp_path / f"sheet{label}.png"
        fine("generate", pets.export, "--seed", 7, "--count", 12, "--out", sheet, *option)
        assert get(pets, f"sheet.png?seed=7&count=12&class={label}").data == sheet.read_bytes()


def test_the_page_is_told_what_there_is(pets: Server, translator: Server) -> None:
    told = about(pets)
    assert told["command"] == f"sweep generate '{pets.export}'"
    assert (told["name"], told["file"], told["sweep"]) == ("my pets", "my-pets", "zoo")
    assert told["classes"] == ["cat", "it's a dog"]
    assert not told["styles"]
    assert not told["translates"]
    told = about(translator)
    assert told["translates"]
    assert told["back"]
    assert told["sizes"][0] == 64


def test_a_walk_comes_in_parts_and_as_a_gif(pets: Server) -> None:
    steps = about(pets)["steps"]
    strip = Image.open(io.BytesIO(get(pets, "walk.png?of=7-0-1,7-1-0&leg=1").data))
    assert strip.size == (steps * 32, 32)
    start = Image.open(io.BytesIO(get(pets, "picture.png?of=7-1-1").data))  # the class of the walk's first
    difference = np.asarray(strip)[:, :32].astype(int) - np.asarray(start)
    assert np.abs(difference).max() <= 1
    answer = get(pets, "walk.gif?of=7-0,7-1")
    assert answer.kind == "image/gif"
    assert Image.open(io.BytesIO(answer.data)).format == "GIF"


def test_a_photograph_is_read_as_it_should_be_seen(translator: Server) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 64, 3), np.uint8)
    image, file = Image.fromarray(pixels), io.BytesIO()
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(file, "PNG", exif=exif)
    answer = get(translator, f"translate.png?name={quote('a photo.PNG')}&back=1", file.getvalue())
    assert answer.status == 200, answer.data
    made = np.asarray(Image.open(io.BytesIO(answer.data)))
    upright = np.ascontiguousarray(np.rot90(pixels, -1))
    assert np.array_equal(made, load_generator(translator.export).translate([upright], back=True)[0])
    assert answer.headers["Content-Disposition"] == 'inline; filename="toon-a-photo.png"'
    scaled = get(translator, "translate.png?size=16", file.getvalue())
    assert Image.open(io.BytesIO(scaled.data)).size == (16, 26)


@pytest.mark.parametrize(
    ("address", "body", "says"),
    [
        ("picture.png?of=x", b"", "'x' names no picture"),
        ("picture.png?of=7-3&truncation=0.5", b"", "needs a generator with a mapping network"),
        ("picture.png?of=7-3&truncation=9", b"", "no number from 0 to 2"),
        ("picture.png?of=7-3-5", b"", "no class 5"),
        ("sheet.png?seed=-1", b"", "seed: '-1' is no whole number"),
        ("walk.gif?of=7-1", b"", "from 2 to 16"),
        ("mix.png?of=7-1&with=7-2&layers=fine", b"", "mixing needs"),
        ("translate.png?name=a.png", b"x", "translates none"),
        (f"picture.png?{'a=1&' * 40}of=7-1", b"", "cannot be read"),
    ],
)
def test_wrong_requests_are_answered_in_words(pets: Server, address: str, body: bytes, says: str) -> None:
    answer = get(pets, address, body)
    assert answer.status == 400
    assert says in answer.data.decode()
    assert get(pets, "../config.json").status == 404


@pytest.mark.parametrize(
    ("address", "body", "says"),
    [
        ("translate.png?name=a.png", b"", "send a picture"),
        ("translate.png?name=a.png", b"hello", "not a PNG, JPEG"),
        ("translate.png?name=a.psd", b"8BPS", ".psd pictures are not read"),
        ("translate.png?name=a.png&size=4", b"x", "is not from 8 to"),
    ],
)
def test_what_is_no_photograph_is_answered_in_words(
    translator: Server, address: str, body: bytes, says: str
) -> None:
    answer = get(translator, address, body)
    assert answer.status == 400
    assert says in answer.data.decode()
    assert get(translator, "picture.png?of=7-3").status == 404


def test_wrong_arguments(pets: Server, tmp_path: Path) -> None:
    for arguments, says in (
        ([tmp_path / "nowhere"], "there is no folder"),
        ([pets.export, "--force"], "--force is for --space"),
        ([pets.export, "--port", pets.port], "choose another with --port"),
    ):
        done = run("play", *arguments)
        assert done.exit_code == 2
        assert says in done.output
