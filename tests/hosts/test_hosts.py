"""Sweeps on simulated hosts: a cluster of machines whose links, disks, clocks and processes fail."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.programs.fake_s3 import serving
from helpers.programs.hosts import PORT, Host, Hosts, hosts
from helpers.programs.sweep_process import Results, SweepProcess, check_whole, undisturbed, write_spec

from sweep.cli import cli

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.hosts]

TRIALS, FEW, EPOCHS = 4, 2, 12
"""How many trials the sweep in the shared folder has, and that in the bucket, and the evaluations of each."""
CUT_SECONDS = 60.0
PREEMPTED = "preempted"


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spec(tmp_path_factory.mktemp("spec") / "small.yaml", TRIALS, EPOCHS)


@pytest.fixture
def bridge(keys: None) -> Iterator[Hosts]:
    with hosts() as made:
        yield made


def sweep(host: Host, *words: object, log: Path) -> SweepProcess:
    prefix = host.within(log.parent)
    return SweepProcess(*words, cache=host.folder / "cache", log=log, prefix=prefix, **host.environ)


def places(*sweeps: Results) -> list[str]:
    """Where trials run, as far as they have had an evaluation there."""
    rows = [row for results in sweeps for row in results.trials().values()]
    return [row["node"] for row in rows if row["status"] == "running" and row["node"]]


def reasons(kind: str, *sweeps: Results) -> list[str]:
    return [json.loads(event["detail"])["reason"] for results in sweeps for event in results.events(kind)]


def told(*words: object) -> str:
    """What a command says that only reads."""
    done = CliRunner().invoke(cli, [*map(str, words)])
    assert done.exit_code == 0, done.output
    return done.output


def test_two_sweeps_outlive_what_happens_to_their_hosts(
    bridge: Hosts, spec: Path, cache: Path, tmp_path: Path
) -> None:
    """One in a shared folder, one in a bucket. Of three workers one is drained, one is cut off for a minute, comes back
    as a new one and then loses its raylet; the driver is killed, and the sweep goes on from the third.
    """
    runs, pace = tmp_path / "runs", tmp_path / "pace"
    runs.mkdir()
    pace.touch()
    lasting = {"SWEEP_PACE": f"30:{pace}"}
    # Ten minutes apart; wherever the driver goes, the clock there is behind.
    head = bridge.add("head", SWEEP_CLOCK="600", **lasting)
    bridge.start_ray(head)
    workers = [
        bridge.add("one", SWEEP_SLOW=f"0.1:{runs}", **lasting),
        bridge.add("two", **lasting),
        bridge.add("three", SWEEP_CLOCK="-600", **lasting),
    ]
    bridge.start_ray(*workers)
    with serving(bridge.address) as bucket:
        folder, store = Results(runs, "small"), Results(bucket.url, "small")
        address = ("--address", f"{head.address}:{PORT}")
        few = ("--set", f"search.trials={FEW}", "--set", "resources.max_concurrent=1")
        first = sweep(head, "run", spec, *address, "--storage", runs, log=tmp_path / "run.log")
        other = sweep(head, "run", spec, *address, *few, "--storage", bucket.url, log=tmp_path / "bucket.log")
        with other, first as run:
            run.until("work on all hosts", lambda: len({*places(folder, store)}) == 3)
            cut = bridge.all[places(store)[0]]
            drained, last = (host for host in workers if host is not cut)

            leaving = drained.leave()
            run.until("a trial that leaves", lambda: reasons(PREEMPTED, folder))
            assert leaving.wait() == 0, drained.said()

            cut.cut()
            begun = time.monotonic()
            other.until("the loss of a host", lambda: reasons(PREEMPTED, store))
            time.sleep(max(0.0, CUT_SECONDS - (time.monotonic() - begun)))
            cut.mend()
            bridge.start_ray(cut)

            run.kill()
            recorded = folder.numbers()
            resumed = sweep(last, "resume", "small", *address, "--storage", runs, log=tmp_path / "resume.log")
            with resumed as run:
                run.until("work of the new driver", lambda: folder.evaluations() > len(recorded))
                run.until("work on the host that came back", cut.workers)
                moved = len(reasons(PREEMPTED, folder, store))
                os.kill(cut.raylet(), signal.SIGKILL)
                run.until("its loss", lambda: len(reasons(PREEMPTED, folder, store)) > moved)
                pace.unlink()
                assert run.wait() == 0, run.text()
            assert other.wait() == 0, other.text()
        assert re.search(r"taking over from pid \d+ on head, which is gone", resumed.text())
        expected = undisturbed(spec, cache, tmp_path / "undisturbed")
        assert len(expected.numbers()) == TRIALS * EPOCHS
        for results, trials in ((folder, TRIALS), (store, FEW)):
            same(results, expected, trials)
        assert recorded.items() <= folder.numbers().items()
        check_whole(runs)
        told("check", "small", "--storage", bucket.url, "--repair")
        for place in (runs, bucket.url):
            look(place)


def same(results: Results, expected: Results, trials: int) -> None:
    """Nothing is lost, nothing doubled, and all numbers are those of a run that was left alone."""

    def of_these(found: dict[Any, Any], number: Callable[[Any], int]) -> dict[Any, Any]:
        return {key: value for key, value in found.items() if number(key) < trials}

    assert results.numbers() == of_these(expected.numbers(), lambda key: key[0])
    assert results.results() == of_these(expected.results(), lambda key: key)
    rows = results.trials().values()
    assert [row["status"] for row in rows] == ["finished"] * trials
    assert all(row["failures"] == 0 for row in rows), "machines went, and no trial failed"
    assert all(row["started"] <= row["ended"] for row in rows)
    for kind in ("restart", "failure", "unfit_node"):
        assert not results.events(kind)
    assert all(
        any(name in reason for name in ("one", "two", "three")) for reason in reasons(PREEMPTED, results)
    )


def look(place: object) -> None:
    """Who looks sees no time that goes back, and which machines it was."""
    seconds = durations(json.loads(told("show", "small", "--storage", place, "--json")))
    assert seconds
    assert min(seconds) >= 0.0
    for row in Results(place, "small").trials().values():
        assert row["node"] in ("one", "two", "three")


def durations(shown: Any, name: str = "") -> list[float]:
    """All numbers of seconds in what a command says as JSON."""
    if isinstance(shown, dict):
        return [one for key, value in shown.items() for one in durations(value, key)]
    if isinstance(shown, list):
        return [one for value in shown for one in durations(value, name)]
    timed = name.startswith(("seconds", "elapsed")) and isinstance(shown, int | float)
    return [float(shown)] if timed else []
