"""Who is believed to live: numbers of processes that come again, clocks that are behind, writes that come late."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.synthetic import make_sweep

from ganlib.errors import RequestError
from sweep.commands.keeping import removing
from sweep.commands.moved import move_pictures
from sweep.storage import layout, process, watching
from sweep.storage import lease as module
from sweep.storage.folder import Folder
from sweep.storage.lease import Lease, Owner, TakenOverError, read
from sweep.storage.local import LocalFolder
from sweep.storage.tenant import Tenant

NOBODY = 2**22 + 7
"""No process has such a number."""


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(module, "STALE_SECONDS", 0.6)
    monkeypatch.setattr(module, "DOUBT_SECONDS", 0.4)


def write(folder: Folder, lease: Lease) -> Lease:
    folder.write(layout.LEASE, json.dumps(asdict(lease)).encode())
    return lease


def mine(**other: object) -> Lease:
    """A lease of this very process, but for what is other."""
    here = {"place": process.place(), "begun": process.begun(os.getpid())}
    return replace(Lease("other", socket.gethostname(), os.getpid(), time.time(), **here), **other)  # type: ignore[arg-type]


@contextmanager
def beating(folder: Folder, lease: Lease) -> Iterator[None]:
    """Give signs of life by the clock of the lease."""
    ended = threading.Event()

    def beat() -> None:
        step = 0
        while not ended.wait(0.05):
            write(folder, replace(lease, beat=lease.beat + (step := step + 1) / 1000))

    write(folder, lease)
    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("pid", [NOBODY, os.getpid()], ids=["nobody", "own"])
@pytest.mark.parametrize("place", ["of another container", ""])
def test_a_number_of_another_place_says_nothing_even_of_a_host_of_this_name(
    pid: int, place: str, tmp_path: Path
) -> None:
    """A container with the host's network, a machine that was cloned, a lease of an older version."""
    folder, lease = LocalFolder(tmp_path), mine(pid=pid, place=place)
    with (
        beating(folder, lease),
        pytest.raises(RequestError, match="another process runs"),
        Owner(folder, lambda line: None),
    ):
        pass
    with Owner(folder, lambda line: None) as owner:
        assert owner.taken_over is not None


@pytest.mark.parametrize(
    ("other", "lives"),
    [({}, True), ({"begun": "77"}, False), ({"pid": NOBODY}, False), ({"begun": ""}, True)],
)
def test_a_number_that_came_again_is_another_process(
    other: dict[str, object], lives: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container whose driver has the number of the one that died, which is our own; nobody is waited for."""
    monkeypatch.setattr(module.time, "sleep", lambda seconds: pytest.fail("it is known at once"))
    assert process.begun(os.getpid()).isdigit()
    folder, lease = LocalFolder(tmp_path), mine(**other)
    write(folder, lease)
    assert lease.here
    if lives:
        with pytest.raises(RequestError, match="another process runs"), Owner(folder, lambda line: None):
            pass
    else:
        with Owner(folder, lambda line: None) as owner:
            assert owner.taken_over == lease


def test_a_lease_of_a_later_version_is_read(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    folder.write(layout.LEASE, json.dumps({**asdict(lease := mine()), "mood": "good"}).encode())
    assert read(folder) == lease


def test_a_write_that_was_on_its_way_robs_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lands on the lease of the one that has taken over; the old one is not sure until that one could answer."""
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(module, "SURE_SECONDS", 0.3)
    lands, hangs = threading.Event(), threading.Event()

    class Cut(LocalFolder):
        """A folder whose second write of the lease takes long."""

        writes = 0

        def write(self, path: str, data: bytes) -> None:
            """Write, at once or late."""
            Cut.writes += path == layout.LEASE
            if Cut.writes == 2:
                hangs.set()
                lands.wait()
            super().write(path, data)

    place = tmp_path / "sweep"
    with Owner(Cut(place)) as old:
        assert hangs.wait(10)
        monkeypatch.setattr(module.socket, "gethostname", lambda: "elsewhere")
        with Owner(LocalFolder(place), lambda line: None) as new:
            assert new.taken_over is not None
            assert new.lease.before == old.lease.owner
            lands.set()
            with pytest.raises(TakenOverError):
                old.held.write("records", b"old")
            new.held.write("records", b"new")
            time.sleep(0.4)
            new.check()
            found = read(LocalFolder(place))
            assert found is not None
            assert found.owner == new.lease.owner


@pytest.mark.parametrize("content", [None, b"{torn"])
def test_one_look_that_finds_no_lease_stops_nothing(content: bytes | None, tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)

    def look() -> bool:
        tenant._next = 0.0
        return tenant()

    def vanish() -> None:
        folder.delete(layout.LEASE) if content is None else folder.write(layout.LEASE, content)

    lease = write(folder, mine())
    tenant = Tenant(folder, lease.owner)
    vanish()
    assert not look()
    write(folder, lease)
    assert not look()
    vanish()
    assert not look(), "it was there in between"
    assert look()
    write(folder, replace(lease, owner="another"))
    tenant = Tenant(folder, lease.owner)
    assert look(), "another's is believed at once"
    write(folder, replace(lease, before="lost"))
    tenant = Tenant(folder, lease.owner)
    assert not look()
    write(folder, replace(lease, owner="lost"))
    assert not look(), "a write of the one from whom it was taken over was on its way"
    write(folder, replace(lease, owner="another"))
    assert look()


@pytest.mark.parametrize("command", ["rm", "check", "stop", "moved"])
def test_a_driver_whose_clock_is_behind_loses_nothing(command: str, tmp_path: Path) -> None:
    """Its signs of life look old, and still they are signs."""
    folder = make_sweep(tmp_path, 1, "faces", pictures=False).folder
    storage = ["--storage", tmp_path]
    doing: dict[str, Callable[[], object]] = {
        "rm": lambda: run("rm", "faces", "--yes", *storage),
        "check": lambda: run("check", "faces", "--repair", *storage),
        "stop": lambda: run("stop", "faces", "--no-wait", *storage),
        "moved": lambda: move_pictures(folder, ["data.source=elsewhere"], lambda line: None),
    }
    with beating(folder, Lease("other", "far-away", 77, time.time() - 100)):
        if command == "moved":
            with pytest.raises(RequestError, match="is running"):
                doing[command]()
        else:
            told = doing[command]()
            assert "pid 77 on far-away" in told.output  # type: ignore[attr-defined]
            assert told.exit_code == (0 if command == "stop" else 2)  # type: ignore[attr-defined]
        assert folder.exists(layout.INFO)
        assert folder.exists(layout.STOP) == (command == "stop")


def test_one_that_died_elsewhere_is_watched_and_one_that_died_here_is_not(tmp_path: Path) -> None:
    folder, said = LocalFolder(tmp_path), list[str]()
    write(folder, mine(pid=NOBODY))
    assert watching.watched([folder], said.append) == []
    assert said == []
    write(folder / layout.CONFIRMATION, Lease("other", "far-away", 77, time.time() - 100))
    assert watching.watched([folder], said.append) == []
    assert said == ["pid 77 on far-away may still run: waiting for a sign of life, 0 s at most"]
    write(folder, mine())
    assert [owner.pid for _, owner in watching.watched([folder], said.append)] == [os.getpid()]
    with beating(folder / layout.CONFIRMATION, Lease("other", "far-away", 77, time.time() - 100)):
        found = watching.watched([folder], said.append, every=True)
    assert [owner.pid for _, owner in found] == [os.getpid(), 77], "whoever is asked to stop, all are"


def test_the_one_that_runs_is_found_though_its_clock_is_behind(tmp_path: Path) -> None:
    folders = [make_sweep(tmp_path, 1, name, pictures=False).folder for name in ("faces", "cats")]
    write(folders[1], Lease("gone", "far-away", 78, time.time() - 100))
    with beating(folders[0] / layout.CONFIRMATION, Lease("other", "far-away", 77, time.time() - 100)):
        told = run("stop", "--no-wait", "--storage", tmp_path)
    assert told.exit_code == 0, told.output
    assert (folders[0] / layout.CONFIRMATION).exists(layout.STOP)
    assert not folders[1].exists(layout.STOP)


def test_who_begins_while_a_removal_asks_is_not_removed(tmp_path: Path) -> None:
    folder = make_sweep(tmp_path, 1, "faces", pictures=False).folder
    write(folder, mine(pid=NOBODY))
    found = removing.find(LocalFolder(tmp_path), "faces")
    late = write(folder, Lease("other", "far-away", 77, time.time() - 100))
    with pytest.raises(RequestError, match="pid 77"):
        removing.remove(found)
    assert folder.exists(layout.INFO)
    folder.delete(layout.LEASE)
    assert late.owner == "other"
    removing.remove(found)
    assert not folder.exists(layout.INFO)
