"""`sweep rm`: whole sweeps go or stay, whatever interrupts it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.programs.fake_s3 import serving
from helpers.sweeps.commands import fine, run
from helpers.sweeps.synthetic import make_sweep

from ganlib import written
from ganlib.errors import RequestError, WorkError
from sweep.cli import cli
from sweep.commands.keeping.removing import find, remove
from sweep.commands.place import check_place
from sweep.records.catalog import find_sweeps
from sweep.spec.specification import parse
from sweep.storage import layout
from sweep.storage.folder import StorageError
from sweep.storage.lease import Owner
from sweep.storage.local import LocalFolder
from sweep.storage.opening import open_folder


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    make_sweep(tmp_path / "runs", trials=2, name="faces", pictures=False)
    make_sweep(tmp_path / "runs", trials=1, name="other", pictures=False)
    return tmp_path / "runs"


def answered(answer: str, *arguments: object) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], input=answer)
    assert "Traceback" not in result.output
    return result


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_it_asks_and_says_what_is_freed(storage: Path) -> None:
    before = files(storage)
    refused = answered("n\n", "rm", "faces", "--storage", storage)
    assert (refused.exit_code, files(storage)) == (1, before)
    assert "faces: 2 trials, " in refused.output
    assert "nothing was removed" in refused.output
    nobody = answered("", "rm", "faces", "--storage", storage)
    assert (nobody.exit_code, files(storage)) == (2, before)
    assert "--yes does not ask" in nobody.output
    done = answered("y\n", "rm", "faces", "--storage", storage)
    assert done.exit_code == 0
    assert "removed faces: " in done.output
    assert " freed" in done.output
    assert [path.name for path in storage.iterdir()] == ["other"]


def test_several_at_once_and_each_only_once(storage: Path) -> None:
    told = fine("rm", "faces", "other", storage / "faces", "--yes", "--storage", storage)
    assert told.count("removed ") == 2
    assert told.splitlines()[-1].endswith(" freed")
    assert list(storage.iterdir()) == []


def test_one_that_is_not_there_saves_all(storage: Path) -> None:
    result = run("rm", "faces", "facse", "--yes", "--storage", storage)
    assert result.exit_code == 2
    assert "no sweep 'facse'" in result.output
    assert (storage / "faces" / layout.INFO).exists()


@pytest.mark.parametrize("inside", ["", layout.CONFIRMATION, layout.CONTINUED])
def test_a_running_one_is_refused(inside: str, storage: Path) -> None:
    folder = open_folder(storage / "faces")
    (storage / "faces" / inside).mkdir(exist_ok=True)
    before = files(storage)
    with Owner(folder / inside if inside else folder):
        result = run("rm", "other", "faces", "--yes", "--storage", storage)
    assert result.exit_code == 2
    assert "nothing was removed: " in result.output
    assert "is running ('sweep stop faces --storage " in result.output
    assert [name for name in files(storage) if layout.LEASE not in name] == [
        name for name in before if name != f"faces/{inside}" or (storage / name).exists()
    ]


def test_one_whose_pictures_are_being_prepared_is_refused(storage: Path) -> None:
    with Owner(open_folder(storage / "young")):
        result = run("rm", "young", "--yes", "--storage", storage)
    assert result.exit_code == 2
    assert "is running" in result.output


def test_one_that_is_begun_meanwhile_stays(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = find(open_folder(storage), "faces")
    before = files(storage)
    with Owner(one.folder), pytest.raises(RequestError, match="is running"):
        remove(one)
    assert files(storage) == before


def test_what_is_left_of_an_interrupted_removal_is_no_sweep(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = open_folder(storage)
    real = LocalFolder.delete

    def fails(folder: LocalFolder, path: str) -> None:
        if path == "metrics":
            raise StorageError("the disk is gone")
        real(folder, path)

    monkeypatch.setattr(LocalFolder, "delete", fails)
    with pytest.raises(WorkError, match=r"removed in part.*'sweep rm faces --storage .*' removes the rest"):
        remove(find(place, "faces"))
    sweeps, problems = find_sweeps(place)
    assert [sweep.name for sweep in sweeps] == ["other"]
    assert [problem.partition(" --storage")[0] for problem in problems] == [
        "'faces' is half removed: 'sweep rm faces"
    ]
    assert written.is_sweep(storage / "faces")  # its pictures are none to learn from
    with pytest.raises(RequestError, match=r"'sweep rm faces --storage .*' ends it"):
        check_place(place / "faces", parse("train: {epochs: 1}\n"))
    monkeypatch.setattr(LocalFolder, "delete", real)
    assert "half removed" in fine("rm", "faces", "--yes", "--storage", storage)
    assert not (storage / "faces").exists()


def test_it_needs_no_room(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    for name in ("write", "create_exclusive"):
        monkeypatch.setattr(LocalFolder, name, full)
    fine("rm", "faces", "--yes", "--storage", storage)
    assert not (storage / "faces").exists()


def test_a_broken_one_can_go(storage: Path) -> None:
    (storage / "faces" / layout.INFO).write_text("{")
    fine("rm", "faces", "--yes", "--storage", storage)
    assert not (storage / "faces").exists()


def test_a_path_into_a_sweep_is_not_taken_for_all_of_it(storage: Path) -> None:
    for inner in ("trials", layout.CONFIRMATION, layout.INFO):
        if inner == layout.CONFIRMATION:
            (storage / "faces" / inner).mkdir()
        result = run("rm", storage / "faces" / inner, "--yes", "--storage", storage)
        assert result.exit_code == 2
        assert "lies in the sweep 'faces'" in result.output
    fine("rm", storage / "faces", "--yes")
    assert not (storage / "faces").exists()


def test_trials_that_were_trained_on_can_go_alone(storage: Path) -> None:
    make_sweep(storage / "faces", trials=1, name=layout.CONTINUED, pictures=False)
    fine("rm", "faces/continued", "--yes", "--storage", storage)
    assert not (storage / "faces" / layout.CONTINUED).exists()
    assert (storage / "faces" / layout.INFO).exists()


@pytest.mark.usefixtures("keys")
def test_in_a_bucket(storage: Path) -> None:
    with serving() as bucket:
        for path in storage.rglob("*"):
            if path.is_file():
                bucket.objects[f"runs/{path.relative_to(storage)}"] = path.read_bytes()
        fine("note", "faces", "to be kept", "--tag", "good", "--storage", bucket.url)
        assert json.loads(bucket.objects["runs/faces/note.json"]) == {"text": "to be kept", "tags": ["good"]}
        assert "to be kept" in fine("ls", "--tag", "good", "--storage", bucket.url)
        assert "removed other" in fine("rm", "other", "--yes", "--storage", bucket.url)
        assert not [name for name in bucket.objects if name.startswith("runs/other/")]
        assert "runs/faces/sweep.json" in bucket.objects
