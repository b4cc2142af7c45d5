"""What the tests of lost drivers and bad disks share."""

from pathlib import Path
from typing import Any

import pytest
from helpers.programs.sweep_process import SweepProcess
from helpers.sweeps.disturbed import SPEC, Start, records


@pytest.fixture(scope="session")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "small.yaml"
    path.write_text(SPEC)
    return path


@pytest.fixture
def start(tmp_path: Path, cache: Path) -> Start:
    def start(*arguments: object, storage: Path = tmp_path, **options: Any) -> SweepProcess:
        log = tmp_path / f"{len(list(tmp_path.glob('*.log')))}.log"
        # Trials of a second have a checkpoint at each evaluation, as trials of hours do.
        options = {"saving": 0.0, "OMP_NUM_THREADS": "1"} | options
        return SweepProcess(*arguments, "--local", "--storage", storage, cache=cache, log=log, **options)

    return start


@pytest.fixture(scope="session")
def undisturbed(spec: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    storage = tmp_path_factory.mktemp("undisturbed")
    with SweepProcess(
        "run", spec, "--local", "--storage", storage, cache=cache, log=storage / "log", OMP_NUM_THREADS="1"
    ) as run:
        assert run.wait() == 0, run.text()
    found = records(storage)
    assert {"finished", "stopped"} == {row["status"] for row in found["trials"]}
    assert [row["trial"] for row in found["results"]] == list(range(6))
    return found
