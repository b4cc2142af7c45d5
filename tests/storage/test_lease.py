"""A driver on another machine: it is watched before it is refused, or taken over."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from ganlib.errors import RequestError
from sweep.storage import layout
from sweep.storage import lease as module
from sweep.storage.folder import Folder
from sweep.storage.lease import Fate, Lease, Owner, TakenOverError, read
from sweep.storage.opening import open_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(module, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(module, "STALE_SECONDS", 0.6)
    monkeypatch.setattr(module, "DOUBT_SECONDS", 0.3)
    return open_folder(tmp_path)


def write(folder: Folder, lease: Lease) -> Lease:
    folder.write(layout.LEASE, json.dumps(asdict(lease)).encode())
    return lease


def soon(change: Callable[[], object]) -> None:
    threading.Timer(0.1, change).start()


def test_one_that_is_never_heard_of_again_is_taken_over(folder: Folder) -> None:
    dead, said = write(folder, Lease("other", "far-away", 77, time.time())), []
    with Owner(folder, said.append) as owner:
        assert owner.taken_over == dead
        found = read(folder)
        assert found is not None
        assert found.owner == owner.lease.owner
    assert said == [
        "pid 77 on far-away runs this sweep, if it still lives: waiting for its next sign of life, 1 s at most",
        "taking over from pid 77 on far-away, which is gone",
    ]
    assert read(folder) is None


def test_one_that_gives_a_sign_of_life_is_refused_at_once(folder: Folder) -> None:
    other = write(folder, Lease("other", "far-away", 77, time.time()))
    soon(lambda: write(folder, replace(other, beat=time.time() + 0.001)))
    with pytest.raises(RequestError, match="pid 77 on far-away"), Owner(folder, lambda line: None):
        pass
    assert read(folder) is not None, "its lease is left alone"


def test_one_that_ends_meanwhile_makes_room(folder: Folder) -> None:
    write(folder, Lease("other", "far-away", 77, time.time()))
    soon(lambda: folder.delete(layout.LEASE))
    with Owner(folder, lambda line: None) as owner:
        assert read(folder) == owner.lease


def test_another_one_that_was_quicker_is_refused(folder: Folder) -> None:
    write(folder, Lease("other", "far-away", 77, time.time()))
    soon(lambda: write(folder, Lease("third", "next-door", 5, time.time() + 60)))
    with pytest.raises(RequestError), Owner(folder, lambda line: None):
        pass


def test_nobody_waits_who_cannot_say_so(folder: Folder) -> None:
    write(folder, Lease("other", "far-away", 77, time.time()))
    with pytest.raises(RequestError, match="seen 0 s ago"), Owner(folder):
        pass


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_what_a_clock_says_is_not_believed(ahead: float, folder: Folder) -> None:
    """One that lives changes its sign, however old or new that looks; one that does not has died."""
    other = write(folder, Lease("other", "far-away", 77, time.time() + ahead))
    soon(lambda: write(folder, replace(other, beat=other.beat + 10)))
    with pytest.raises(RequestError, match="pid 77 on far-away"), Owner(folder, lambda line: None):
        pass
    write(folder, other)
    with Owner(folder, lambda line: None) as owner:
        assert owner.taken_over == other


def test_who_cannot_say_so_tells_of_a_clock_that_is_hours_ahead(folder: Folder) -> None:
    write(folder, Lease("other", "far-away", 77, time.time() + 3600))
    with pytest.raises(RequestError, match="comes from the future"), Owner(folder):
        pass


def test_what_was_refused_leaves_no_folder(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "runs") / "refused"
    with Owner(folder):
        assert (tmp_path / "runs" / "refused").exists()
    assert not (tmp_path / "runs" / "refused").exists()
    with Owner(folder):
        folder.write("a", b"x")
    assert folder.read("a") == b"x"


@pytest.mark.parametrize(("fate", "waits"), [(Fate.DEAD, 0.0), (Fate.LOST, 0.3), (Fate.UNKNOWN, 0.6)])
def test_one_whose_fate_is_known_is_not_waited_for(
    fate: Fate, waits: float, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray has seen its process end; or lost its whole machine, which may be cut off only and still write."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "time", lambda: 5000.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    other = write(folder, Lease("other", "far-away", 77, 5000.0, job="cluster/01000000"))
    asked: list[str] = []

    def fate_of(job: str) -> Fate:
        asked.append(job)
        return fate

    owner = Owner(folder, lambda line: None, fate_of)
    assert owner._lives(other, lambda line: None) is False
    assert set(asked) == {"cluster/01000000"}
    assert now[0] - 1000.0 == pytest.approx(waits, abs=0.05)


def test_who_lost_the_sweep_changes_nothing_in_it(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 1e6)
    with Owner(folder) as owner:
        below = owner.held / "metrics"
        below.write("a", b"mine")
        write(folder, Lease("other", "two", 77, time.time()))
        below.write("b", b"nobody has had the time to take over")
        monkeypatch.setattr(module, "SURE_SECONDS", -1.0)
        for change in (
            lambda: below.write("a", b"theirs"),
            lambda: below.delete("a"),
            lambda: below.create_exclusive("c", b"theirs"),
            owner.check,
        ):
            with pytest.raises(TakenOverError, match="pid 77 on two has taken this sweep over"):
                change()
        owner.stop()
        assert below.read("a") == b"mine"
        assert below.names() == ["a", "b"]
    found = read(folder)
    assert found is not None
    assert (found.owner, found.stopping) == ("other", False)
