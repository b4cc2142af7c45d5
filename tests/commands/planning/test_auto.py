"""Where a spec leaves the GPU of a trial to the machine, a number stands there before anything is measured or run."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from commands.planning.test_forecast import COSTS
from helpers.sweeps.commands import TINY, draw, fine, run

from ganlib.errors import WorkError
from sweep.cli.running import run as running
from sweep.commands import run as commands
from sweep.commands.folder.asked import Asked
from sweep.commands.folder.pictures import spec_of
from sweep.commands.planning import costs
from sweep.commands.planning.costs import Costs
from sweep.spec.specification import Spec

AUTO = TINY + "resources: {gpu: auto}\nasha: {grace: 1}\n"


class StartedError(Exception):
    """The sweep would run."""


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The GPUs of the specs that were measured, without measuring."""
    seen: list[float] = []

    def measure(spec: Spec, *_: Any, **__: Any) -> Costs:
        seen.append(spec.resources.gpus)
        return replace(COSTS, memory_there=4 * COSTS.memory)

    monkeypatch.setattr(costs, "measure", measure)
    return seen


@pytest.mark.parametrize("gpu", [False, True])
def test_pictures_are_fitted_into_a_time(
    gpu: bool, measured: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The main command on a machine with a GPU: what is chosen for pictures leaves it to the machine."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    folder = draw(tmp_path / "pictures", 64)
    spec, text = spec_of(Asked(str(folder), "faces", (), "", 900.0, True, time.monotonic()), print)
    assert ("gpu: auto" in text) == gpu
    assert measured[0] == float(gpu)
    assert measured[-1] == spec.resources.gpus == (0.5 if gpu else 0.0)


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--time", "30m"),
        ("run", "--local"),
        ("run", "--or-resume"),
        ("run", "--time", "30m", "--or-resume"),
        ("run", "--dry-run"),
        ("plan",),
        ("plan", "--budget", "1h"),
    ],
)
def test_every_command_that_takes_a_spec(
    gpu: bool,
    arguments: tuple[str, ...],
    measured: list[float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[Spec] = []

    def prepare(spec: Spec, *_: object) -> None:
        started.append(spec)
        raise StartedError

    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(commands, "prepare_pictures", prepare)
    (tmp_path / "spec.yaml").write_text(AUTO)
    command, *options = arguments
    where = ("--storage", tmp_path / "runs") if command == "run" else ()
    try:
        done = run(command, tmp_path / "spec.yaml", *options, *where)
    except AssertionError as error:
        assert isinstance(error.args[0], StartedError), error
    else:
        assert done.exit_code == 0, done.output
    assert all(spec.resources.gpus == (0.5 if gpu else 0.0) for spec in started)
    assert bool(started) == (command == "run" and "--dry-run" not in options)
    assert measured or not gpu


def test_a_number_on_record_is_gone_on_with(tmp_path: Path) -> None:
    """What was measured then might come to something else on the machine where a job system repeats the command."""
    (tmp_path / "spec.yaml").write_text(TINY)
    command = ["run", tmp_path / "spec.yaml", "--local", "--or-resume", "--storage", tmp_path]
    fine(*command, "--set", "resources.gpu=0.25")
    assert "has finished" in fine(*command, "--set", "resources.gpu=auto")


def test_a_cluster_is_not_handed_what_it_cannot_measure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handed(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(running.detaching, "detach", handed)
    (tmp_path / "spec.yaml").write_text(AUTO)
    refused = run("run", tmp_path / "spec.yaml", "--detach", "--address", "ray.example:6379")
    assert refused.exit_code == 2, refused.output
    assert "give a number" in refused.output


def test_a_gpu_that_is_too_old_for_what_is_installed_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size and network are then those for a processor."""

    def measure(spec: Spec, *_: Any, **__: Any) -> Costs:
        if spec.resources.gpus:
            raise WorkError("CUDA error: no kernel image is available for execution on the device")
        return COSTS

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(costs, "measure", measure)
    said: list[str] = []
    asked = Asked(str(draw(tmp_path / "pictures", 64)), "faces", (), "", 900.0, True, time.monotonic())
    spec, text = spec_of(asked, said.append)
    assert (spec.resources.gpu, spec.data.size) == (0, 32)
    assert "gpu: auto" not in text
    assert "resources.gpu is auto: 0, because the PyTorch that is installed computes nothing on" in "".join(
        said
    )


def test_what_fails_there_otherwise_says_what_can_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(*_: Any, **__: Any) -> Costs:
        raise WorkError("CUDA error: all CUDA-capable devices are busy or unavailable")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(costs, "measure", measure)
    (tmp_path / "spec.yaml").write_text(AUTO)
    failed = run("run", tmp_path / "spec.yaml", "--local", "--storage", tmp_path / "runs")
    assert failed.exit_code == 1
    assert "busy or unavailable; --set resources.gpu=0 trains on the processor" in failed.output


def test_a_dry_run_that_measures_nothing_measures_nothing(
    measured: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    (tmp_path / "spec.yaml").write_text(AUTO)
    shown = run("run", tmp_path / "spec.yaml", "--dry-run", "--no-measure")
    assert shown.exit_code == 0, shown.output
    assert "resources.gpu is auto: 1, because nothing is measured" in shown.stderr
    assert not measured


def test_what_is_not_there_is_told_before_anything_is_measured(
    measured: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    (tmp_path / "spec.yaml").write_text(AUTO)
    for options in (("--time", "30m"), (), ("--dry-run",)):
        refused = run("run", tmp_path / "spec.yaml", "--set", "data.source=nowhere", *options)
        assert refused.exit_code == 2, refused.output
        assert "there is no folder 'nowhere'" in refused.output
    assert not measured
