"""Whatever a person types or a file holds: a message and exit code 2 or 1, and nothing outside the sweep's folder."""

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.sweeps.commands import run
from PIL import Image

from ganlib.config import DataConfig
from ganlib.data import prepare
from sweep.cli import COMMANDS
from sweep.records.datasets import Store
from sweep.records.parts.sealed import DamagedPartError
from sweep.spec.problems import SpecError
from sweep.spec.specification import load
from sweep.storage.opening import open_folder

NAMES = [
    "../x",
    "a/../../x",
    "/etc",
    "a/b",
    "..",
    ".",
    "nul\0",
    "bell\a\x1b[2J",
    "x" * 300,
    "",
    " ",
    "é\u202e",
    "-x",
]
READERS = [
    name for name in COMMANDS if name in ("resume", "extend", "show", "best", "report", "check", "rm", "note")
]


@pytest.mark.parametrize("name", NAMES)
def test_names_on_the_command_line_stay_inside(name: str, tmp_path: Path) -> None:
    storage = tmp_path / "runs"
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "sweep.json").write_text("{}")
    (storage / "real").mkdir(parents=True)
    (storage / "real" / "sweep.json").write_text('{"name": "real"}')
    before = sorted(tmp_path.rglob("*"))
    for command in READERS:
        more = {"extend": ["--trials", "+1"], "rm": ["--yes"], "note": ["--tag", "a"]}.get(command, [])
        result = run(command, *more, "--storage", str(storage), "--", name)
        assert result.exit_code == 2, (command, result.output)
        assert result.output.strip().splitlines()[-1].isprintable(), command
        assert "Traceback" not in result.output
    assert sorted(tmp_path.rglob("*")) == before


def test_a_huge_spec_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.write(b"a: b\n")
        file.truncate(100 * 2**20)
    with pytest.raises(SpecError, match="larger than the limit"):
        load(path)


def test_an_anchor_bomb_is_not_expanded(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 64)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(SpecError, match="YAML aliases are not allowed"):
        load(path)


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system ['touch pwned']", "!!python/name:os.system", "!x 1"]
)
def test_tags_run_nothing(tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tag.yaml").write_text(f"train: {{epochs: 1}}\nname: {tag}\n")
    with pytest.raises(SpecError):
        load(tmp_path / "tag.yaml")
    assert not (tmp_path / "pwned").exists()


def test_pictures_that_are_none(tmp_path: Path) -> None:
    """0x0 (a header says so), a wrong extension, no permission, a pipe, a loop: skipped by name, with a reason."""
    good, folder = tmp_path / "good.png", tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (8, 8), "red").save(good)
    for number in range(8):
        shutil.copy(good, folder / f"{number}.png")
    data = bytearray(good.read_bytes())
    data[16:24] = bytes(8)  # width and height
    (folder / "nothing.png").write_bytes(data)
    (folder / "text.png").write_text("no picture")
    (folder / "self.png").symlink_to(folder / "self.png")
    os.mkfifo(folder / "pipe.png")
    wanted = ["nothing.png", "pipe.png", "self.png", "text.png"]
    if os.geteuid() != 0:
        shutil.copy(good, folder / "secret.png")
        (folder / "secret.png").chmod(0)
        wanted = sorted([*wanted, "secret.png"])
    Image.new("CMYK", (8, 8)).save(folder / "cmyk.jpg")
    Image.new("RGB", (8, 8)).save(folder / "really-a-jpeg.png", "JPEG")
    images = prepare(DataConfig(source=str(folder), size=32, max_skipped=0.5), tmp_path / "cache")
    assert len(images) == 10
    assert sorted(Path(item.path).name for item in images.skipped) == wanted
    assert all(item.reason for item in images.skipped)


def test_a_foreign_parquet_file_is_no_part(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    pq.write_table(pa.table({"trial": [0], "kid": [0.0]}), tmp_path / "metrics" / "00000.parquet")
    with pytest.raises(DamagedPartError, match=r"metrics/00000\.parquet' has schema version 'none'"):
        Store(open_folder(tmp_path)).rows("metrics")
