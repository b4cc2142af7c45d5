"""From folders and avatars to a packed set: order, skipping, caching, damage, and many processes at once."""

import json
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganlib.config import DataConfig
from ganlib.data import ImageSet, cache_dir, drop, open_set, prepare, styles, verify
from ganlib.data.avatars import attribution
from ganlib.data.formats import NAMES
from ganlib.errors import RequestError, WorkError


def save(path, value=0, side=32, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side), (value, value // 2, 7)).save(path, **options)
    return path


def config(source, **values):
    return DataConfig(source=str(source) if not isinstance(source, list) else [*map(str, source)], **values)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pictures"
    for index, name in enumerate(("b.png", "a/z.PNG", "a/y.bmp", "a-b/x.webp", "c.GIF")):
        save(root / name, 10 * index, lossless=True)
    return root


def first_channel(images):
    return images.pictures[:, 0, 0, 0].tolist()


def made(cache):
    return sorted(path.name for path in (cache / "data").glob("*.npy"))


class Count:
    """A progress callback that remembers."""

    def __init__(self):
        self.calls = []

    def __call__(self, done, total):
        self.calls.append((done, total))


def test_files_are_sorted_by_relative_path_at_any_depth(folder, cache):
    images = prepare(config(folder, size=32), cache)
    assert first_channel(images) == [30, 20, 10, 0, 40]
    assert (len(images), images.size, images.skipped, images.attribution) == (5, 32, (), None)
    assert images.path.parent.parent == cache
    assert np.load(images.path).shape == (5, 32, 32, 3)


def test_the_pictures_cannot_be_written(folder, cache):
    images = prepare(config(folder, size=32), cache)
    with pytest.raises(ValueError, match="read-only"):
        images.pictures[0] = 1


def test_a_set_is_sent_without_its_pixels(folder, cache):
    images = prepare(config(folder, size=128), cache)
    assert images.pictures.nbytes > 100_000
    sent = pickle.dumps(images)
    assert len(sent) < 2000
    assert (pickle.loads(sent).pictures == images.pictures).all()


def test_several_folders_in_the_order_of_the_list(folder, tmp_path, cache):
    other = tmp_path / "other"
    save(other / "only.png", 200)
    assert first_channel(prepare(config([other, folder], size=32), cache)) == [200, 30, 20, 10, 0, 40]
    assert first_channel(prepare(config([folder, other], size=32), cache)) == [30, 20, 10, 0, 40, 200]


def test_avatars_and_a_folder_together(folder, cache):
    images = prepare(config([folder, "avatars"], size=32, count=3, style="thumbs"), cache)
    alone = prepare(config("avatars", size=32, count=3, style="thumbs"), cache)
    assert len(images) == 8
    assert (images.pictures[5:] == alone.pictures).all()
    assert images.attribution == alone.attribution


def test_the_hash_is_of_the_pixels(folder, tmp_path, cache):
    twin = tmp_path / "twin"
    for index, path in enumerate(sorted(folder.rglob("*.*"), key=lambda path: str(path.relative_to(folder)))):
        Image.open(path).convert("RGB").save(twin.mkdir(exist_ok=True) or twin / f"{index}.png")
    one, two = prepare(config(folder, size=32), cache), prepare(config(twin, size=32), cache)
    assert one.path != two.path  # other bytes in the files
    assert one.hash == two.hash  # the same pictures
    assert verify(one)
    assert prepare(config(folder, size=28), cache).hash != one.hash


def test_hidden_files_and_other_files_do_not_belong_to_the_set(folder, cache):
    (folder / "._b.png").write_bytes(b"resource fork")
    save(folder / ".thumbnails/b.png")
    (folder / "labels.csv").write_text("a,b")
    images = prepare(config(folder, size=32), cache)
    assert (len(images), images.skipped) == (5, ())


def test_unreadable_files_are_skipped_by_name_with_a_reason(folder, cache):
    (folder / "a/empty.png").touch()
    (folder / "aa.jpg").write_text("no picture")
    (folder / "broken.png").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.png")
    (folder / "scan.psd").touch()
    images = prepare(config(folder, size=32, max_skipped=0.5), cache)
    assert first_channel(images) == [30, 20, 10, 0, 40]
    assert {os.path.relpath(item.path, folder): item.reason for item in images.skipped} == {
        "a/empty.png": "empty file",
        "aa.jpg": f"not a {NAMES} picture",
        "broken.png": "broken link",
        "pipe.png": "not a regular file",
        "scan.psd": ".psd pictures are not read: convert them, to PNG for instance",
    }
    again = prepare(config(folder, size=32, max_skipped=0.5), cache)
    assert again == images


def test_more_skipped_than_allowed_is_an_error_also_from_the_cache(folder, cache):
    (folder / "bad.png").write_text("bad")
    for _ in range(2):
        with pytest.raises(RequestError, match=r"1 of 6 files .*17%.*5%.*bad\.png \(not a PNG"):
            prepare(config(folder, size=32), cache)
    assert len(prepare(config(folder, size=32, max_skipped=1 / 6), cache)) == 5


@settings(max_examples=25, deadline=None)
@given(bad=st.lists(st.booleans(), min_size=1, max_size=70))
def test_what_is_left_closes_up(tmp_path_factory, bad):
    root = tmp_path_factory.mktemp("holes")
    for index, broken in enumerate(bad):
        if broken:
            (root / f"{index:03}.png").write_bytes(b"bad %d" % index)
        else:
            save(root / f"{index:03}.png", index)
    if all(bad):
        with pytest.raises(RequestError, match="no pictures"):
            prepare(config(root, size=28, max_skipped=1.0), root / ".cache")
        return
    images = prepare(config(root, size=28, max_skipped=1.0), root / ".cache")
    assert first_channel(images) == [index for index, broken in enumerate(bad) if not broken]
    assert [item.path for item in images.skipped] == [f"{root}/{i:03}.png" for i, b in enumerate(bad) if b]
    assert verify(images)


def test_names_that_are_no_text(folder, cache):
    root = os.fsencode(folder)
    shutil.copy(folder / "b.png", root + b"/new\nline.png")
    shutil.copy(folder / "b.png", root + b"/\xff.png")
    with open(root + b"/\xfe\x1b.png", "wb") as file:
        file.write(b"bad")
    images = prepare(config(folder, size=32, max_skipped=0.5), cache)
    assert len(images) == 7
    assert images.skipped[0].path == f"{folder}/\\xfe\\x1b.png"


def test_links_to_files_are_followed_and_loops_of_folders_end(folder, tmp_path, cache):
    outside = save(tmp_path / "outside/o.png", 99)
    (folder / "zz.png").symlink_to(outside)
    (folder / "a/loop").symlink_to(folder)
    (folder / "far").symlink_to(outside.parent)
    images = prepare(config(folder, size=32, max_skipped=0.5), cache)
    assert first_channel(images) == [30, 20, 10, 0, 40, 99]
    assert [(os.path.relpath(item.path, folder), item.reason) for item in images.skipped] == [
        ("a/loop", "link to a folder; not followed"),
        ("far", "link to a folder; not followed"),
    ]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda root: root / "missing", "there is no folder"),
        (lambda root: save(root / "one.png"), "is a file"),
        (lambda root: root, "no pictures in .*other files there: 2 .txt.*unusable: .*x.png \\(broken link"),
        (lambda root: "avatar", "did you mean 'avatars'"),
        (lambda root: "gs://bucket/pictures", "or a bucket, s3://bucket/prefix"),
        (lambda root: " ", "is empty"),
        (lambda root: "a\0b", r"no folder 'a\\x00b'"),
        (lambda root: [], "an empty list"),
        (lambda root: "~nobody-of-this-name/x", "no usable path|no folder"),
    ],
)
def test_a_wrong_source_is_explained(tmp_path, cache, make, text):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "notes.txt").touch()
    (root / "sub/more.txt").touch()
    (root / "x.png").symlink_to("nowhere")
    with pytest.raises(RequestError, match=text):
        prepare(config(make(root)), cache)


def test_a_wrong_style_or_colour_is_explained(cache):
    with pytest.raises(RequestError, match=r"'adventurr', did you mean 'adventurer'\? \(choices: .*lorelei"):
        prepare(DataConfig(style="adventurr"), cache)
    with pytest.raises(RequestError, match="needs the fonts"):
        prepare(DataConfig(style="initials"), cache)
    with pytest.raises(RequestError, match="opaque colour"):
        prepare(DataConfig(background="whiteish"), cache)


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
    assert [path.suffix for path in (cache / "data").iterdir()] == [".lock"]


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


def test_a_smaller_avatar_set_is_the_beginning_of_a_larger_one(cache):
    values = {"size": 28, "style": "pixel-art", "seed": 5}
    small = prepare(DataConfig(count=7, **values), cache)
    large = prepare(DataConfig(count=40, **values), cache)
    assert (large.pictures[:7] == small.pictures).all()
    other = prepare(DataConfig(count=7, **values | {"seed": 6}), cache)
    assert not (other.pictures == small.pictures).all(axis=(1, 2, 3)).any()
    assert len(np.unique(large.pictures.reshape(40, -1), axis=0)) > 30


def test_avatars_stand_on_the_background(cache):
    pink = prepare(DataConfig(count=3, size=28, style="lorelei", background="#ffd0e0"), cache)
    assert (pink.pictures[:, 0, 0] == (255, 208, 224)).all()


@pytest.mark.parametrize("style", ["avataaars", "bottts", "fun-emoji", "personas", "toon-head"])
def test_styles_give_different_pictures(cache, style):
    images = prepare(DataConfig(count=12, size=28, style=style), cache)
    assert len(np.unique(images.pictures.reshape(12, -1), axis=0)) > 10
    assert (images.pictures.std(axis=(1, 2, 3)) > 10).all()


def test_every_style_names_its_maker_and_its_licence():
    assert "adventurer" in styles()
    assert len(styles()) > 20
    for style in styles():
        text = attribution(style)
        assert f"Avatar style '{style}'" in text
        assert "licensed under" in text
        assert "unknown" not in text
        assert "\n" not in text


def test_the_attribution_is_stored_with_the_set(cache):
    images = prepare(DataConfig(count=1, size=28, style="lorelei"), cache)
    assert images.attribution == attribution("lorelei")
    assert "Lisa Wischofsky" in images.attribution
    assert json.loads(images.path.with_suffix(".json").read_text())["attribution"] == images.attribution


def test_the_number_of_workers_changes_nothing(tmp_path):
    values = DataConfig(count=520, size=28, style="thumbs")
    one = prepare(values, tmp_path / "one", workers=1)
    two = prepare(values, tmp_path / "two", workers=2)
    assert one.hash == two.hash


SCRIPT = """
import sys
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


def test_an_image_set_is_equal_by_value(folder, cache):
    images = prepare(config(folder, size=32), cache)
    assert open_set(images.path) == ImageSet(images.path, images.hash, look=images.look)
