"""Translating a folder loses nobody's file."""

from pathlib import Path

import numpy as np
import pytest
from helpers.drawn.translated import noise, pixels, save, under

from ganlib import written
from ganlib.data.listing import scan
from ganlib.errors import RequestError
from ganlib.export.folders import translate_files
from ganlib.export.generator import LoadedTranslator


def test_a_second_run_replaces_what_the_first_wrote(
    translator: LoadedTranslator, photos: Path, out: Path
) -> None:
    for name in ("a.png", "in/b.png"):
        save(photos / name, noise(16, 16, 3))
    translate_files(translator, photos, out)
    first = pixels(out / "in" / "b.png")
    (out / "mine.txt").write_text("mine")
    save(out / "in" / "mine.png", noise(4, 4, 3))
    mine = (out / "in" / "mine.png").read_bytes()
    translate_files(translator, photos, out, back=True)
    assert not np.array_equal(pixels(out / "in" / "b.png"), first)
    assert under(out) == ["a.png", "in/b.png", "in/mine.png", "mine.txt"]
    assert (out / "in" / "mine.png").read_bytes() == mine


def test_a_picture_of_somebody_else_is_not_replaced(
    translator: LoadedTranslator, photos: Path, out: Path
) -> None:
    for name in ("a.png", "in/b.png"):
        save(photos / name, noise(16, 16, 3))
    save(out / "in" / "b.png", noise(5, 5, 3))
    with pytest.raises(RequestError, match=r"in/b.png' exists and would be overwritten"):
        translate_files(translator, photos, out)
    assert under(out) == ["in/b.png"]
    assert pixels(out / "in" / "b.png").shape == (5, 5, 3)


def test_one_that_was_changed_since_is_somebody_elses(
    translator: LoadedTranslator, photos: Path, out: Path
) -> None:
    save(photos / "in" / "b.png", noise(16, 16, 3))
    translate_files(translator, photos, out)
    save(out / "in" / "b.png", noise(5, 5, 3))
    with pytest.raises(RequestError, match="would be overwritten"):
        translate_files(translator, photos, out)


def test_pictures_are_not_written_beside_themselves(translator: LoadedTranslator, photos: Path) -> None:
    save(photos / "a.bmp", noise(16, 16, 3))
    (photos.parent / "link").symlink_to(photos)
    for place in (photos, photos.parent / "link", photos / ".." / "photos"):
        with pytest.raises(RequestError, match="is the folder of the pictures"):
            translate_files(translator, photos, place)
    assert under(photos) == ["a.bmp"]


def test_a_picture_that_is_read_is_not_written(translator: LoadedTranslator, photos: Path) -> None:
    """Even one that an earlier call made."""
    save(photos / "a.png", noise(16, 16, 3))
    made = photos.parent / "made"
    translate_files(translator, photos, made)
    with pytest.raises(RequestError, match="is one of the pictures of --input"):
        translate_files(translator, made / "a.png", made)


def test_translations_below_the_pictures_are_not_translated_again(
    translator: LoadedTranslator, photos: Path
) -> None:
    save(photos / "a.png", noise(16, 16, 3))
    save(photos / "in" / "b.png", noise(16, 16, 3))
    for _ in range(2):
        assert translate_files(translator, photos, photos / "drawn").count == 2
    assert under(photos) == [written.LIST, "a.png", "drawn/a.png", "drawn/in/b.png", "in/b.png"]
    assert len(scan(str(photos)).files) == 2


def test_translations_are_a_set_for_those_who_name_them(
    translator: LoadedTranslator, photos: Path, out: Path
) -> None:
    """The way back starts from them, in all their folders."""
    for name in ("a.png", "in/b.png", "in/deep/c.png"):
        save(photos / name, noise(16, 16, 3))
    translate_files(translator, photos, out)
    assert under(out) == ["a.png", "in/b.png", "in/deep/c.png"]
    assert translate_files(translator, out, photos.parent / "again", back=True).count == 3
    assert len(scan(str(out)).files) == 3
    assert len(scan(str(out / "in")).files) == 2
    assert scan(str(photos.parent / "photos")).left_out == ()
    assert len(scan(str(photos.parent)).files) == 3
    (out / "in" / "generated.png").write_bytes((out / "a.png").read_bytes())
    assert len(scan(str(out)).files) == 4


def test_clearing_a_folder_forgets_nothing_of_those_in_it(
    translator: LoadedTranslator, photos: Path, out: Path
) -> None:
    for name in ("a.png", "in/b.png"):
        save(photos / name, noise(16, 16, 3))
    translate_files(translator, photos, out)
    assert written.ours(out) == {"a.png"}
    written.clear(out)
    assert written.ours(out / "in") == {"b.png"}
    assert under(out) == ["in/b.png"]
