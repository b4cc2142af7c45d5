"""``sweep.json``: read and checked in one place, whoever wrote it."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.synthetic import make_sweep

from ganlib.errors import WorkError
from sweep.records.parts.sealed import seal, unseal
from sweep.records.sweep_info import NEEDED, PlannedRun, SweepInfo, foreign_columns
from sweep.storage.layout import part
from sweep.storage.local import LocalFolder


def read(tmp_path: Path, content: object, needed: tuple[str, ...] = ()) -> SweepInfo:
    folder = LocalFolder(tmp_path)
    folder.write("sweep.json", json.dumps(content).encode())
    return SweepInfo.read(folder, needed)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    info = SweepInfo(
        name="x",
        created=None,
        images=9,
        budget=3.0,
        interval=1.0,
        rungs=(1.0, 2.0),
        ladder=((1.0, 64),),
        plan=(PlannedRun(3, 7),),
        versions={"sweep": "0.2.0"},
    )
    info.write(LocalFolder(tmp_path))
    again = SweepInfo.read(LocalFolder(tmp_path))
    assert again == info
    assert again.schedule.comparisons == (1.0, 2.0)


def test_an_older_sweep_may_lack_anything_but_what_is_needed(tmp_path: Path) -> None:
    info = read(tmp_path, {"created": 1740819600, "schema": 1})
    assert info.metric == "kid"
    assert info.created is not None
    assert info.plan is None
    with pytest.raises(
        WorkError, match=r"sweep.json' is broken: it does not say images, data_hash, budget, trials"
    ):
        read(tmp_path, {}, NEEDED)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1], "is broken"),
        ({"images": "many"}, "images: "),
        ({"rungs": [1.0, "x"]}, "rungs.1: "),
        ({"ladder": [[1.0]]}, "ladder.0"),
        ({"floor": [{"n_fake": 3}]}, "floor.0"),
    ],
)
def test_what_is_no_fact_is_named(content: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(WorkError, match=r"sweep.json' is broken") as broken:
        read(tmp_path, content)
    assert words in str(broken.value)


@pytest.mark.parametrize(
    "command",
    ["resume faces", "extend faces --trials 1", "confirm faces", "check faces", "check faces --repair"],
)
def test_going_on_with_the_records_of_another_version_is_refused(command: str, tmp_path: Path) -> None:
    """Their columns are others, so that rows could be neither merged nor compared."""
    versions = {"versions": {"sweep": "0.1.0"}}
    sweep = make_sweep(tmp_path, trials=3, name="faces", pictures=False, info=versions)
    for number in range(3):
        table = unseal(sweep.folder.read(part("trials", number))).read()
        older = table.drop_columns(["best_n_fake"]).append_column("stage", pa.array([1]))
        sweep.folder.write(part("trials", number), seal(older))
    result = run(*command.split(), "--storage", str(tmp_path))
    assert result.exit_code == 2, result.output
    assert "'faces' was begun with sweep 0.1.0" in result.output
    assert "trials.best_n_fake, trials.stage" in result.output
    for reader in ("show faces", "best faces", "ls"):
        assert run(*reader.split(), "--storage", str(tmp_path)).exit_code == 0


def test_an_older_version_with_the_same_columns_goes_on(tmp_path: Path) -> None:
    older = {"versions": {"sweep": "0.1.0"}}
    sweep = make_sweep(tmp_path, trials=3, name="faces", pictures=False, info=older)
    assert foreign_columns(sweep.folder) == []
    sweep.info.check_columns(sweep.store)
