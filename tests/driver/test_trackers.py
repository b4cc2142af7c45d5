"""Telling other programs: what they get, and that none of them can hurt a sweep."""

import io
import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ganlib.errors import RequestError
from sweep.cli import cli
from sweep.driver import trackers
from sweep.driver.events import Event
from sweep.driver.trackers import Tracking, check
from sweep.records.trial_state import Status, Trial
from sweep.search.trial_source import PastTrial
from sweep.spec.specification import SpecError, parse
from sweep.storage.folder import Folder
from sweep.storage.local import LocalFolder

SPEC = """
name: small
data: {source: avatars, count: 96, size: 32}
model: {width: 8, latent_dim: 16}
train: {lr_g: {type: float, low: 1e-4, high: 2e-3, log: true}, batch_size: 16, epochs: 2}
evaluate: {every: 1, n_fake: 32, n_real: 48}
collapse: {enabled: false}
search: {trials: 2, seed: 3}
"""


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


def test_mlflow_gets_a_run_a_trial(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[tuple[str, tuple[Any, ...]]] = []

    class Client:
        def __getattr__(self, name: str) -> Any:
            def call(*arguments: Any, **named: Any) -> Any:
                calls.append((name, (*arguments, *named.values())))
                answers = {"get_experiment_by_name": None, "create_experiment": "3", "search_runs": []}
                run = types.SimpleNamespace(info=types.SimpleNamespace(run_id="r1"))
                return answers.get(name, run)

            return call

    monkeypatch.setitem(sys.modules, "mlflow", types.SimpleNamespace(MlflowClient=Client))
    said: list[str] = []
    tracking = Tracking(["mlflow"], LocalFolder(tmp_path), "faces", said.append)
    for event in (*events(), *end(events()[0].trial or pytest.fail("no trial"), Status.FINISHED)):
        tracking.event(event)
    assert said == []
    names = [name for name, _ in calls]
    assert names[:4] == ["get_experiment_by_name", "create_experiment", "search_runs", "create_run"]
    assert ("log_param", ("r1", "train.lr_g", 0.5)) in calls
    assert ("log_metric", ("r1", "kid", 0.3, 1000)) in calls
    assert ("log_metric", ("r1", "result_kid", 0.31, 1000)) in calls
    assert calls[-1] == ("set_terminated", ("r1", "FINISHED"))


def test_wandb_gets_a_run_a_trial(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    logged: list[Any] = []

    class Run:
        def __init__(self, **settings: Any) -> None:
            logged.append(settings)
            self.summary: dict[str, str] = {}

        def log(self, values: dict[str, float], step: int) -> None:
            logged.append((values.get("kid", values.get("result_kid")), step))

        def finish(self, exit_code: int) -> None:
            logged.append((self.summary, exit_code))

    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=Run))
    tracking = Tracking(["wandb"], LocalFolder(tmp_path), "faces", pytest.fail)
    (start, evaluation) = events()
    assert start.trial is not None
    for event in (start, evaluation, *end(start.trial, Status.FAILED)):
        tracking.event(event)
    assert logged[0]["project"] == "faces" and logged[0]["config"] == {"seed": 7, "train.lr_g": 0.5}
    assert logged[1:3] == [(0.3, 1000), (0.31, 1000)] and logged[-1] == ({"status": "failed"}, 1)


def test_a_tracker_that_fails_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectionError("no network")

    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=refuse))
    said: list[str] = []
    tracking = Tracking(["wandb", "tensorboard"], LocalFolder(tmp_path), "faces", said.append)
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
    assert result.exit_code == 2 and "pip install wandb" in result.stderr and not (tmp_path / "runs").exists()


def test_event_files_need_a_disk() -> None:
    with pytest.raises(RequestError, match="need a --storage on a disk"):
        check(["tensorboard"], Folder.open("s3://bucket/runs?region=x"))


def test_the_key_of_a_spec() -> None:
    assert parse(SPEC).track == []
    spec = parse(SPEC + "track: [mlflow, wandb, mlflow]\n")
    assert spec.track == ["mlflow", "wandb"] and parse(spec.to_yaml()).track == spec.track


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
    assert trial["state"] == "Complete" and trial["values"] == [0.25]
    assert trial["intermediate_values"] == []  # only results stand in a study
