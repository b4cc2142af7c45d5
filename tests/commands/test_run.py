"""What a run says before its first trial."""

from types import SimpleNamespace
from typing import Any

from helpers.commands import TINY

from sweep.commands.run import preflight
from sweep.spec.specification import parse
from sweep.terminal.views import view_for


def test_notes_of_the_workers_are_said(capsys: Any) -> None:
    note = "Tesla T4 does not multiply bfloat16 in hardware"
    runner: Any = SimpleNamespace(preflight=lambda *_: {"notes": [note], "device": "Tesla T4"})
    owner: Any = SimpleNamespace(folder=SimpleNamespace(url="here"), lease=SimpleNamespace(owner="me"))
    images: Any = type("Images", (), {"hash": "abc", "__len__": lambda self: 64})()
    preflight(runner, parse(TINY), images, owner, view_for(False))
    assert f"note: {note}" in "".join(capsys.readouterr())
