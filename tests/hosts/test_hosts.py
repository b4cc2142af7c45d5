"""Sweeps on simulated hosts: a cluster of machines whose links, disks, clocks and processes fail."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.fake_s3 import serving
from helpers.hosts import PORT, Host, Hosts, hosts
from helpers.sweep_process import Results, SweepProcess, check_whole, undisturbed, write_spec

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.hosts]

TRIALS, EPOCHS = 8, 16
CUT_SECONDS = 60.0


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_spec(tmp_path_factory.mktemp("spec") / "small.yaml", TRIALS, EPOCHS)
    path.write_text(path.read_text().replace("max_concurrent: 2", "max_concurrent: 3"))
    return path


@pytest.fixture(scope="module")
def expected(spec: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    return undisturbed(spec, cache, tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def bridge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with hosts() as made:
        yield made


def sweep(host: Host, *words: object, log: Path) -> SweepProcess:
    return SweepProcess(
        *words, cache=host.folder / "cache", log=log, prefix=host.within(log.parent), **host.environ
    )


def places(results: Results) -> set[str]:
    """Where trials run that have said so."""
    return {row["node"] for row in results.trials().values() if row["status"] == "running" and row["node"]}


def gone(results: Results, host: Host) -> bool:
    return any(host.name in event["detail"] for event in results.events("preempted"))


def test_two_sweeps_outlive_what_happens_to_their_hosts(
    bridge: Hosts, spec: Path, tmp_path: Path, expected: Results
) -> None:
    (tmp_path / "runs").mkdir()
    (pace := tmp_path / "pace").touch()
    slow = {"SWEEP_PACE": f"8:{pace}"}
    head = bridge.add("head", **slow)
    bridge.start_ray(head)
    one = bridge.add("one", SWEEP_CLOCK="600", SWEEP_SLOW=f"0.2:{tmp_path / 'runs'}", **slow)
    two = bridge.add("two", SWEEP_CLOCK="-600", **slow)
    bridge.start_ray(one, two)
    address = ("--address", f"{head.address}:{PORT}")
    begun = time.monotonic()

    def say(*words: object) -> None:
        with open("/tmp/hosts/said", "a") as f:
            print(f"{time.monotonic() - begun:6.1f}", *words, flush=True, file=f)

    with serving(bridge.address) as bucket:
        folder, store = Results(tmp_path / "runs", "small"), Results(bucket.url, "small")
        ours = ("--storage", tmp_path / "runs")
        with (
            sweep(head, "run", spec, *address, *ours, log=tmp_path / "folder.log") as run,
            sweep(head, "run", spec, *address, "--storage", bucket.url, log=tmp_path / "bucket.log") as other,
        ):
            run.until("work", lambda: {"one", "two"} <= places(folder))
            say("folder at work", places(folder))
            other.until("work", lambda: {"one", "two"} <= places(store))
            say("store at work", places(store))
            one.cut()
            cut = time.monotonic()
            run.until("the loss of a machine", lambda: gone(folder, one))
            say("folder lost one", time.monotonic() - cut)
            other.until("the loss of a machine", lambda: gone(store, one))
            say("store lost one", time.monotonic() - cut)
            time.sleep(max(0, CUT_SECONDS - (time.monotonic() - cut)))
            one.mend()
            say("mended")
            run.kill()
            say("killed")
            recorded = folder.numbers()
            with sweep(two, "resume", "small", *address, *ours, log=tmp_path / "resume.log") as run:
                run.until("taking over", lambda: "taking over" in run.text())
                say("taking over", run.text())
                run.until("new work", lambda: folder.evaluations() > len(recorded))
                say("new work")
                pace.unlink()
                assert run.wait() == 0, run.text()
                say("folder done")
            assert other.wait() == 0, other.text()
            say("store done")
        for results in (folder, store):
            assert results.numbers() == expected.numbers()
            assert results.results() == expected.results()
        check_whole(tmp_path / "runs", "--repair")
