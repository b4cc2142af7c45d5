"""Looking on: what is new is told once, in order, and nothing is written."""

import json
import sys
from pathlib import Path

import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.synthetic import KINDS, make_sweep

from sweep.commands import watch as watching
from sweep.commands.watch import Watched
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.storage.lease import Owner


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    """Two trials that have ended."""
    made = make_sweep(tmp_path, trials=2, pictures=False)
    store = Store(made.folder, KINDS)
    for row in store.rows("trials"):
        store.put_trial({"trial": row["trial"], "params": json.dumps({"train.loss": "bce"})})
    return made


def told(watched: Watched) -> list[tuple[str, int]]:
    return [(event.kind, event.trial.number) for event in watched.refresh() if event.trial]


def test_what_is_new_is_told_once(sweep: Sweep) -> None:
    watched = Watched(sweep)
    states = [row["status"] for row in sweep.store.rows("trials")]
    # Of the past, only where each trial is now, and its result.
    assert told(watched) == [(states[0], 0), ("result", 0), (states[1], 1), ("result", 1)]
    assert told(watched) == []
    assert watched.complete
    store = Store(sweep.folder, KINDS)
    store.put_trial({"trial": 2, "status": "running", "params": "{}", "seed": 1})
    assert told(watched) == [("start", 2)]
    assert not watched.complete
    row = {"trial": 2, "attempt": 0, "kid": 0.5, "seconds_train": 1.0, "seconds_eval": 1.0}
    for kimg in (1.0, 2.0):
        store.add("metrics", row | {"kimg": kimg})
    assert told(watched) == [("evaluation", 2), ("evaluation", 2)]
    store.put_trial({"trial": 2, "attempt": 1, "status": "running"})
    assert told(watched) == [("start", 2)]
    store.put_trial({"trial": 2, "status": "collapsed", "verdict": "flat_image"})
    assert told(watched) == [("collapsed", 2)]
    assert watched.complete
    assert watched.trials[2].verdict == "flat_image"
    store.replace("results", 2, [{"trial": 2, "attempt": 1, "kimg": 2.0, "kid": 0.6, "seconds": 1.0}])
    assert told(watched) == [("result", 2)]
    assert told(watched) == []
    assert watched.trials[2].value == 0.6


def test_facts_that_change_are_read_again(sweep: Sweep) -> None:
    """The end of a sweep for a while says how many trials it has had: nobody is told to go on with it then."""
    facts = json.loads(sweep.folder.read("sweep.json"))
    sweep.folder.write("sweep.json", json.dumps(facts | {"trials": 5}).encode())
    watched = Watched(sweep.again())
    watched.refresh()
    assert not watched.complete
    sweep.folder.write("sweep.json", json.dumps(facts).encode())
    watched.refresh()
    assert watched.info.trials == 2
    assert watched.complete


def test_it_ends_with_the_sweep(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the driver lives it looks again; what was written last is shown."""
    owner = Owner(sweep.folder)
    owner.__enter__()
    looks = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            Store(sweep.folder, KINDS).put_trial(
                {"trial": 2, "status": "failed", "failure": "x", "params": "{}"}
            )
            owner.__exit__()

    monkeypatch.setattr(watching.time, "sleep", sleep)
    arguments = ["watch", "faces", "--storage", str(Path(sweep.folder.url).parent)]
    result = run(*arguments, "--json")
    assert result.exit_code == 0
    assert len(looks) == 2
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert (events[-1]["event"], events[-1]["trial"]) == ("failed", 2)


def test_a_sweep_that_nobody_runs(sweep: Sweep) -> None:
    store = Store(sweep.folder, KINDS)
    store.put_trial({"trial": 1, "status": "interrupted"})
    before = sorted(path for path in Path(sweep.folder.url).rglob("*"))
    result = run("watch", "--storage", str(Path(sweep.folder.url).parent))
    assert result.exit_code == 0, result.output
    assert "trial 0 " in result.stdout
    assert "go on with 'sweep resume faces --storage " in result.stdout
    assert sorted(path for path in Path(sweep.folder.url).rglob("*")) == before


def test_ctrl_c_ends_the_looking(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watching.time, "sleep", interrupt)
    with Owner(sweep.folder):
        result = run("watch", "--storage", str(Path(sweep.folder.url).parent))
        assert result.exit_code == 0
        assert "resume" not in result.output


def test_it_needs_neither_ray_nor_torch(sweep: Sweep) -> None:
    import subprocess

    script = (
        "import sys; from sweep.cli import cli; cli(sys.argv[1:], standalone_mode=False); "
        "print(sorted({'torch', 'ray', 'optuna'} & set(sys.modules)))"
    )
    arguments = ["watch", "--storage", str(Path(sweep.folder.url).parent)]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_finished_sweep_is_said_to_be_done_with_its_best(tmp_path: Path) -> None:
    """What ended before somebody looked has no time: only the sweep's clock is known, which is that of its end."""
    make_sweep(tmp_path, trials=3, pictures=False)
    result = run("watch", "faces", "--storage", tmp_path)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert any(line.startswith("trial 0 ") for line in lines)
    assert not any(line.startswith("[") for line in lines)
    assert any(line.startswith("best: trial ") for line in lines)
    assert any(line.startswith("3 trials in ") for line in lines)
    assert lines[-1].startswith("'faces' is done: ")
