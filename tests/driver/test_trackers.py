"""Trackers: TensorBoard, MLflow and W&B are told of a sweep, also after a resume."""

import io
import json
import sys
import types
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.programs.trackers import FakeMLflow, FakeWandB, Recorder
from helpers.sweeps.commands import small

from ganlib.errors import RequestError
from sweep.cli import cli
from sweep.driver import trackers
from sweep.driver.events import Event
from sweep.driver.trackers import Tracking, check
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Status, Trial
from sweep.search.trial_source import PastTrial
from sweep.spec.specification import SpecError, parse
from sweep.storage.local import LocalFolder
from sweep.storage.opening import open_folder

SPEC = small(train={"epochs": 2}, collapse={"enabled": False})
FACES = SweepInfo(name="faces", created=datetime(2025, 5, 1, tzinfo=UTC))


def scalars(folder: Path) -> dict[str, list[int]]:
    """Tag to steps, of all event files of a trial."""
    from tensorboardX.event_file_writer import EventFileWriter  # noqa: F401 - the package is there
    from tensorboardX.proto.event_pb2 import Event as Record

    found: dict[str, list[int]] = {}
    for file in sorted(folder.iterdir()):
        data, at = file.read_bytes(), 0
        while at < len(data):  # length (8 bytes), its checksum (4), the record, its checksum (4)
            length = int.from_bytes(data[at : at + 8], "little")
            record = Record.FromString(data[at + 12 : at + 12 + length])
            for value in record.summary.value:
                found.setdefault(value.tag, []).append(record.step)
            at += length + 16
    return found


@pytest.mark.slow
def test_event_files_of_a_real_sweep(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    arguments = ["run", tmp_path / "spec.yaml", "--tensorboard", "--local", "--storage", tmp_path]
    result = CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    for trial in range(2):
        found = scalars(tmp_path / "small" / "tensorboard" / f"{trial:05d}")
        assert found["kid"] == found["loss_g"] == found["samples"] == [96, 192]
    assert parse((tmp_path / "small" / "spec.yaml").read_text()).track == ["tensorboard"]  # a resume goes on


def events() -> list[Event]:
    trial = Trial(0, {"train.lr_g": 0.5}, seed=7, attempt=0)
    told = [Event("start", trial)]
    row = {"kimg": 1.0, "kid": 0.3, "fid": 90.0, "loss_g": None, "seconds_train": 1.0, "seconds_eval": 1.0}
    trial.add(row | {"verdict": None, "kid_se": 0.01, "n_fake": 32})
    told.append(Event("evaluation", trial, row))
    return told


def end(trial: Trial, status: Status) -> list[Event]:
    """A trial ends, and then its result is there."""
    trial.status = status
    result = {"kid": 0.31, "kid_se": 0.01, "fid": 91.0, "kimg": 1.0, "n_fake": 32, "seconds": 1.0}
    return [Event(status, trial), Event("result", trial, result)]


@pytest.fixture(params=["mlflow", "wandb"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Recorder]:
    """The name of a tracker, and what its server holds."""
    recorder = Recorder()
    client = FakeMLflow(recorder)
    fakes: dict[str, Any] = {
        "mlflow": types.SimpleNamespace(MlflowClient=lambda: client),
        "wandb": FakeWandB(recorder),
    }
    monkeypatch.setitem(sys.modules, request.param, fakes[request.param])
    return request.param, recorder


def tell(tracker: str, folder: Path, info: SweepInfo, told: Iterable[Event]) -> None:
    """Tell a tracker of events as one process does, which must not fail."""
    tracking = Tracking([tracker], LocalFolder(folder), info, pytest.fail)
    for event in told:
        tracking.event(event)


def test_a_run_a_trial(server: tuple[str, Recorder], tmp_path: Path) -> None:
    tracker, recorder = server
    (start, evaluation) = events()
    assert start.trial is not None
    tell(tracker, tmp_path, FACES, (start, evaluation, *end(start.trial, Status.FINISHED)))
    (run,) = recorder.runs.values()
    assert run["params"] == {"seed": 7, "train.lr_g": 0.5}
    assert ("kid", 0.3, 1000) in run["values"]
    assert ("result_kid", 0.31, 1000) in run["values"]
    assert [name for name, *_ in run["values"]].count("kid") == 1
    assert run["status"] == "FINISHED"


def test_a_failed_trial_is_a_failed_run(server: tuple[str, Recorder], tmp_path: Path) -> None:
    tracker, recorder = server
    (start, evaluation) = events()
    assert start.trial is not None
    tell(tracker, tmp_path, FACES, (start, evaluation, *end(start.trial, Status.FAILED)))
    assert [run["status"] for run in recorder.runs.values()] == ["FAILED"]


def went_on() -> tuple[list[Event], list[Event]]:
    """What a process is told that dies, and what the one that goes on is told: only how the trial ended."""
    before, (again, _) = events(), events()
    trial = again.trial
    assert trial is not None
    row = {"kimg": 2.0, "kid": 0.2, "kid_se": 0.01, "fid": 80.0, "n_fake": 32, "verdict": None}
    trial.add(row | {"seconds_train": 1.0, "seconds_eval": 1.0})
    return before, end(trial, Status.FINISHED)


def test_a_resume_tells_how_a_trial_ended_that_it_never_started(
    server: tuple[str, Recorder], tmp_path: Path
) -> None:
    tracker, recorder = server
    before, after = went_on()
    tell(tracker, tmp_path, FACES, before)
    tell(tracker, tmp_path, FACES, after)
    (run,) = recorder.runs.values()
    assert {("kid", 0.2, 2000), ("result_kid", 0.31, 2000)} <= set(run["values"])
    assert run["status"] == "FINISHED"


def test_a_resume_tells_only_of_a_result(server: tuple[str, Recorder], tmp_path: Path) -> None:
    """Training had ended before, and the result was measured after the resume."""
    tracker, recorder = server
    before, (ended, result) = went_on()
    tell(tracker, tmp_path, FACES, [*before, ended])
    tell(tracker, tmp_path, FACES, [result])
    (run,) = recorder.runs.values()
    assert ("result_kid", 0.31, 2000) in run["values"]
    assert run["status"] == "FINISHED"


def test_event_files_after_a_resume(tmp_path: Path) -> None:
    before, after = went_on()
    tell("tensorboard", tmp_path, FACES, before)
    tell("tensorboard", tmp_path, FACES, after)
    found = scalars(tmp_path / "tensorboard" / "00000")
    assert 2000 in found["kid"]
    assert found["result_kid"] == [2000]


def test_what_does_not_end_a_trial_is_not_told_of_one_that_never_started(
    server: tuple[str, Recorder], tmp_path: Path
) -> None:
    tracker, recorder = server
    tell(tracker, tmp_path, FACES, [Event("restart", events()[0].trial, {"reason": "died"})])
    assert recorder.runs == {}


def test_another_sweep_of_a_name_gets_runs_of_its_own(server: tuple[str, Recorder], tmp_path: Path) -> None:
    tracker, recorder = server
    for info in (FACES, replace(FACES, created=datetime(2025, 5, 2, tzinfo=UTC))):
        (start, evaluation) = events()
        assert start.trial is not None
        for status in (Status.INTERRUPTED, Status.FINISHED):  # the second time it goes on
            start.trial.status = status
            tell(tracker, tmp_path, info, (start, evaluation, Event(status, start.trial)))
            start.trial.status = Status.RUNNING
    assert len(recorder.runs) == 2


def test_runs_in_a_real_mlflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv(
        "MLFLOW_ALLOW_FILE_STORE", "true"
    )  # or a database would have to be made, which is slow
    mlflow.set_tracking_uri(f"file://{tmp_path}/mlruns")
    for info in (FACES, replace(FACES, created=datetime(2025, 5, 2, tzinfo=UTC))):
        before, after = went_on()
        tell("mlflow", tmp_path, info, before)
        tell("mlflow", tmp_path, info, after)
    client = mlflow.MlflowClient()
    runs = client.search_runs([client.get_experiment_by_name("faces").experiment_id])
    assert len(runs) == 2
    for run in runs:
        assert run.info.status == "FINISHED"
        history = client.get_metric_history(run.info.run_id, "kid")
        assert [(one.value, one.step) for one in history] == [(0.3, 1000), (0.2, 2000)]
        assert run.data.metrics["result_kid"] == 0.31


def test_a_tracker_that_fails_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectionError("no network")

    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=refuse))
    said: list[str] = []
    tracking = Tracking(["wandb", "tensorboard"], LocalFolder(tmp_path), FACES, said.append)
    (start, evaluation) = events()
    assert start.trial is not None
    for event in (start, evaluation, *end(start.trial, Status.FINISHED)):
        tracking.event(event)
    assert said == ["warning: wandb failed (ConnectionError: no network); the sweep goes on without it"]
    assert scalars(tmp_path / "tensorboard" / "00000")["kid"] == [1000]


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    with pytest.raises(RequestError, match="track: mlflow is not installed here: pip install mlflow"):
        check(["mlflow"], LocalFolder(tmp_path))
    (tmp_path / "spec.yaml").write_text(SPEC + "track: [wandb]\n")
    result = CliRunner().invoke(
        cli, ["run", str(tmp_path / "spec.yaml"), "--storage", str(tmp_path / "runs")]
    )
    assert result.exit_code == 2
    assert "pip install wandb" in result.stderr
    assert not (tmp_path / "runs").exists()


def test_event_files_need_a_disk() -> None:
    with pytest.raises(RequestError, match="need a --storage on a disk"):
        check(["tensorboard"], open_folder("s3://bucket/runs?region=x"))


def test_the_key_of_a_spec() -> None:
    assert parse(SPEC).track == []
    spec = parse(SPEC + "track: [mlflow, wandb, mlflow]\n")
    assert spec.track == ["mlflow", "wandb"]
    assert parse(spec.to_yaml()).track == spec.track


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("mlflow", "must be a list of tensorboard, mlflow, wandb"),
        ("[mlfow]", "unknown tracker 'mlfow', did you mean 'mlflow'?"),
        ("[{a: 1}]", "unknown tracker"),
        ("[1]", "unknown tracker 1"),
        ("{mlflow: true}", "must be a list"),
    ],
)
def test_mistakes_in_the_key(value: str, says: str) -> None:
    with pytest.raises(SpecError) as raised:
        parse(SPEC + f"track: {value}\n")
    assert says in str(raised.value)


def test_the_study_opens_in_optuna_dashboard(tmp_path: Path) -> None:
    """What its pages ask its server for, answered from the file in a sweep's folder."""
    dashboard = pytest.importorskip("optuna_dashboard")
    import optuna

    from sweep.search.study import Study

    spec = parse(SPEC)
    study = Study.create(tmp_path / "study.db", spec.name, spec.space, spec.search)
    asked = study.ask()
    assert asked is not None
    study.tell(PastTrial(asked.number, asked.params, Status.FINISHED, 2.0, 0.25))
    study.close()
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path}/study.db")
    app = dashboard.wsgi(storage)

    def get(path: str) -> Any:
        status: list[str] = []
        environment: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "SERVER_NAME": "x",
            "SERVER_PORT": "80",
        }
        environment |= {"wsgi.url_scheme": "http", "wsgi.errors": sys.stderr, "wsgi.input": io.BytesIO()}
        body = b"".join(app(environment, lambda code, headers, *_: status.append(code)))
        assert status[0].startswith("200"), (path, status, body[:300])
        return json.loads(body)

    (summary,) = get("/api/studies")["study_summaries"]
    assert summary["study_name"] == "small"
    detail = get(f"/api/studies/{summary['study_id']}")
    (trial,) = detail["trials"]
    assert trial["state"] == "Complete"
    assert trial["values"] == [0.25]
    assert trial["intermediate_values"] == []  # only results stand in a study
