"""Sweeps on simulated hosts: a cluster of machines whose links, disks, clocks and processes fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.hosts import PORT, Hosts, hosts
from helpers.sweep_process import Results, SweepProcess, check_whole, undisturbed, write_spec

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.hosts]

TRIALS, EPOCHS = 4, 24
PACE = "1.0"


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_spec(tmp_path_factory.mktemp("spec") / "small.yaml", TRIALS, EPOCHS)
    path.write_text(path.read_text().replace("max_concurrent: 2", "max_concurrent: 3"))
    return path


@pytest.fixture(scope="module")
def expected(spec: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    return undisturbed(spec, cache, tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """A head and two workers: clocks ten minutes apart, and one of the workers with a slow disk."""
    with hosts() as made:
        head = made.add("head", SWEEP_PACE=PACE)
        made.start_ray(head)
        one = made.add("one", SWEEP_PACE=PACE, SWEEP_CLOCK="600")
        two = made.add("two", SWEEP_PACE=PACE, SWEEP_CLOCK="-600")
        made.start_ray(one, two)
        yield made


def test_a(cluster: Hosts, spec: Path, tmp_path: Path, expected: Results) -> None:
    head, one, two = cluster.all.values()
    results = Results(tmp_path, "small")
    where = ("--address", f"{head.address}:{PORT}", "--storage", tmp_path)
    with SweepProcess(
        "run", spec, *where, cache=head.folder / "cache", log=tmp_path / "run.log", prefix=head.within(), **head.environ
    ) as run:
        run.until("work", lambda: one.workers() and two.workers())
        assert run.wait() == 0, run.text()
    assert results.numbers() == expected.numbers()
    assert results.results() == expected.results()
    check_whole(tmp_path)
