"""How a run ends whose last acts meet something."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.sweeps.directing import make

from ganlib.errors import WorkError
from sweep.commands import run
from sweep.storage import layout
from sweep.storage.lease import Owner
from sweep.storage.local import LocalFolder


@pytest.mark.parametrize("broken", ["abandon", "settle", "runner", "nothing"])
def test_each_last_act_is_done_whatever_the_others_meet(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is written, and the terminal given back."""
    folder, done = LocalFolder(tmp_path / "sweep"), list[str]()

    def act(name: str) -> None:
        done.append(name)
        if name == broken:
            raise WorkError("the storage is away")

    director = make(folder, trials=1)
    monkeypatch.setattr(director, "abandon", lambda: act("abandon"))
    monkeypatch.setattr(run.timed, "settle", lambda director: act("settle"))
    runner = SimpleNamespace(run=lambda director, beat: act("runner"))
    view = SimpleNamespace(open=lambda *_: None, say=lambda line: None, close=lambda: act("view"))
    with Owner(folder) as owner:
        if broken == "nothing":
            assert run.train(director, runner, owner, view) >= 0.0  # type: ignore[arg-type]
        else:
            with pytest.raises(WorkError, match="the storage is away"):
                run.train(director, runner, owner, view)  # type: ignore[arg-type]
    assert done == ["runner", "abandon", "settle", "view"]
    assert folder.exists(layout.PROGRESS)
