"""What a run says before its first trial."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.sweeps.commands import TINY, run

from sweep.commands.run import preflight
from sweep.spec.specification import parse
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
