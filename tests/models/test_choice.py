"""The faster way of each product is found by a timing, and stays for all that train on the machine."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from ganlib.models import choice
from ganlib.models.choice import ways_of
from ganlib.models.products import Size, Ways

SIZE = Size(16, 64, 128, 4, 4, torch.float32)
SECONDS = {"down": [1.0, 2.0, 0.5], "up": [1.05, 1.0, 1.05], "weigh": [1.3, 1.0, 1.3]}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which nothing is, also for those that have looked into another one."""
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path))
    monkeypatch.setattr(choice, "_known", {})
    monkeypatch.setattr(choice, "_shared", None)
    return tmp_path / choice.FOLDER


@pytest.fixture
def timings(monkeypatch: pytest.MonkeyPatch) -> list[Size]:
    """Sizes that were timed; each timing says `SECONDS`."""
    asked: list[Size] = []
    monkeypatch.setattr(choice, "timed", lambda size: (asked.append(size), SECONDS)[1])
    return asked


def anew() -> None:
    """Forget what this process knows, as another one would."""
    choice._known.clear()


def test_what_is_clearly_faster_is_chosen_once_for_all_processes(timings: list[Size], place: Path) -> None:
    assert ways_of(SIZE) == Ways(down=False, up=False, weigh=True), "5 % may be chance"
    ways_of(SIZE)
    anew()
    assert ways_of(SIZE).weigh
    assert timings == [SIZE]
    [path] = place.glob("*-16x64x128x4x4-float32.json")
    kept = json.loads(path.read_text())
    assert kept["seconds"] == SECONDS
    assert kept["threads"] == torch.get_num_threads()
    assert kept["torch"] == torch.__version__


def test_numbers_of_pictures_are_timed_as_powers_of_two(timings: list[Size]) -> None:
    for pictures in (16, 33, 48, 64, 65, 1000):
        ways_of(SIZE._replace(pictures=pictures))
    assert [size.pictures for size in timings] == [16, 64]


def test_what_is_too_small_to_gain_is_not_timed(timings: list[Size]) -> None:
    assert ways_of(Size(32, 3, 8, 16, 16, torch.float32)) == Ways()
    assert not timings


def test_threads_and_processors_have_timings_of_their_own(
    timings: list[Size], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways_of(SIZE)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    ways_of(SIZE)
    anew()
    choice._machine.cache_clear()
    monkeypatch.setattr(choice, "processor", lambda: "another one")
    ways_of(SIZE)
    choice._machine.cache_clear()
    assert len(timings) == len(list(place.glob("*.json"))) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"[]",
        b'{"seconds": []}',
        b'{"seconds": {"down": [1, 2, 3]}}',
        b'{"seconds": {"down": [1, 2, 3], "up": [1, 2], "weigh": [1, 2, 3]}}',
        b'{"seconds": {"down": [1, 2, 3], "up": [1, 2, 3], "weigh": [1, 2, "3"]}}',
    ],
)
def test_a_damaged_file_is_written_anew(content: bytes, timings: list[Size], place: Path) -> None:
    ways_of(SIZE)
    [path] = place.glob("*.json")
    path.write_bytes(content)
    anew()
    assert ways_of(SIZE).weigh
    anew()
    assert ways_of(SIZE).weigh
    assert len(timings) == 2


def test_what_cannot_be_kept_is_not_chosen(
    timings: list[Size], place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place.write_text("a file where the folder belongs")
    assert ways_of(SIZE) == Ways(), "a resumed trial might choose otherwise"
    assert "cannot keep timings" in caplog.text


def test_kept_timings_are_read_where_nothing_can_be_written(
    timings: list[Size], monkeypatch: pytest.MonkeyPatch
) -> None:
    ways_of(SIZE)
    anew()

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(choice, "FileLock", refuse)
    assert ways_of(SIZE).weigh
    assert len(timings) == 1


def test_who_asks_while_another_process_times_takes_what_that_finds(place: Path) -> None:
    program = f"""
import time, torch
from ganlib.models import choice
from ganlib.models.products import Size
def timed(size):
    time.sleep(0.5)
    print("timed")
    return {{name: [1.0, 1.0, 2.4 * torch.rand(()).item()] for name in ("down", "up", "weigh")}}
choice.timed = timed
print(choice.ways_of({SIZE!r}))
"""
    runs = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = [run.communicate()[0].splitlines() for run in runs]
    assert sorted(len(lines) for lines in said) == [1, 2], "one of them timed"
    assert said[0][-1] == said[1][-1]


def test_a_timing_times_both_ways_and_draws_no_random_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "TURNS", (2, 2))
    before = torch.get_rng_state()
    for dtype in (torch.float32, torch.bfloat16):
        seconds = choice.timed(Size(4, 3, 8, 4, 8, dtype))
        assert seconds.keys() == set(Ways._fields)
        for library, matrix, ratio in seconds.values():
            assert 0 < library < 10
            assert 0 < matrix < 10
            assert 0 < ratio < 1000
    assert torch.equal(before, torch.get_rng_state())


def test_a_timing_within_a_step_leaves_no_trace_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "TURNS", (1, 1))
    with torch.autocast("cpu", torch.bfloat16):
        assert choice.timed(SIZE).keys() == set(Ways._fields)
        assert torch.is_autocast_enabled("cpu")
    assert torch.is_grad_enabled()


@dataclass
class Kept(choice.Shelf):
    """A shelf in memory; ``elsewhere`` is what another machine keeps there just before this one does."""

    files: dict[str, bytes] = field(default_factory=dict)
    elsewhere: bytes | None = None

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def keep(self, name: str, data: bytes) -> bytes:
        return self.files.setdefault(name, self.elsewhere or data)


OTHERWISE = json.dumps({"seconds": {"down": [2, 1, 2], "up": [1, 2, 0.5], "weigh": [1, 2, 0.5]}}).encode()


def test_machines_with_one_shelf_choose_alike_whatever_their_caches_say(
    timings: list[Size], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shelf = Kept()
    choice.share(shelf)
    first = ways_of(SIZE)
    assert first == Ways(weigh=True)
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "of another machine"))
    monkeypatch.setattr(choice, "timed", lambda size: pytest.fail("the shelf has it"))
    choice.share(None)
    choice.share(shelf)
    assert ways_of(SIZE) == first
    [name] = shelf.files
    shelf.files[name] = OTHERWISE
    choice.share(None)
    choice.share(shelf)
    assert ways_of(SIZE) == Ways(down=True)


def test_of_two_machines_that_time_at_once_both_take_what_was_kept_first(timings: list[Size]) -> None:
    choice.share(Kept(elsewhere=OTHERWISE))
    assert ways_of(SIZE) == Ways(down=True)
    choice.share(None)
    assert ways_of(SIZE) == Ways(weigh=True), "without a shelf the cache holds"


def test_a_damaged_timing_on_the_shelf_is_as_good_as_none(timings: list[Size]) -> None:
    choice.share(Kept(elsewhere=b"{"))
    assert ways_of(SIZE) == Ways(weigh=True)


def test_a_shelf_makes_up_for_a_cache_that_cannot_be_written(timings: list[Size], place: Path) -> None:
    place.write_text("a file where the folder belongs")
    choice.share(Kept())
    assert ways_of(SIZE).weigh
