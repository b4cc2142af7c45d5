"""What a sweep survives: Ctrl-C, `kill -9` of its driver, `kill -9` of its workers."""

import os
import signal
from pathlib import Path

import pytest
from sweep_process import Results, SweepProcess, write_spec

pytestmark = pytest.mark.slow

TRIALS, EPOCHS = 3, 16


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "sweep-cache"


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spec(tmp_path_factory.mktemp("spec") / "small.yaml", TRIALS, EPOCHS)


@pytest.fixture(scope="module")
def undisturbed(spec: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The same sweep, run without a fault."""
    storage = tmp_path_factory.mktemp("undisturbed")
    with SweepProcess("run", spec, "--local", "--storage", storage, cache=cache, log=storage / "log") as run:
        assert run.wait() == 0, run.text()
    results = Results(storage, "small")
    assert results.statuses() == ["finished"] * TRIALS
    assert results.evaluations() == TRIALS * EPOCHS
    return results


class Faults:
    """One sweep through all its runs."""

    def __init__(self, cache: Path, storage: Path) -> None:
        self.cache, self.storage = cache, storage
        self.results = Results(storage, "small")

    def run(self, *arguments: object) -> SweepProcess:
        log = self.storage / f"{arguments[0]}-{len(list(self.storage.glob('*.log')))}.log"
        return SweepProcess(*arguments, "--storage", self.storage, cache=self.cache, log=log)

    def in_the_middle(self) -> int | None:
        """How many evaluations there are, once a trial has ended and another is on its way."""
        trials = self.results.trials().values()
        under_way = [row for row in trials if row["status"] == "running" and row["kimg"] > 0]
        ended = [row for row in trials if row["status"] == "finished"]
        return self.results.evaluations() if under_way and ended else None

    def check_interrupted(self) -> None:
        trials = self.results.trials()
        assert {row["status"] for row in trials.values()} == {"finished", "interrupted"}
        for trial, row in trials.items():
            assert bool(self.results.checkpoints(trial)) == (row["status"] == "interrupted")


@pytest.fixture
def faults(cache: Path, tmp_path: Path) -> Faults:
    return Faults(cache, tmp_path)


def check_complete(results: Results, undisturbed: Results) -> None:
    """Everything is on record once, with the numbers that an undisturbed run gives."""
    assert results.statuses() == ["finished"] * TRIALS
    params = {trial: row["params"] for trial, row in undisturbed.trials().items()}
    assert {trial: row["params"] for trial, row in results.trials().items()} == params
    assert results.numbers() == undisturbed.numbers()


def test_local_sweep_is_interrupted_and_resumed(faults: Faults, undisturbed: Results, spec: Path) -> None:
    with faults.run("run", spec, "--local") as run:
        run.until("the middle", faults.in_the_middle)
        run.signal(signal.SIGINT)
        assert run.wait() == 1
        assert "sweep resume small" in run.text()
        assert "Traceback" not in run.text()
    faults.check_interrupted()
    before = faults.results.numbers()
    with faults.run("resume", "small", "--local") as run:
        assert run.wait() == 0, run.text()
    after = faults.results.trials()
    assert before.items() <= faults.results.numbers().items()
    assert sorted(row["attempt"] for row in after.values()) == [0, 0, 1]
    check_complete(faults.results, undisturbed)


@pytest.mark.ray
def test_sweep_outlives_ctrl_c_and_the_loss_of_its_driver_and_workers(
    faults: Faults, undisturbed: Results, spec: Path
) -> None:
    with faults.run("run", spec) as run:
        run.until("the middle", faults.in_the_middle)
        run.signal(signal.SIGINT)
        assert run.wait() == 1, run.text()
        assert "Traceback" not in run.text()
    faults.check_interrupted()
    on_record = faults.results.numbers()

    with faults.run("resume", "small") as run:
        run.until("a new evaluation", lambda: faults.results.evaluations() > len(on_record))
        run.kill()
    assert "running" in faults.results.statuses()
    assert on_record.items() <= faults.results.numbers().items()
    on_record = faults.results.numbers()

    with faults.run("resume", "small") as run:
        run.until("a new evaluation", lambda: faults.results.evaluations() > len(on_record))
        before = faults.results.trials()
        for worker in run.workers():
            os.kill(worker, signal.SIGKILL)
        run.until("a restart", lambda: faults.results.events("restart"))
        assert on_record.items() <= faults.results.numbers().items()
        assert run.wait() == 0, run.text()
        assert "taking over" in run.text()
    for event in faults.results.events("restart"):
        trial = event["trial"]
        assert faults.results.trials()[trial]["attempt"] > before[trial]["attempt"]
    check_complete(faults.results, undisturbed)
