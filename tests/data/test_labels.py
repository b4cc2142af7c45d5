"""Classes of pictures: from folders, from a table and from styles of avatars, and what is wrong with them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganlib.config import DataConfig
from ganlib.data import ImageSet, prepare, telling, verify
from ganlib.data.labels.classes import Classes
from ganlib.data.labels.table import read_table
from ganlib.data.telling import faults
from ganlib.errors import RequestError


def save(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), (value, value // 2, 7)).save(path)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Three dogs, two cats; the first channel of a dog is below 100."""
    root = tmp_path / "pets"
    for index in range(3):
        save(root / "dog" / "deep" / f"{index}.png", 20 * index)
    for index in range(2):
        save(root / "cat" / f"{index}.png", 100 + 40 * index)
    return root


def made(tmp_path: Path, source: object, **values: object) -> ImageSet:
    config = DataConfig.model_validate({"size": 28, "source": source, "labels": "folders"} | values)
    return prepare(config, tmp_path / "cache", workers=1)


def named(images: ImageSet) -> dict[int, str]:
    """Map the first channel of each picture to its class."""
    assert images.classes is not None
    names = [images.classes.names[number] for number in images.classes.of]
    return dict(zip(images.pictures[:, 0, 0, 0].tolist(), names, strict=True))


PETS = {0: "dog", 20: "dog", 40: "dog", 100: "cat", 140: "cat"}


def test_folders_are_classes_in_sorted_order(tmp_path: Path, pets: Path) -> None:
    images = made(tmp_path, str(pets))
    assert images.classes is not None
    assert (images.classes.names, images.classes.counts) == (("cat", "dog"), (2, 3))
    assert named(images) == PETS


def test_labels_are_a_part_of_the_content_and_not_of_the_packed_file(tmp_path: Path, pets: Path) -> None:
    labelled, plain = made(tmp_path, str(pets)), made(tmp_path, str(pets), labels=None)
    assert plain.classes is None
    assert labelled.path == plain.path
    assert labelled.hash != plain.hash
    assert verify(labelled)
    assert verify(plain)
    (pets / "dog").rename(pets / "wolf")
    assert made(tmp_path, str(pets)).hash != labelled.hash


def test_pictures_that_are_left_out_take_their_labels_with_them(tmp_path: Path, pets: Path) -> None:
    save(pets / "cat" / "0-again.png", 100)
    (pets / "cat" / "bad.png").write_bytes(b"no picture")
    images = made(tmp_path, str(pets), max_skipped=0.5, dedupe=True)
    assert named(images) == PETS
    counted = made(tmp_path, str(pets), max_skipped=0.5, count=4, seed=1)
    assert named(counted).items() <= PETS.items()


def test_sources_share_their_classes(tmp_path: Path, pets: Path) -> None:
    save(tmp_path / "more" / "cat" / "7.png", 200)
    assert named(made(tmp_path, [str(pets), str(tmp_path / "more")])) == PETS | {200: "cat"}


def test_styles_of_avatars_are_classes(tmp_path: Path) -> None:
    images = made(tmp_path, "avatars", style=["shapes", "identicon"], count=5)
    assert images.classes is not None
    assert images.classes.names == ("identicon", "shapes")
    assert images.classes.of.tolist() == [1, 1, 1, 0, 0]
    first = made(tmp_path, "avatars", style="shapes", count=3, labels=None)
    np.testing.assert_array_equal(images.pictures[:3], first.pictures)
    assert images.attribution is not None
    assert len(images.attribution.splitlines()) == 2


def test_a_table_says_what_files_are(tmp_path: Path, pets: Path) -> None:
    table = tmp_path / "labels.csv"
    rows = [f"{'odd' if index % 2 else 'even'},x,./dog//deep/{index}.png" for index in range(3)]
    rows += ['"even",x,cat/0.png', "", "odd,x,cat/1.png"]
    table.write_text("\ufefflabel,other,file\n" + "\n".join(rows) + "\n", encoding="utf-8")
    images = made(tmp_path, str(pets), labels=str(table))
    assert named(images) == {0: "even", 20: "odd", 40: "even", 100: "even", 140: "odd"}
    table.write_text("file,label\ncat/0.png,a\ncat/1.png,b\ncat/9.png,b\n")
    with pytest.raises(RequestError, match=r"4 of 6 files cannot be used") as refused:
        made(tmp_path, str(pets), labels=str(table))
    assert "0.png (no row of" in str(refused.value)
    assert f"{table}:4: cat/9.png (named in the table of labels, and not there)" in str(refused.value)
    some = made(tmp_path, str(pets), labels=str(table), max_skipped=0.7)
    assert named(some) == {100: "a", 140: "b"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"labels.csv:1: needs the columns file and label"),
        ("file,class\n", r"labels.csv:1: .*'file', 'class' has no label"),
        ("file,label\n", r"labels.csv:1: has no rows"),
        ("file,label\na.png,x\nb.png\n", r"labels.csv:3: has 1 cells, and the first line has 2"),
        ("file,label\na.png,x\nb.png, \n", r"labels.csv:3: has no label"),
        ("file,label\n,x\n", r"labels.csv:2: has no file"),
        ("file,label\na.png,x\nb.png,y\na.png,y\n", r"labels.csv:4: 'a.png' is 'y', and line 2 says 'x'"),
        ('file,label\n"a.png,x\n', r"labels.csv:2: is no CSV"),
        ("file,label\na.png,\x07\n", r"labels.csv:2: label .* cannot be printed"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(RequestError, match=message):
        read_table(str(path))


def test_what_no_table_can_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is no file"):
        read_table(str(tmp_path / "nothing.csv"))
    (tmp_path / "latin.csv").write_bytes(b"file,label\na.png,\xe9\n")
    with pytest.raises(RequestError, match="no text in UTF-8"):
        read_table(str(tmp_path / "latin.csv"))
    with pytest.raises(RequestError, match="cannot read"):
        read_table(str(tmp_path))


def test_labels_that_tell_nothing_are_refused(tmp_path: Path, pets: Path) -> None:
    with pytest.raises(RequestError, match="none of them lies in a sub-folder"):
        made(tmp_path, str(pets / "cat"))
    with pytest.raises(RequestError, match="of one class, 'deep'"):
        made(tmp_path, str(pets / "dog"))
    with pytest.raises(RequestError, match="of one class, 'adventurer'"):
        made(tmp_path, "avatars", count=2)
    save(pets / "bare.png", 1)
    with pytest.raises(RequestError, match="lies in no sub-folder, so it is of no class"):
        made(tmp_path, str(pets))
    table = tmp_path / "labels.csv"
    table.write_text("file,label\ncat/0.png,x\n")
    with pytest.raises(RequestError, match="avatars are drawn and have no files"):
        made(tmp_path, ["avatars", str(pets)], labels=str(table), count=2)
    save(tmp_path / "more" / "cat" / "0.png", 9)
    with pytest.raises(RequestError, match=r"labels.csv:2: 'cat/0.png' is the path of more than one file"):
        made(tmp_path, [str(pets), str(tmp_path / "more")], labels=str(table))
    table.write_text("file,label\nelsewhere/0.png,x\n")
    with pytest.raises(RequestError, match=r"no row of .* names one of them: paths in it are relative"):
        made(tmp_path, str(pets), labels=str(table))
    with pytest.raises(RequestError, match="an empty list; name at least one style"):
        made(tmp_path, "avatars", style=[], count=2)


def test_people_are_told_of_the_balance(tmp_path: Path, pets: Path) -> None:
    lines = telling.classes(made(tmp_path, str(pets)).found)
    assert lines[0] == "2: 3 dog, 2 cat; the largest has 1.5 times the smallest"
    assert lines[1].startswith("warning: fewer than 50 pictures in dog, cat")
    (line,) = telling.classes(made(tmp_path, str(pets), labels=None).found)
    assert line == lines[0]
    assert "not used as labels" in telling.taken(made(tmp_path, str(pets), labels=None).found)
    assert "not used as labels" not in telling.taken(made(tmp_path, str(pets)).found)


def test_classes_are_numbered_by_name() -> None:
    classes = Classes.named(["b", "a", "b"])
    assert (classes.names, classes.of.tolist(), classes.counts) == (("a", "b"), [1, 0, 1], (1, 2))
    assert len(classes) == 2
    assert classes.digest() != Classes.named(["b", "a", "a"]).digest()


def test_names_may_have_another_form_of_unicode(tmp_path: Path) -> None:
    """Archives of macOS write an e and its accent as two characters, tables as one; to a reader they are alike."""
    root, table = tmp_path / "pets", tmp_path / "labels.csv"
    for number, name in enumerate(("\u00e9t\u00e9", "e\u0301cole", "cafe\u0301", "caf\u00e9")):
        save(root / f"{name}.png", 40 * number)
    rows = ["\u00e9t\u00e9.png,a", "\u00e9cole.png,b", "cafe\u0301.png,a", "caf\u00e9.png,b"]
    table.write_text("file,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert named(made(tmp_path, str(root), labels=str(table))) == {0: "a", 40: "b", 80: "a", 120: "b"}


def test_thousands_of_rows_without_a_file_are_one_line(tmp_path: Path, pets: Path) -> None:
    table = tmp_path / "labels.csv"
    rows = ["cat/0.png,a", "cat/1.png,b", *(f"cat/x{number}.png,a" for number in range(500))]
    table.write_text("file,label\n" + "\n".join(rows) + "\n")
    images = made(tmp_path, str(pets), labels=str(table), max_skipped=0.999)
    assert "500 .png: named in the table of labels, and not there" in faults(images.skipped)
    assert len(faults(images.skipped)) == 2


def test_a_file_that_cannot_be_used_is_none_that_is_missing(tmp_path: Path, pets: Path) -> None:
    """Also where its name and the row's are two forms of one."""
    (pets / "cat" / "e\u0301.png").symlink_to(pets / "nowhere.png")
    table = tmp_path / "labels.csv"
    table.write_text("file,label\ncat/0.png,a\ncat/1.png,b\ncat/\u00e9.png,a\n", encoding="utf-8")
    images = made(tmp_path, str(pets), labels=str(table), max_skipped=0.9)
    assert "broken link" in {item.reason for item in images.skipped}
    assert not any("not there" in item.reason for item in images.skipped)


@pytest.mark.parametrize("dedupe", [False, True])
def test_a_class_is_one_in_both_forms_of_its_name(tmp_path: Path, pets: Path, dedupe: bool) -> None:
    """Archives of macOS write an é as two characters."""
    save(pets / "cafe\u0301" / "0.png", 200)
    alone = made(tmp_path, str(pets), dedupe=dedupe)
    assert named(alone)[200] == "cafe\u0301", "what was one class keeps its name, and the set its hash"
    save(tmp_path / "more" / "caf\u00e9" / "1.png", 240)
    both = made(tmp_path, [str(pets), str(tmp_path / "more")], dedupe=dedupe)
    assert named(both) == PETS | {200: "caf\u00e9", 240: "caf\u00e9"}
    plain = made(tmp_path, [str(pets), str(tmp_path / "more")], labels=None)
    assert dict(plain.found.classes) == {"cat": 2, "dog": 3, "caf\u00e9": 2}


def test_labels_of_a_table_are_one_in_both_forms(tmp_path: Path, pets: Path) -> None:
    table = tmp_path / "labels.csv"
    rows = [
        "cat/0.png,caf\u00e9",
        "cat/1.png,cafe\u0301",
        *(f"dog/deep/{index}.png,dog" for index in range(3)),
    ]
    table.write_text("\n".join(["file,label", *rows, "cat/0.png,cafe\u0301"]), encoding="utf-8")
    assert named(made(tmp_path, str(pets), labels=str(table)))[140] == "caf\u00e9"
    table.write_text("file,label\ncat/0.png,caf\u00e9\ncat/1.png,cafe\u0301\n", encoding="utf-8")
    with pytest.raises(RequestError, match="all 2 pictures are of one class"):
        made(tmp_path, str(pets), labels=str(table), max_skipped=0.9)
