"""`sweep check` sees whatever is damaged, names it, and mends what can be mended."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers.sweeps.checking import check, everything, trial_with

from sweep.records import ledger
from sweep.records.datasets import Store
from sweep.storage import layout
from sweep.storage.opening import open_folder

pytestmark = pytest.mark.slow


def test_a_sweep_that_went_well_is_whole(finished: Path) -> None:
    result = check(finished)
    assert result.exit_code == 0
    assert "'small' is whole: 5 trials" in result.output
    told = json.loads(check(finished, "--json").output)
    assert told["findings"] == []
    assert told["running"] is False
    assert "'small' is whole" in check(finished, "--repair").output


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("dataset", ["trials", "metrics", "results", "samples", "rungs"])
def test_every_damaged_part_is_named_and_restored(dataset: str, folder: Path) -> None:
    """The parts of four trials at once, each damaged in another way."""
    before = everything(folder)
    parts = sorted((folder / dataset).glob("0*.parquet"))[:4]
    for part, damage in zip(parts, (truncate, empty, flip, Path.unlink), strict=True):
        damage(part)
    result = check(folder)
    assert result.exit_code == 1
    assert "--repair" in result.output
    mended = check(folder, "--repair")
    assert mended.exit_code == 0, mended.output
    for part in parts:
        assert f"{dataset}/{part.name}" in result.output
        assert f"mended: {dataset}/{part.name}" in mended.output
    assert everything(folder) == before
    assert check(folder).exit_code == 0


@pytest.mark.parametrize("damage", [truncate, empty, flip, Path.unlink])
def test_the_ledger_and_the_study_are_written_anew(damage: Callable[[Path], None], folder: Path) -> None:
    damage(folder / layout.ledger(1))
    assert "ledger/00001.json" in check(folder).output
    assert check(folder, "--repair").exit_code == 0
    if damage is not flip:  # a flipped bit in a page that SQLite does not use is no harm
        damage(folder / "study.db")
        assert "study.db" in check(folder).output
        assert check(folder, "--repair").exit_code == 0


def test_a_study_that_says_something_else(folder: Path) -> None:
    finished = trial_with(folder, "finished")
    with sqlite3.connect(folder / "study.db") as connection:
        connection.execute("UPDATE trial_values SET value = 0.001")
    assert f"study.db trial {finished} has 0.001, by the records" in check(folder).output
    assert check(folder, "--repair").exit_code == 0


@pytest.mark.parametrize("damage", [truncate, empty, flip, Path.unlink])
def test_what_cannot_be_made_again_is_told(damage: Callable[[Path], None], folder: Path) -> None:
    number = trial_with(folder, "finished")
    (weights,) = (folder / "checkpoints" / f"{number:05d}").glob("snapshot-*.safetensors")
    picture = sorted((folder / "images" / f"{number:05d}").iterdir())[0]
    damage(weights)
    damage(picture)
    result = check(folder, "--repair")
    assert result.exit_code == 1
    assert str(weights.relative_to(folder)) in result.output
    assert str(picture.relative_to(folder)) in result.output


def test_rows_that_break_the_rules(folder: Path) -> None:
    """Written through the store, so with right digests: only the rules can see them."""
    store = Store(open_folder(folder), {"train.lr_g": "float", "train.lr_d": "float"})
    number = trial_with(folder, "finished")
    rows = store.part("metrics", number)
    store.replace("metrics", number, [*rows[:-1], rows[-1] | {"kimg": rows[0]["kimg"], "fid": float("nan")}])
    other = trial_with(folder, "stopped")
    entry = store.part("rungs", other)[0]
    store.replace("rungs", other, [entry | {"value": entry["value"] / 2}])
    output = check(folder).output
    store.replace("rungs", number, [])
    output += check(folder).output
    for words in (
        "has no entry there",
        "kimg does not grow",
        "fid at",
        "is no number",
        "was measured",
        "kimg is",
        "should be",
    ):
        assert words in output, output


def test_parts_that_a_lost_driver_had_no_time_for_are_written_before_anything_is_mended(folder: Path) -> None:
    """Else the ledger, which alone has the rows, would be written anew from the parts."""
    store = Store(open_folder(folder), {"train.lr_g": "float", "train.lr_d": "float"})
    number = trial_with(folder, "finished")
    whole = store.part("metrics", number)
    nothing = dict.fromkeys(("result", "result_se", "result_kimg"))
    store.replace("results", number, [])
    store.put_trial({"trial": number, "status": "interrupted", "best_value": 9.0, **nothing})
    ledger.write(store, number)
    store.replace("metrics", number, whole[:-1])
    told = check(folder).output
    assert f"trials/{number:05d}.parquet best_value is 9.0" in told
    assert f"metrics/{number:05d}" not in told
    check(folder, "--repair")
    assert "best_value" not in check(folder).output
    assert Store(open_folder(folder)).part("metrics", number) == whole
    assert (ledger.read(open_folder(folder), number) or {})["metrics"] == whole


def test_leftovers_of_killed_processes_go(folder: Path) -> None:
    number = trial_with(folder, "finished")
    left = [
        folder / "metrics" / ".00001.parquet.0123456789ab.tmp",
        folder / "checkpoints" / f"{number:05d}" / "000-000000000096-good.ckpt",
        folder / "trials" / "notes.txt",
    ]
    for path in left:
        path.write_bytes(b"x")
    output = check(folder).output
    assert all(str(path.relative_to(folder)) in output for path in left), output
    assert check(folder, "--repair").exit_code == 0
    assert not any(path.exists() for path in left)


@pytest.mark.parametrize("name", ["sweep.json", "spec.yaml"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"budget": 1}'])
def test_without_facts_or_spec_the_rest_is_checked_file_by_file(
    content: bytes, name: str, folder: Path
) -> None:
    """It is a fault as any other, with what to do; what is damaged beside it is told, and stays as it is."""
    (folder / name).write_bytes(content)
    part = folder / layout.part("metrics", 0)
    truncate(part)
    damaged = part.read_bytes()
    for options in ((), ("--repair",)):
        result = check(folder, *options)
        assert result.exit_code == 1
        assert f"{name} is broken: " in result.output
        assert "put a copy of it back" in result.output
        assert "metrics/00000.parquet is not a readable" in result.output
        assert "'small' has 2 faults" in result.output
    assert part.read_bytes() == damaged
    told = json.loads(check(folder, "--json").output)
    assert [one["path"] for one in told["findings"]] == [name, "metrics/00000.parquet"]


def test_a_spec_that_is_missing_is_a_fault(folder: Path) -> None:
    (folder / "spec.yaml").unlink()
    assert "spec.yaml is missing; it cannot be made again" in check(folder).output


def test_other_readers_see_a_sealed_part(finished: Path) -> None:
    part = next((finished / "metrics").iterdir())
    assert pq.read_table(part).num_rows >= 1
    assert b"sweep.sha256" in pq.ParquetFile(part).metadata.metadata
