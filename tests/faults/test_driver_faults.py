"""What a sweep survives when the process that drives it dies. Everything here really happens.

All runs are local: two runs of one spec give the same numbers, so that a disturbed one can be compared with one
that was left alone. (Workers that die: faults/test_ray_faults.py; nodes: runners/test_ray_cluster.py.)
"""

import json
import math
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.programs.sweep_process import Results
from helpers.sweeps.commands import RATE, small
from helpers.sweeps.disturbed import Start, check, records

from sweep.cli import cli
from sweep.records import retention

pytestmark = pytest.mark.slow

COMMITS = (
    *("metrics/", "trials/", "rungs/", "study.db", "samples/", "lease.json", "ledger/", ".ckpt"),
    *("snapshot-", "results/"),
)


def test_twelve_lost_drivers_change_nothing(
    start: Start, spec: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    """Killed twelve times: two at any moment, ten in the midst of writing a file, before or after its rename."""
    chance = random.Random(0)
    results, kills = Results(tmp_path, "small"), 0
    command: tuple[object, ...] = ("run", spec)
    moments = (
        *COMMITS[:3],
        None,
        *COMMITS[3:6],
        None,
        *COMMITS[6:],
    )  # at the end there might be no evaluation left
    for kill, write in enumerate(moments):
        fault = {"write": write, "when": chance.choice(["before", "after"]), "do": "kill"}
        fault |= {
            "nth": 1 if write in ("study.db", "lease.json", "results/") else chance.randint(1, 2),
            "mark": str(tmp_path / f"mark{kill}"),
        }
        with start(*command, faults=[fault] if write else ()) as run:
            if write is None:
                before = results.evaluations()
                run.until("an evaluation", lambda before=before: results.evaluations() > before)
                time.sleep(chance.random() / 4)
                run.kill()
            code = run.wait()
        kills += code == -signal.SIGKILL
        if (tmp_path / "small" / "sweep.json").exists():
            command = ("resume", "small")
    with start("resume", "small") as run:
        assert run.wait() == 0, run.text()
    assert kills >= 10, "the sweep ended before it could be killed"
    assert records(tmp_path) == undisturbed
    check(tmp_path, "--repair")  # half-written files of the killed ones
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("hurried", [False, True], ids=["with time", "in a hurry"])
def test_drivers_lost_between_two_checkpoints_change_nothing(
    hurried: bool, start: Start, spec: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    """No checkpoint but at a trial's end: what was evaluated is neither recorded nor decided twice.

    What a driver in a hurry has not written into the parts, the next one finds in the ledger.
    """
    moments = (
        # When the first trial was promoted, and has been evaluated.
        ("ledger/00000" if hurried else "metrics/", "after", 7 if hurried else 2),
        ("rungs/", "before", 1),
        ("snapshot-", "after", 2),
        ("-history", "after", 3),
    )
    command: tuple[object, ...] = ("run", spec)
    way = {"saving": math.inf} | ({"SWEEP_HURRIED": "1"} if hurried else {})
    for write, when, nth in moments:
        fault = {
            "write": write,
            "when": when,
            "nth": nth,
            "do": "kill",
            "mark": str(tmp_path / write.strip("/-").replace("/", "-")),
        }
        with start(*command, faults=[fault], **way) as run:
            assert run.wait() == -signal.SIGKILL, run.text()
        if hurried and command[0] == "run":
            parts = [row for row in Results(tmp_path, "small").metrics() if row["trial"] == 0]
            assert [row["kimg"] for row in parts] == [0.032, 0.064]
            check(tmp_path)  # its third evaluation is in the ledger alone
        command = ("resume", "small")
    with start("resume", "small", **way) as run:
        assert run.wait() == 0, run.text()
    assert records(tmp_path) == undisturbed
    check(tmp_path, "--repair")  # half-written files of the killed ones
    assert len(list(tmp_path.rglob("*-history.json"))) <= retention.FURTHER


def test_a_polite_end_loses_nothing(
    start: Start, spec: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    """SIGTERM, as a batch system or a cloud sends it before it takes the machine away."""
    results = Results(tmp_path, "small")
    with start("run", spec) as run:
        run.until("evaluations", lambda: results.evaluations() >= 2)
        run.signal(signal.SIGTERM)
        assert run.wait() == 1
        assert "sweep resume small" in run.text()
        assert "Traceback" not in run.text()
    assert set(results.statuses()) <= {
        "finished",
        "stopped",
        "interrupted",
    }  # at its very end a trial has nothing left
    assert len(results.trials()) < 6
    check(tmp_path)
    with start("resume", "small") as run:
        assert run.wait() == 0, run.text()
    assert records(tmp_path) == undisturbed
    check(tmp_path)


@pytest.mark.parametrize(
    ("fault", "measured"),
    [
        ({"trial": 0, "result": "before"}, False),
        ({"trial": 0, "result": "after"}, False),
        ({"write": "results/", "when": "before"}, False),
        ({"write": "results/", "when": "after"}, True),
    ],
    ids=["measuring", "measured", "not-recorded", "half-recorded"],
)
def test_a_driver_lost_between_an_end_and_its_result(
    fault: dict[str, Any],
    measured: bool,
    start: Start,
    spec: Path,
    tmp_path: Path,
    undisturbed: dict[str, Any],
) -> None:
    results = Results(tmp_path, "small")
    with start("run", spec, faults=[fault | {"do": "kill"}]) as run:
        assert run.wait() == -signal.SIGKILL, run.text()
    row = results.trials()[0]
    assert row["status"] in ("finished", "stopped")
    assert row["result"] is None
    assert bool(results.results()) == measured
    told = CliRunner().invoke(cli, ["check", "small", "--storage", str(tmp_path), "--json"])
    assert json.loads(told.output)["unmeasured"] == ([] if measured else [0])
    with start("resume", "small") as run:
        assert run.wait() == 0, run.text()
    assert records(tmp_path) == undisturbed
    check(tmp_path, "--repair")  # half-written files of the killed one


def test_one_name_one_driver(start: Start, spec: Path, tmp_path: Path) -> None:
    results = Results(tmp_path, "small")
    with start("run", spec, "--set", "asha.max=100") as run:  # it must not end while others try
        run.until("an evaluation", lambda: results.evaluations() >= 1)
        for command in (("run", spec), ("resume", "small")):
            with start(*command) as second:
                assert second.wait() == 2
                assert f"pid {run.process.pid}" in second.text() or "there is a sweep named" in second.text()
        run.kill()
    with start("resume", "small", "--json") as run:
        run.until("the message", lambda: "taking over from pid" in run.text())
        run.kill()


TRANSLATOR = small(
    data={"count": 30, "style": "notionists"},
    photos={"source": "avatars", "style": "open-peeps", "count": 25},
    model={"family": "cyclegan", "width": 4, "blocks": 1, "latent_dim": 100},
    train={"loss": "lsgan", "lr_d": RATE, "augment_p": 0.3, "batch_size": 5},
    evaluate={"n_real": 16, "n_fake": 16},
    collapse={"enabled": False},
    search={"trials": 2},
    asha={"grace": 1, "reduction": 2, "max": 3},
)


def test_a_translator_loses_no_more(start: Start, tmp_path: Path) -> None:
    """Killed twice behind a checkpoint, which holds its pool of pictures, too; then the newest of them is torn."""
    spec, alone = tmp_path / "spec.yaml", tmp_path / "undisturbed"
    spec.write_text(TRANSLATOR)
    with start("run", spec, storage=alone) as run:
        assert run.wait() == 0, run.text()
    command: tuple[object, ...] = ("run", spec)
    for nth in (2, 3):
        fault = {
            "write": ".ckpt",
            "when": "after",
            "do": "kill",
            "nth": nth,
            "mark": str(tmp_path / f"mark{nth}"),
        }
        with start(*command, faults=[fault]) as run:
            assert run.wait() == -signal.SIGKILL, run.text()
        command = ("resume", "small")
    newest = sorted((tmp_path / "small" / "checkpoints").glob("*/*.ckpt"))[-1]
    newest.write_bytes(newest.read_bytes()[:1000])
    with start("resume", "small") as run:
        assert run.wait() == 0, run.text()
    assert records(tmp_path) == records(alone)
    check(tmp_path, "--repair")
