"""`sweep stop`: from any terminal or machine that sees the folder."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from helpers.programs.sweep_process import Results, SweepProcess
from helpers.sweeps.commands import RATE, run, small
from helpers.sweeps.synthetic import make_sweep

from ganlib.errors import RequestError
from sweep.commands import stop as stopping
from sweep.records.catalog import Sweep
from sweep.storage import layout, stop_request
from sweep.storage import lease as module
from sweep.storage.folder import Folder
from sweep.storage.lease import Lease, Owner, read
from sweep.storage.opening import open_folder

SPEC = small(
    data={"count": 128},
    train={"lr_d": RATE, "batch_size": 32, "kimg": 0.512},
    evaluate={"n_real": 64, "kid_subsets": 10, "kid_subset_size": 16},
    search={"trials": 6},
)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(stopping, "LOOK_SECONDS", 0.05)


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    made: Sweep = make_sweep(tmp_path, trials=2, pictures=False)
    return made


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """Signals to this process that mean a polite end."""
    got: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
    yield got
    signal.signal(signal.SIGTERM, before)


def until(condition: Callable[[], object]) -> None:
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def write(folder: Folder, lease: Lease) -> Lease:
    folder.write(layout.LEASE, json.dumps(asdict(lease)).encode())
    return lease


def test_a_running_sweep_stops_and_can_be_resumed(tmp_path: Path, cache: Path) -> None:
    spec, results = tmp_path / "small.yaml", Results(tmp_path, "small")
    spec.write_text(SPEC)
    with SweepProcess(
        "run", spec, "--local", "--storage", tmp_path, cache=cache, log=tmp_path / "log", OMP_NUM_THREADS="1"
    ) as process:
        process.until("an evaluation", lambda: results.evaluations() >= 1)
        told = run("stop", "--storage", tmp_path)
        assert told.exit_code == 0, told.output
        assert process.wait() == 1
        text = process.text()
    assert "is asked to stop" in told.output
    assert "'small' has stopped" in told.output
    assert "'sweep resume small --storage " in told.output
    assert "stopping ('sweep stop' of " in text
    assert "Traceback" not in text
    assert set(results.statuses()) <= {"finished", "interrupted"}
    assert not {layout.LEASE, layout.STOP} & {path.name for path in (tmp_path / "small").iterdir()}
    assert run("check", "small", "--storage", tmp_path).exit_code == 0
    again = run("stop", "small", "--storage", tmp_path)
    assert (again.exit_code, again.output[:20]) == (0, "nobody runs 'small':")


def test_a_sweep_whose_pictures_are_prepared_is_stopped_too(tmp_path: Path, signals: list[int]) -> None:
    folder = open_folder(tmp_path) / "faces"
    with Owner(folder):
        told = run("stop", "faces", "--storage", tmp_path, "--no-wait")
        assert told.exit_code == 0, told.output
        until(lambda: signals)
        time.sleep(0.2)
        assert signals == [signal.SIGTERM], "once"
    assert not (tmp_path / "faces").exists(), "what was refused leaves no folder"


def test_what_runs_inside_a_sweep_is_stopped_with_it(sweep: Sweep, signals: list[int]) -> None:
    with Owner(sweep.folder / layout.CONFIRMATION) as owner:
        told = run("stop", "--storage", Path(sweep.folder.url).parent, "--no-wait")
        assert told.exit_code == 0, told.output
        until(lambda: signals)
        assert "@" in owner.asked_by


def test_a_request_is_for_one_owner(sweep: Sweep, signals: list[int]) -> None:
    """What a dead driver did not see does not stop the next."""
    stop_request.ask(sweep.folder, "another")
    with Owner(sweep.folder) as owner:
        time.sleep(0.3)
        assert (signals, owner.asked_by) == ([], "")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"null", b'{"owner": 3}'])
def test_a_damaged_request_is_none(content: bytes, sweep: Sweep) -> None:
    sweep.folder.write(layout.STOP, content)
    assert stop_request.asked_by(sweep.folder, "mine") == ""


def test_nothing_is_lost_where_nobody_handles_signals_yet(sweep: Sweep) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    got: list[int] = []
    try:
        with Owner(sweep.folder) as owner:
            stop_request.ask(sweep.folder, owner.lease.owner)
            time.sleep(0.3)
            assert owner.asked_by == ""
            signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
            until(lambda: got)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_owner_on_another_machine_that_died_ends_the_waiting(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALE_SECONDS", 0.4)
    monkeypatch.setattr(module, "DOUBT_SECONDS", 0.1)
    write(sweep.folder, Lease("other", "far-away", 77, time.time()))
    told = run("stop", "faces", "--storage", Path(sweep.folder.url).parent)
    assert told.exit_code == 0, told.output
    assert "pid 77 on far-away" in told.output
    dead = run("stop", "faces", "--storage", Path(sweep.folder.url).parent)
    assert "nobody runs 'faces'" in dead.output


def test_which_one_is_said_where_several_run(tmp_path: Path) -> None:
    storage = open_folder(tmp_path)
    none = run("stop", "--storage", tmp_path)
    assert (none.exit_code, "no sweep runs in" in none.output) == (2, True)
    for name in ("one", "two"):
        folder = make_sweep(tmp_path, 1, name, pictures=False).folder
        write(folder, Lease(name, "far-away", 77, time.time()))
    several = run("stop", "--storage", tmp_path)
    assert several.exit_code == 2
    assert "(one, two): say which is to stop" in several.output
    assert run("stop", "three", "--storage", tmp_path).exit_code == 2
    assert not storage.exists("three")


def test_ctrl_c_ends_the_waiting_alone(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    held = write(sweep.folder, Lease("other", "far-away", 77, time.time()))
    monkeypatch.setattr(time, "sleep", interrupt)
    told = run("stop", "faces", "--storage", Path(sweep.folder.url).parent)
    assert told.exit_code == 1
    assert "'faces' stops all the same" in told.output
    assert read(sweep.folder) == held
    assert stop_request.asked_by(sweep.folder, "other")


def test_a_second_driver_is_refused_while_one_stops(sweep: Sweep, signals: list[int]) -> None:
    with Owner(sweep.folder) as owner:
        stop_request.ask(sweep.folder, owner.lease.owner)
        until(lambda: signals)
        with pytest.raises(RequestError, match="another process runs this sweep"), Owner(sweep.folder):
            pass
