"""`sweep cache`: what can be made again is listed with its size and users, and cleared by kind."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from filelock import FileLock
from helpers.sweeps.commands import draw, fine, run
from helpers.sweeps.synthetic import make_sweep

from ganlib.config import DataConfig
from ganlib.data import prepare
from ganlib.domains import kit
from ganlib.domains.sets import TrainingSets
from ganlib.metrics.cache import load_or_compute
from sweep.cli import cli
from sweep.cli.keeping.cache import KINDS
from sweep.commands.keeping import cached
from sweep.records.catalog import Sweep
from sweep.storage.lease import Owner


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with something of every kind: two sets of pictures, features of the first, and what nobody knows."""
    place = tmp_path / "cache"
    monkeypatch.setenv("SWEEP_CACHE", str(place))
    for name, count in (("first", 6), ("second", 5)):
        pictures = draw(tmp_path / name, count)
        images = prepare(DataConfig(source=str(pictures), size=32), workers=1)
        kit.write(TrainingSets(images))
        if name == "first":
            identity = {"data": images.hash, "extractor": "pixels@32", "n_real": 6}
            load_or_compute(place, identity, lambda: {"x": np.zeros(3)})
            info = {"data_hash": images.hash}
    for path in (
        "buckets/0123/faces/a.png",
        "weights/w.pth",
        "drivers/far.log",
        "ready/host-1.json",
        "mine.txt",
    ):
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(b"x" * 100)
    make_sweep(tmp_path / "runs", trials=1, pictures=False, info=info)
    return place


@pytest.fixture
def storage(cache: Path, tmp_path: Path) -> Path:
    return tmp_path / "runs"


def listed(storage: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(fine("cache", "--json", "--storage", storage))["entries"]
    return entries


def left(cache: Path) -> set[str]:
    return {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}


def test_everything_is_listed_once(cache: Path, storage: Path) -> None:
    entries = listed(storage)
    assert sum(entry["bytes"] for entry in entries) == sum(
        (cache / name).stat().st_size for name in left(cache)
    )
    kinds = [entry["kind"] for entry in entries]
    assert {kind: kinds.count(kind) for kind in cached.KINDS} == {
        "pictures": 2,
        "features": 1,
        "buckets": 1,
        "weights": 1,
        "logs": 1,
        "other": 1,
    }
    used = {entry["what"]: entry["used_by"] for entry in entries}
    assert used["6 pictures of 32 px"] == used["pixels@32, 6 pictures"] == ["faces"]
    assert used["5 pictures of 32 px"] == []
    table = fine("cache", "--storage", storage)
    assert table.splitlines()[0].split() == ["kind", "size", "what", "written", "used", "by"]
    assert f" in {cache}: " in table.splitlines()[-1]


def test_the_command_names_the_kinds() -> None:
    assert KINDS == cached.CLEARED


def test_of_two_domains_both_are_known(tmp_path: Path, cache: Path) -> None:
    sets = [
        prepare(DataConfig(source=str(tmp_path / name), size=32), workers=1) for name in ("first", "second")
    ]
    both = TrainingSets(sets[0], sets[1])
    kit.write(both)
    sweep = make_sweep(tmp_path / "two", trials=1, pictures=False, info={"data_hash": both.hash})
    user = cached.User.of(sweep, cache)
    assert {one.hash for one in sets} <= user.hashes


def test_clearing_asks_and_takes_only_what_is_named(cache: Path, storage: Path) -> None:
    before = left(cache)
    refused = CliRunner().invoke(
        cli, ["cache", "--clear", "features", "--storage", str(storage)], input="n\n"
    )
    assert (refused.exit_code, left(cache)) == (1, before)
    told = fine("cache", "--clear", "features", "--clear", "logs", "--yes", "--storage", storage)
    assert told.splitlines()[-1].endswith(" freed")
    gone = before - left(cache)
    assert {name for name in gone if name.endswith((".safetensors", ".log"))} == gone - {
        name for name in gone if name.endswith(".lock")
    }
    assert "drivers/far.log" in gone
    fine("cache", "--clear", "all", "--yes", "--storage", storage)
    assert left(cache) == {"ready/host-1.json", "mine.txt"}
    assert "nothing of that kind" in fine("cache", "--clear", "all", "--yes", "--storage", storage)


def test_what_was_cleared_is_made_again(cache: Path, storage: Path, tmp_path: Path) -> None:
    config = DataConfig(source=str(tmp_path / "first"), size=32)
    before = prepare(config, workers=1)
    fine("cache", "--clear", "pictures", "--yes", "--storage", storage)
    assert not list(cache.rglob("*.npy"))
    assert prepare(config, workers=1).hash == before.hash


def test_only_what_nobody_uses(cache: Path, storage: Path) -> None:
    fine("cache", "--clear", "all", "--unused", "--yes", "--storage", storage)
    assert {entry["what"] for entry in listed(storage)} == {
        "6 pictures of 32 px",
        "pixels@32, 6 pictures",
        "2 files of another kind",
    }


def test_what_a_running_sweep_uses_stays(cache: Path, storage: Path) -> None:
    sweep: Sweep = make_sweep(storage, trials=1, pictures=False, info={"data_hash": listed_hash(storage)})
    with Owner(sweep.folder):
        told = fine("cache", "--clear", "pictures", "--clear", "features", "--yes", "--storage", storage)
    assert "stays: pictures, 6 pictures of 32 px: faces is running" in told
    assert "stays: features, pixels@32, 6 pictures: faces is running" in told
    assert len(list((cache / "data").glob("*.npy"))) == 1


def listed_hash(storage: Path) -> str:
    found: str = json.loads((storage / "faces" / "sweep.json").read_text())["data_hash"]
    return found


def test_what_a_process_is_making_stays(cache: Path, storage: Path) -> None:
    (features,) = cache.glob("*.safetensors")
    with FileLock(f"{features}.lock"):
        told = fine("cache", "--clear", "features", "--yes", "--storage", storage)
    assert "a process is making it" in told
    assert list(cache.glob("*.safetensors"))


def test_weights_that_a_process_fetches_stay(cache: Path, storage: Path) -> None:
    """Their lock is no thing of its own in the list."""
    before = listed(storage)
    (cache / "weights/w.pth.lock").touch()
    assert [entry["name"] for entry in listed(storage)] == [entry["name"] for entry in before]
    with FileLock(cache / "weights/w.pth.lock"):
        told = fine("cache", "--clear", "weights", "--yes", "--storage", storage)
    assert "a process is making it" in told
    assert (cache / "weights/w.pth").exists()


@pytest.mark.parametrize("arguments", [["--unused"], ["--json", "--clear", "all"]])
def test_what_does_not_go_together(arguments: list[str], storage: Path) -> None:
    assert run("cache", *arguments, "--storage", storage).exit_code == 2


def test_an_empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "none"))
    assert "nothing in" in fine("cache", "--storage", tmp_path)
