"""Servers of trackers that remember what they are told."""

import re
import types
from typing import Any


class Recorder:
    """What MLflow and W&B hold: runs by their ids, each with its tags or settings, numbers and end."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}

    def run(self, key: str, **facts: Any) -> dict[str, Any]:
        return self.runs.setdefault(key, {"values": [], "params": {}, **facts})


class FakeMLflow:
    """`mlflow.MlflowClient`, as far as it is used; every client sees one server."""

    def __init__(self, server: Recorder) -> None:
        self.server = server
        self.experiments: dict[str, str] = {}

    def get_experiment_by_name(self, name: str) -> Any:
        known = self.experiments.get(name)
        return types.SimpleNamespace(experiment_id=known) if known else None

    def create_experiment(self, name: str) -> str:
        return self.experiments.setdefault(name, str(len(self.experiments)))

    def search_runs(self, experiments: list[str], filter_string: str, max_results: int) -> list[Any]:
        asked = dict(re.findall(r"tags\.(\w+) = '([^']*)'", filter_string))
        found = [k for k, run in self.server.runs.items() if asked.items() <= run["tags"].items()]
        return [types.SimpleNamespace(info=types.SimpleNamespace(run_id=key)) for key in found[:max_results]]

    def create_run(self, experiment: str, run_name: str, tags: dict[str, str]) -> Any:
        key = f"r{len(self.server.runs)}"
        self.server.run(key, tags=tags, status="RUNNING")
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id=key))

    def update_run(self, key: str, status: str) -> None:
        self.server.runs[key]["status"] = status

    def log_param(self, key: str, name: str, value: Any) -> None:
        assert self.server.runs[key]["params"].setdefault(name, value) == value

    def log_metric(self, key: str, name: str, value: float, step: int) -> None:
        assert self.server.runs[key]["status"] == "RUNNING"
        self.server.runs[key]["values"].append((name, value, step))

    def set_tag(self, key: str, name: str, value: str) -> None:
        self.server.runs[key]["tags"] |= {name: str(value)}

    def set_terminated(self, key: str, status: str) -> None:
        self.server.runs[key]["status"] = status


class FakeWandB:
    """`wandb`, as far as it is used."""

    def __init__(self, server: Recorder) -> None:
        self.server = server

    def init(self, **settings: Any) -> Any:
        run = self.server.run(settings["id"], settings=settings, params=settings["config"])
        run["status"] = "RUNNING"

        def log(values: dict[str, float], step: int) -> None:
            run["values"] += [(name, value, step) for name, value in values.items()]

        def finish(exit_code: int) -> None:
            run["status"] = {0: "FINISHED", 1: "FAILED"}[exit_code]

        return types.SimpleNamespace(summary={}, log=log, finish=finish)
