"""Sets are prepared once and found again, whatever happens to the files in between."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.drawn.pictures import config, first_channel, save

from ganlib.config import DataConfig
from ganlib.data import cache_dir, drop, open_set, prepare, verify
from ganlib.errors import RequestError, WorkError


def made(cache):
    return sorted(path.name for path in (cache / "data").glob("*.npy"))


class Count:
    """A progress callback that remembers."""

    def __init__(self):
        self.calls = []

    def __call__(self, done, total):
        self.calls.append((done, total))


def test_prepared_once_then_found(folder, cache):
    first, again = Count(), Count()
    images = prepare(config(folder, size=32), cache, progress=first)
    assert first.calls[0] == (0, 5)
    assert first.calls[-1] == (5, 5)
    assert first.calls == sorted(first.calls)
    assert prepare(config(folder, size=32), cache, progress=again) == images
    assert again.calls == []


def test_the_key_is_the_content_not_the_place(folder, tmp_path, cache):
    images = prepare(config(folder, size=32), cache)
    moved = shutil.move(folder, tmp_path / "moved")
    os.utime(moved / "b.png")
    assert prepare(config(moved, size=32), cache).path == images.path
    assert len(made(cache)) == 1


def test_a_changed_file_is_noticed_even_with_its_old_time(folder, cache):
    before = prepare(config(folder, size=32), cache)
    stat = (folder / "b.png").stat()
    data = save(folder / "b.png", 1).read_bytes()
    save(folder / "b.png", 0)
    assert len(data) == stat.st_size
    (folder / "b.png").write_bytes(data)
    os.utime(folder / "b.png", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = prepare(config(folder, size=32), cache)
    assert after.hash != before.hash
    assert first_channel(after) == [30, 20, 10, 1, 40]


def test_relative_sources_are_looked_up_where_one_stands(folder, tmp_path, cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(prepare(config("pictures", size=32), cache)) == 5
    monkeypatch.chdir(folder)
    with pytest.raises(RequestError, match="no folder 'pictures'"):
        prepare(config("pictures", size=32), cache)


@pytest.mark.parametrize("damage", ["cut", "longer", "header", "no note", "bad note", "gone", "other note"])
def test_a_damaged_entry_is_made_again(folder, cache, damage):
    images = prepare(config(folder, size=32), cache)
    note = images.path.with_suffix(".json")
    data, text = images.path.read_bytes(), note.read_text()
    match damage:
        case "cut":
            images.path.write_bytes(data[:-1])
        case "longer":
            images.path.write_bytes(data + b"x")
        case "header":
            images.path.write_bytes(b"x" * len(data))
        case "no note":
            note.unlink()
        case "bad note":
            note.write_text(text[:-9])
        case "gone":
            images.path.unlink()
        case "other note":
            note.write_text(json.dumps(json.loads(text) | {"shape": [4, 32, 32, 3]}))
    assert open_set(images.path) is None
    progress = Count()
    again = prepare(config(folder, size=32), cache, progress=progress)
    assert progress.calls
    assert again == images
    assert images.path.read_bytes() == data


def test_verify_sees_a_flipped_bit_and_drop_makes_room_for_a_new_set(folder, cache):
    images = prepare(config(folder, size=32), cache)
    data = bytearray(images.path.read_bytes())
    data[-5] ^= 1
    images.path.write_bytes(data)
    assert not verify(images)
    drop(images)
    assert verify(prepare(config(folder, size=32), cache))


def test_a_file_that_changes_meanwhile_is_an_error(folder, cache, monkeypatch):
    from ganlib.data import work

    def late(*arguments):
        save(folder / "b.png", 77)
        return write(*arguments)

    write = work.write
    monkeypatch.setattr(work, "write", late)
    with pytest.raises(WorkError, match=r"b\.png changed while"):
        prepare(config(folder, size=32), cache)
    assert [path.name for path in (cache / "data").iterdir() if path.suffix != ".lock"] == []


def test_a_file_that_cannot_be_read_now_is_tried_again(folder, cache, monkeypatch):
    from ganlib.data import folder as module

    read = module._read
    monkeypatch.setattr(module, "_read", lambda path: "cannot be read: x" if "c.GIF" in path else read(path))
    images = prepare(config(folder, size=32, max_skipped=1.0), cache)
    assert (len(images), images.skipped[0].reason) == (4, "cannot be read: x")
    monkeypatch.undo()
    assert len(prepare(config(folder, size=32), cache)) == 5


def test_leftovers_of_a_killed_process_are_removed(folder, cache):
    images = prepare(config(folder, size=32), cache)
    (index,) = (cache / "data").glob("*.index")
    mine, others, old = (index.with_name(f"{stem}.0.partial") for stem in (index.stem, "other", "old"))
    for path in (mine, others, old):
        path.write_bytes(b"x" * 100)
    os.utime(old, (0, 0))
    drop(images)
    prepare(config(folder, size=32), cache)
    assert [path.exists() for path in (mine, others, old)] == [False, True, False]


def test_a_full_disk_is_reported_before_the_work(folder, cache, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(WorkError, match="No space left on device; free some space, or set SWEEP_CACHE"):
        prepare(config(folder, size=32), cache)
    assert not list((cache / "data").glob("*.partial"))


def test_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "x/y"))
    assert cache_dir() == tmp_path / "x/y"
    assert cache_dir().is_dir()
    monkeypatch.delenv("SWEEP_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache/sweep"
    (tmp_path / "file").touch()
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "file/cache"))
    with pytest.raises(RequestError, match="SWEEP_CACHE"):
        cache_dir()


def test_the_number_of_workers_changes_nothing(tmp_path):
    values = DataConfig(count=520, size=28, style="thumbs")
    one = prepare(values, tmp_path / "one", workers=1)
    two = prepare(values, tmp_path / "two", workers=2)
    assert one.hash == two.hash


SCRIPT = """
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
print("started")
from ganlib.config import DataConfig
from ganlib.data import prepare
calls = []
config = DataConfig(count=520, size=28, style="thumbs")
images = prepare(config, workers=2, progress=lambda *call: calls.append(call))
print("made" if calls else "found", len(images), images.hash, "torch" in sys.modules)
"""


def test_processes_that_start_at_once_prepare_once(tmp_path):
    # A script without a main guard, on purpose: its workers must not run it again.
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"SWEEP_CACHE": str(tmp_path / "cache")}
    running = [
        subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment, text=True)
        for _ in range(3)
    ]
    lines = [process.communicate(timeout=100)[0].splitlines() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert [line[0] for line in lines] == ["started"] * 3
    assert all(len(line) == 2 for line in lines)
    words = [line[1].split() for line in lines]
    assert sorted(word[0] for word in words) == ["found", "found", "made"]
    assert len({word[2] for word in words}) == 1
    assert {word[3] for word in words} == {"False"}
    assert len(made(tmp_path / "cache")) == 1


@pytest.mark.parametrize(
    "shortage",
    [
        MemoryError(),
        OSError("out of memory error when reading image file"),
        RuntimeError("Insufficient memory"),
    ],
)
def test_a_shortage_of_memory_leaves_no_picture_out(folder, cache, monkeypatch, shortage):
    """It is the machine that fails, not the file: whoever starts again has all pictures."""
    from ganlib.data import decode

    def short(data, *arguments, **named):
        if data == scarce:
            raise shortage
        return read(data, *arguments, **named)

    read, scarce = decode._picture, (folder / "c.GIF").read_bytes()
    monkeypatch.setattr(decode, "_picture", short)
    with pytest.raises(
        WorkError, match=r"c\.GIF: memory ran out: free some, or allow fewer cores \(taskset\)"
    ):
        prepare(config(folder, size=32, max_skipped=1.0), cache)
    monkeypatch.undo()
    assert len(prepare(config(folder, size=32, max_skipped=1.0), cache)) == 5


@pytest.mark.parametrize("shortage", [MemoryError(), OSError(12, "Cannot allocate memory")])
@pytest.mark.parametrize("place", ["ganlib.data.folder._read", "ganlib.data.work.write"])
def test_a_shortage_of_memory_is_told_in_words(folder, cache, monkeypatch, shortage, place):
    def short(*arguments):
        raise shortage

    monkeypatch.setattr(place, short)
    with pytest.raises(WorkError, match="memory ran out: free some"):
        prepare(config(folder, size=32), cache)


def test_equal_pictures_at_two_places_are_packed_once_at_a_time(folder, tmp_path, cache, monkeypatch):
    """Whoever replaces an entry takes it away for a moment, in which another process may look for it."""
    from ganlib.data import build

    twin, packed = shutil.copytree(folder, tmp_path / "twin"), []
    both = threading.Barrier(2)

    def filled(*arguments):
        packed.append(arguments)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(timeout=1)
        return fill(*arguments)

    fill = build.fill
    monkeypatch.setattr(build, "fill", filled)
    with ThreadPoolExecutor(2) as threads:
        one, two = threads.map(lambda root: prepare(config(root, size=32), cache), (folder, twin))
    assert one.path == two.path
    assert len(packed) == 1
