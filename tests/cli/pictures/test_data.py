"""``sweep data``: what it prints and writes, and what it refuses."""

import csv
import io
import json
import sys
import types
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.sweeps.commands import fine
from PIL import Image

from ganlib.config import DataConfig
from ganlib.data.formats import NAMES
from ganlib.data.sheet import beside
from ganlib.errors import RequestError, WorkError
from sweep.cli.pictures.data import _groups, command


@pytest.fixture
def pictures(tmp_path):
    root = tmp_path / "pictures"
    root.mkdir()
    for index in range(10):
        Image.new("RGB", (40, 40), (index, 0, 0)).save(root / f"{index}.png")
    return root


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command in an empty folder on a data section, whatever the spec's name."""
    asked = []
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))

    def run(config, *arguments):
        def load(path, overrides=()):
            asked.append((str(path), tuple(overrides)))
            return types.SimpleNamespace(name="study", data=config, photos=None, trains_on_edges=False)

        fake = types.ModuleType("sweep.spec.specification")
        fake.load = load
        monkeypatch.setitem(sys.modules, "sweep.spec.specification", fake)
        return CliRunner().invoke(command, ["spec.yaml", *arguments])

    run.asked = asked
    run.here = tmp_path / "here"
    return run


def test_it_describes_the_set_and_writes_a_contact_sheet(run, pictures):
    (pictures / "bad.png").write_text("bad")
    config = DataConfig(source=str(pictures), size=32, max_skipped=0.1)
    result = run(config, "--set", "data.size=32", "--set", "name=study")
    assert result.exit_code == 0, result.output
    assert run.asked == [("spec.yaml", ("data.size=32", "name=study"))]
    assert f"source       {pictures}" in result.stdout
    assert "10 of 32 x 32 pixels" in result.stdout
    assert "skipped      1" in result.stdout
    assert "bad.png: not a PNG" in result.stdout
    assert "study-data.png" in result.stdout
    assert result.stderr == ""  # no bar where there is no terminal
    with Image.open(run.here / "study-data.png") as sheet:
        assert sheet.size == (2 + 8 * 34, 2 + 2 * 34)


def test_json_has_every_fact(run, pictures, tmp_path):
    (pictures / "bad.png").write_text("bad")
    out = tmp_path / "new" / "sheet.PNG"
    config = DataConfig(source=[str(pictures), "avatars"], size=32, max_skipped=0.1, count=3, style="thumbs")
    result = run(config, "--json", "--out", str(out))
    facts = json.loads(result.stdout)
    assert facts["name"] == "study"
    assert facts["source"] == [str(pictures), "avatars"]
    assert (facts["count"], facts["size"]) == (13, 32)
    assert facts["skipped"] == [{"path": str(pictures / "bad.png"), "reason": f"not a {NAMES} picture"}]
    assert facts["bytes"] == 128 + 13 * 32 * 32 * 3
    assert len(facts["hash"]) == 64
    assert "thumbs" in facts["attribution"]
    assert facts["seconds"] > 0
    assert out.exists()


def test_many_skipped_files_are_shortened_for_people_only(run, pictures):
    for index in range(30):
        (pictures / f"bad{index:02}.png").write_text("bad")
    config = DataConfig(source=str(pictures), size=32, max_skipped=1.0)
    text = run(config).stdout
    assert "bad19.png" in text
    assert "bad20.png" not in text
    assert "and 10 more; --json lists all" in text
    assert len(json.loads(run(config, "--json").stdout)["skipped"]) == 30


def test_damaged_pixels_are_noticed_and_made_again(run, pictures):
    config = DataConfig(source=str(pictures), size=32)
    before = json.loads(run(config, "--json").stdout)
    with open(before["path"], "r+b") as file:
        file.seek(500)
        file.write(b"\xee")
    result = run(config, "--json")
    assert "damaged" in result.stderr
    assert json.loads(result.stdout)["hash"] == before["hash"]
    assert run(config).stderr == ""


@pytest.mark.parametrize(
    ("option", "out", "text"),
    [
        ("--out", "sheet.jpg", r"must be the name of a \.png file"),
        ("--out", "/dev/null/where.png", "'/dev/null' is a file"),
        ("--alike", "groups.txt", r"must be the name of a \.csv file"),
        ("--alike", "/dev/null/where.csv", "'/dev/null' is a file"),
    ],
)
def test_a_wrong_place_is_refused_before_the_work(run, pictures, tmp_path, option, out, text):
    result = run(DataConfig(source=str(pictures), size=32), option, out)
    assert isinstance(result.exception, RequestError)
    with pytest.raises(RequestError, match=text):
        raise result.exception
    assert not (tmp_path / "cache").exists()


def test_errors_go_up_to_the_group(run, tmp_path, monkeypatch):
    result = run(DataConfig(source=str(tmp_path / "missing")))
    assert isinstance(result.exception, RequestError)
    monkeypatch.setattr(Image.Image, "save", lambda *a: (_ for _ in ()).throw(OSError(28, "disk full")))
    result = run(DataConfig(count=2, size=28, style="thumbs"))
    assert isinstance(result.exception, WorkError)
    assert "disk full" in str(result.exception)


def test_a_translator_has_two_sides_and_blurred_edges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("both.yaml").write_text(
        "data: {count: 12, size: 32}\nphotos: {source: avatars, style: micah, count: 9}\n"
        "model: {family: {type: categorical, choices: [cyclegan, cartoongan]}}\ntrain: {kimg: 1}\n"
    )
    told = fine("data", "both.yaml")
    for part in ("# Drawings", "pictures     12 of 32", "# Photographs", "pictures     9 of 32", "edges"):
        assert part in told, told
    with Image.open("both-data.png") as sheet:
        assert sheet.width > 3 * 8 * 32, "drawings, photographs and blurred edges side by side"
    facts = json.loads(fine("data", "both.yaml", "--json"))
    assert facts["photos"]["count"] == 9
    assert Path(facts["edges"]["path"]).is_file()
    Path(facts["edges"]["path"]).write_bytes(b"damaged")
    assert json.loads(fine("data", "both.yaml", "--json"))["photos"]["count"] == 9


def test_sheets_of_any_number_side_by_side() -> None:
    sheets = [Image.new("RGB", (10, 20)), Image.new("RGB", (30, 5))]
    assert beside(sheets[:1]) is sheets[0]
    whole = beside(sheets)
    assert whole.size == (10 + 16 + 30, 20)
    assert whole.getpixel((5, 10)) == (0, 0, 0)
    assert whole.getpixel((15, 10)) == whole.getpixel((40, 10)) == (255, 255, 255)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two classes; two equal pictures and one that is nearly so, a grey one, a tiny one, a file that is none."""
    root = tmp_path / "mixed"
    random = np.random.default_rng(0)
    for name, count in (("cats", 7), ("dogs", 6)):
        (root / name).mkdir(parents=True)
        for index in range(count):
            coarse = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize((48, 48), Image.Resampling.BICUBIC)
            picture.save(root / name / f"{index}.png")
    with Image.open(root / "cats" / "0.png") as first:
        first.save(root / "cats" / "again.bmp")
        first.save(root / "cats" / "nearly.jpg", quality=92)
        first.convert("L").save(root / "dogs" / "grey.png")
    Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=np.uint8)).save(root / "dogs" / "tiny.png")
    (root / "readme.txt").write_text("cats and dogs")
    return root


def test_it_tells_what_lies_in_a_folder(run, mixed: Path) -> None:
    result = run(DataConfig(source=str(mixed), size=32, labels="folders"))
    assert result.exit_code == 0, result.output
    told: dict[str, str] = {}
    for line in result.stdout.splitlines():
        told[line[:13].strip()] = f"{told.get(line[:13].strip(), '')}{line[13:]}\n"
    assert "9 cats" in told["classes"]
    assert "tiny.png" in told["tiny"]
    assert "12 x 9" in told["tiny"]
    assert "cats/0.png" in told["alike"]
    assert "again.bmp" in told["alike"]
    assert "data.dedupe" in told["alike"]
    assert "readme.txt" in told["left out"]


def test_no_name_of_a_picture_is_a_formula(tmp_path: Path) -> None:
    group = SimpleNamespace(kept="=1+1.png", equal=["@a.png"], near=["-b.png", "c.png"])
    sets: Any = SimpleNamespace(sides=[("data", SimpleNamespace(found=SimpleNamespace(alike=[group])))])
    rows = csv.DictReader(io.StringIO(_groups(sets)))
    assert [row["picture"] for row in rows] == ["'=1+1.png", "'@a.png", "'-b.png", "c.png"]


@pytest.mark.parametrize("dedupe", [False, True])
def test_groups_of_alike_pictures_are_a_table(run, mixed: Path, tmp_path: Path, dedupe: bool) -> None:
    out = tmp_path / "groups.csv"
    config = DataConfig(source=str(mixed), size=32, dedupe=dedupe)
    result = run(config, "--alike", str(out), "--json")
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert {row["section"] for row in rows} == {"data"}
    told = {Path(row["picture"]).name: row["is"] for row in rows if row["group"] == "0"}
    assert told.pop("0.png") == "kept"
    assert told["again.bmp"] == "equal"
    assert told["nearly.jpg"] == "near"
    facts = json.loads(result.stdout)
    (group,) = facts["alike"]
    assert {Path(name).name for name in [*group["equal"], *group["near"]]} == set(told)
    assert facts["count"] == 17 - dedupe * len(told)
    assert facts["duplicates"] == dedupe * len(told)
