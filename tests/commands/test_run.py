"""What a run says before its first trial."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.sweeps.commands import TINY, draw, run

from ganlib.errors import RequestError
from sweep.commands.before import prepare_pictures
from sweep.commands.run import preflight
from sweep.records.datasets import Store
from sweep.spec.specification import parse
from sweep.storage.local import LocalFolder
from sweep.storage.opening import open_folder
from sweep.terminal.views import view_for


def test_notes_of_the_workers_are_said(capsys: Any) -> None:
    note = "Tesla T4 does not multiply bfloat16 in hardware"
    runner: Any = SimpleNamespace(preflight=lambda *_: {"notes": [note], "device": "Tesla T4"}, job="job")
    named: list[str] = []
    here = SimpleNamespace(url="here")
    owner: Any = SimpleNamespace(folder=here, lease=SimpleNamespace(owner="me"), drives=named.append)
    images: Any = type("Images", (), {"hash": "abc", "__len__": lambda self: 64})()
    preflight(runner, parse(TINY), images, owner, view_for(False))
    assert f"note: {note}" in "".join(capsys.readouterr())
    assert named == ["job"]


def test_the_address_is_looked_at_before_pictures_are_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pack(*_: object) -> None:
        raise AssertionError("pictures were packed")

    monkeypatch.setattr("sweep.commands.run.prepare_pictures", pack)
    (tmp_path / "spec.yaml").write_text(TINY)
    told = run("run", tmp_path / "spec.yaml", "--address", "127.0.0.1:1", "--storage", tmp_path / "runs")
    assert told.exit_code == 2
    assert "no Ray cluster answers at '127.0.0.1:1'" in told.output + told.stderr
    assert not (tmp_path / "runs").exists()


def test_a_start_that_is_cut_off_anywhere_is_made_good_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each file that is written before the first trial; what is told of the pictures is told once."""
    monkeypatch.setattr("sweep.commands.run.drive", lambda *_: 0)
    (draw(tmp_path / "faces", 64) / "broken.png").write_bytes(b"")
    (tmp_path / "spec.yaml").write_text(TINY)
    write, place = LocalFolder.write, open_folder(tmp_path / "runs")
    command = ["run", tmp_path / "spec.yaml", "--local", "--or-resume", "--storage", tmp_path / "runs"]
    command += ["--set", f"data.source={tmp_path / 'faces'}", "--set", "data.count=null"]
    command += ["--set", "data.max_skipped=0.1"]
    written: list[str] = []
    for number in range(100):
        done = 0

        def cut(self: LocalFolder, path: str, data: bytes, number: int = number) -> None:
            nonlocal done
            write(self, path, data)
            done += self.url.startswith(str(tmp_path / "runs"))
            if done == number + 1:
                written.append(path)
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(LocalFolder, "write", cut)
            first = run(*command, "--name", f"cut{number}")
        if first.exit_code == 0:
            break
        again = run(*command, "--name", f"cut{number}")
        assert again.exit_code == 0, (written[-1], again.output)
        events = Store(place / f"cut{number}").rows("events")
        assert [event["kind"] for event in events] == ["skipped_file"], written[-1]
    assert {"spec.yaml", "trials/sweep.parquet", "rungs/sweep.parquet", "sweep.json"} <= set(written)


@pytest.mark.parametrize("resumed", [False, True])
def test_a_runner_is_opened_for_as_many_trials_as_there_are(
    resumed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grid has as many as it has cells, whatever ``search.trials`` is by default."""
    opened: list[int | None] = []

    def runner_for(spec: Any, options: Any, view: Any, trials: int | None) -> Any:
        opened.append(trials)
        raise RequestError("no further")

    grid = TINY.replace(
        "type: float, low: 0.0001, high: 0.001", "type: categorical, choices: [0.001, 0.002, 0.003]"
    )
    assert grid != TINY
    (tmp_path / "spec.yaml").write_text(grid)
    command = ["run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path / "runs"]
    command += ["--set", "search.sampler=grid", "--set", "search.trials=16"]
    if resumed:
        with monkeypatch.context() as patch:
            patch.setattr("sweep.commands.run.drive", lambda *_: 1)
            assert run(*command).exit_code == 1
        command = ["resume", "tiny", "--local", "--storage", tmp_path / "runs"]
    monkeypatch.setattr("sweep.commands.run.runner_for", runner_for)
    assert "no further" in run(*command).output
    assert opened == [3]


def test_pictures_that_were_damaged_in_the_cache_are_not_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    said: list[str] = []
    sets = prepare_pictures(parse(TINY), said.append)
    pictures = np.array(sets.drawings.pictures)
    data = bytearray(sets.drawings.path.read_bytes())
    data[-5] ^= 128
    sets.drawings.path.write_bytes(data)
    assert not any("damaged" in line for line in said)
    again = prepare_pictures(parse(TINY), said.append)
    assert f"warning: {sets.drawings.path} was damaged; preparing it again" in said
    assert (again.drawings.pictures == pictures).all()
