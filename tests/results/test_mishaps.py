"""What went wrong while a sweep ran is told: each cause once, with its traceback, and damaged checkpoints."""

import json
from pathlib import Path

from click.testing import CliRunner
from helpers.sweeps.commands import run
from helpers.sweeps.reports import page_of
from helpers.sweeps.synthetic import make_sweep

from sweep.cli import cli
from sweep.records.datasets import Store
from sweep.results.mishaps import damaged_checkpoints, mishaps, otherwise

TRACEBACK = """Traceback (most recent call last):
  File "ganlib/steps/adversarial.py", line {line}, in step
    loss.backward()
RuntimeError: {words}
"""


def failure(kind: str, trial: int, words: str, line: int = 7) -> dict:
    detail = {"reason": f"RuntimeError: {words}", "kind": "error"}
    detail |= {"traceback": TRACEBACK.format(words=words, line=line)}
    return {"kind": kind, "trial": trial, "attempt": 0, "kimg": 1.0, "detail": json.dumps(detail)}


def test_a_cause_is_told_once_however_often_it_came() -> None:
    events = [
        failure("restart", 3, "tensor 17 is bad"),
        failure("failure", 3, "tensor 18 is bad"),
        failure("restart", 1, "no kernel", line=90),
        {"kind": "restart", "trial": 2, "detail": json.dumps({"reason": "killed", "kind": "died"})},
        {"kind": "restart", "trial": 4, "detail": json.dumps({"reason": "killed", "kind": "died"})},
        {"kind": "restart", "trial": 4, "detail": json.dumps({"reason": "killed", "kind": "died"})},
        {"kind": "collapse", "trial": 5, "detail": json.dumps({"reason": "flat"})},
    ]
    found = mishaps(events)
    assert [(one.reason, one.trials, one.given_up) for one in found] == [
        ("killed", [2, 4, 4], 0),
        ("RuntimeError: tensor 18 is bad", [3, 3], 1),
        ("RuntimeError: no kernel", [1], 0),
    ]
    assert found[0].traceback == ""
    assert "tensor 18" in found[1].traceback


def test_show_and_the_report_tell_it(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, trials=3, name="bad", pictures=False)
    store = Store(sweep.folder)
    for event in (failure("restart", 1, "no <kernel>\x1b[31m"), failure("failure", 1, "no <kernel>\x1b[31m")):
        store.add("events", {**event, "detail": json.loads(event["detail"])})
    damage = {"path": "checkpoints/00001/000-1.ckpt", "reason": "it does not match its digest"}
    store.add("events", {"kind": "damaged_checkpoint", "trial": 1, "attempt": 1, "detail": damage})
    moved = {"reason": "the checkpoint at 12.8 kimg is of another kind of device than cpu"}
    store.add("events", {"kind": "reseeded", "trial": 2, "attempt": 1, "detail": moved})
    for trial in (0, 1):
        reason = {"reason": "operation not permitted when stream is capturing"}
        store.add("events", {"kind": "eager", "trial": trial, "attempt": 0, "detail": reason})
    shown = CliRunner().invoke(cli, ["show", "bad", "--storage", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "workers gave up 2 times (trial 1; 1 trial given up): RuntimeError: no <kernel>" in shown.output
    assert shown.output.count('File "ganlib/steps/adversarial.py", line 7, in step') == 1
    assert "damaged: checkpoints/00001/000-1.ckpt: it does not match its digest" in shown.output
    assert (
        "reseeded: trial 2: the checkpoint at 12.8 kimg is of another kind of device than cpu" in shown.output
    )
    assert "eager: trials 0-1: operation not permitted when stream is capturing" in shown.output
    assert "\x1b" not in shown.output
    words = page_of(sweep).words()
    assert "loss.backward()" in words
    assert "it does not match its digest" in words
    assert "is of another kind of device than cpu" in words


def test_nothing_is_told_where_nothing_went_wrong(tmp_path: Path) -> None:
    make_sweep(tmp_path, trials=2, name="good", pictures=False)
    shown = run("show", "good", "--storage", str(tmp_path))
    assert "gave up" not in shown.output
    assert "damaged" not in shown.output
    assert "reseeded" not in shown.output
    assert damaged_checkpoints([]) == otherwise([]) == []
    assert mishaps([]) == []
