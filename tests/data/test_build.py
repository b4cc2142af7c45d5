"""From folders and avatars to a packed set: order, skipping, caching, damage, and many processes at once."""

import os
import pickle
import shutil

import numpy as np
import pytest
from helpers.drawn.pictures import config, first_channel, save
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganlib.config import DataConfig, PhotosConfig
from ganlib.data import ImageSet, find, open_set, prepare, verify
from ganlib.data.formats import NAMES
from ganlib.errors import RequestError


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
    if len(bad) - sum(bad) < 2:
        few = "1 picture in" if len(bad) == 1 or not all(bad) else "no pictures"
        with pytest.raises(RequestError, match=few):
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


def test_an_image_set_is_equal_by_value(folder, cache):
    images = prepare(config(folder, size=32), cache)
    assert open_set(images.path) == ImageSet(images.path, images.hash, look=images.look)


@pytest.mark.parametrize("section", ["data", "photos"])
@pytest.mark.parametrize("how", ["alone", "counted", "the other is broken", "drawn"])
def test_one_picture_is_too_few(how, section, tmp_path, cache):
    root = tmp_path / "root"
    save(root / "a/1.png")
    options, told = {}, f"1 picture in '{root}'"
    if how == "counted":
        save(root / "b/2.png", 9)
        options, told = {"count": 1}, f"1 picture in '{root}', of which {section}.count is 1"
    elif how == "the other is broken":
        (root / "b").mkdir()
        (root / "b/2.png").write_bytes(b"bad")
        options = {"max_skipped": 0.5}
    elif how == "drawn":
        root, options, told = (
            "avatars",
            {"count": 1},
            f"1 picture in 'avatars', of which {section}.count is 1",
        )
    of_photos = PhotosConfig(source=str(root), **options).at(32)
    one = of_photos if section == "photos" else config(root, size=32, labels="folders", **options)
    for look in (prepare, find, prepare):  # labels of one class are not what is told
        with pytest.raises(RequestError) as error:
            look(one, cache)
        assert f"{section}.source: {told}; at least 2 are needed" in str(error.value)


def test_what_is_unusable_by_name_is_a_share_of_all_that_was_listed(tmp_path, cache):
    root = tmp_path / "many"
    for number in range(100):
        save(root / f"{number:03}.png", number)
    for number in range(4):
        (root / f"{number}.svg").touch()
    images = prepare(config(root, size=28, count=10), cache)
    assert (len(images), len(images.skipped)) == (10, 4)
    assert len(find(config(root, size=28, count=10), cache)) == 10
    for number in range(4, 7):
        (root / f"{number}.svg").touch()
    with pytest.raises(RequestError, match=r"data: 7 of 107 files cannot be used \(7%"):
        prepare(config(root, size=28, count=10), cache)


def test_what_is_unusable_when_it_is_opened_is_a_share_of_what_was_drawn(tmp_path, cache):
    root = tmp_path / "many"
    for number in range(40):
        path = save(root / f"{number:03}.png", number)
        if number % 4 == 0:
            path.write_bytes(b"")
    (root / "one.svg").touch()
    counted = config(root, size=28, count=20, max_skipped=0.1)
    told = r"data: \d of 20 files that were drawn, and by its name 1 of all 41, cannot be used \(\d\d%"
    with pytest.raises(RequestError, match=told):
        prepare(counted, cache)
    (root / "one.svg").unlink()
    with pytest.raises(RequestError, match=r"data: \d of 20 files that were drawn cannot be used \(\d\d%"):
        prepare(counted, cache)


def test_copies_that_are_left_out_make_no_share_of_unusable_files_larger(tmp_path, cache):
    root = tmp_path / "copies"
    for number in range(39):
        save(root / f"{number:02}.png", 100 * (number % 2))
    (root / "bad.png").touch()
    assert len(prepare(config(root, size=28, dedupe=True), cache)) == 2
