"""How Ray is asked for the processes of a preflight; Ray itself is not started."""

import math
import os
from pathlib import Path
from typing import Any

import pytest

from ganlib.errors import RequestError, WorkError
from sweep.runners import ray_cluster, ray_environment
from sweep.runners.nodes import preflight as ray_preflight
from sweep.runners.nodes import ready
from sweep.runners.nodes.ready import try_out
from sweep.runners.ray_tune import resources_of
from sweep.runners.ray_worker import TRIAL, UNFIT


class FakeRay:
    """Stands in for `ray.remote`, and notes the options of every task."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def __call__(self, **options: Any) -> Any:
        self.asked.append(options)

        class Task:
            @staticmethod
            def remote(*arguments: object) -> dict[str, Any]:
                options["arguments"] = arguments
                return {"device": "one", "notes": ["slow"]}

        return lambda function: Task


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    fake = FakeRay()
    nodes = [{"NodeID": f"{number:056x}", "NodeManagerHostname": f"node-{number}"} for number in range(2)]
    monkeypatch.setattr(ray_preflight, "fitting_nodes", lambda *_: nodes)
    monkeypatch.setattr(ray_preflight, "with_room", lambda able, gpu, cpu: able)
    monkeypatch.setattr(ray_preflight.ray, "remote", fake)
    monkeypatch.setattr(ray_preflight.ray, "get", lambda task: task)
    monkeypatch.setattr(ray_preflight.ray, "wait", lambda tasks, **_: (tasks, []))
    monkeypatch.setattr(ray_preflight, "forget_begun", ignore)
    return fake.asked


@pytest.mark.parametrize("gpu", [0.0, 0.25, 1.0])
def test_its_process_ends_with_the_preflight(gpu: float, asked: list[dict[str, Any]]) -> None:
    """Otherwise it would keep torch, and its part of the GPU's memory, for the whole sweep."""
    tried, _ = ray_preflight.preflight({}, "hash", "folder", "owner", gpu, 1.0, 1, (), print, ignore)
    assert (tried["device"], tried["notes"]) == ("one", ["slow"]), "what two nodes say alike is said once"
    assert [(one["num_gpus"], one["num_cpus"], one["max_calls"], one["max_retries"]) for one in asked] == [
        (gpu, 1.0, 1, 0)
    ] * 2
    assert [one["scheduling_strategy"].node_id for one in asked] == [f"{number:056x}" for number in range(2)]


@pytest.mark.parametrize(
    ("gpu", "whole", "limit"), [(0.25, True, 1.0), (0.25, False, 0.25), (0.0, True, 0.0)]
)
def test_it_may_use_as_much_of_a_gpu_as_a_process_of_trials(
    gpu: float, whole: bool, limit: float, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, lost = ray_preflight._outcome, [1, 1]
    # At first all nodes go away.
    monkeypatch.setattr(
        ray_preflight, "_outcome", lambda *given: {} if lost and lost.pop() else outcome(*given)
    )
    ray_preflight.preflight({}, "hash", "folder", "owner", gpu, 1.0, 1, (), print, ignore, whole)
    assert [(one["num_gpus"], one["arguments"][4]) for one in asked] == [(gpu, limit)] * 4


def test_its_environment_is_that_of_trials(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So both have the keys of the bucket, and where it is, where only the driver knows that."""
    known = {"AWS_ACCESS_KEY_ID": "key", "AWS_ENDPOINT_URL": "http://minio:9000", "AWS_REGION": "eu"}
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    from ray.tune.execution.class_cache import _ActorClassCache

    ray_environment.hand_on()
    with monkeypatch.context() as as_tune:
        as_tune.setattr(ray_preflight.ray, "remote", lambda runtime_env: lambda trainable: runtime_env)
        trials = _ActorClassCache().get(object)
    ray_preflight.preflight({}, "hash", "folder", "owner", 0.0, 1.0, 1, (), print, ignore)
    assert [one["runtime_env"] for one in asked] == [trials] * 2
    assert known.items() <= trials["env_vars"].items()


@pytest.mark.parametrize("named", ["here/cache", "~/cache", "/tmp/cache", "", None])
def test_a_cache_is_the_same_one_from_wherever_it_is_looked_for(
    named: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tune gives each trial a working directory of its own."""
    monkeypatch.setattr(
        os, "environ", {"HOME": str(tmp_path), **({} if named is None else {"SWEEP_CACHE": named})}
    )
    monkeypatch.chdir(tmp_path)
    ray_environment.prepare()
    expected = {"here/cache": f"{tmp_path}/here/cache", "~/cache": f"{tmp_path}/cache"}
    assert os.environ.get("SWEEP_CACHE") == expected.get(named or "", named)


def test_the_options_are_those_that_ray_takes() -> None:
    """`max_calls` cannot be given to ``.options()``: Ray would refuse it."""
    task = ray_preflight.ray.remote(num_cpus=1, num_gpus=0.25, max_calls=1, max_retries=0)(try_out)
    assert task._default_options["max_calls"] == 1
    with pytest.raises(ValueError, match="max_calls"):
        ray_preflight.ray.remote(try_out).options(num_gpus=0.25, max_calls=1)


# ---- nodes that are busy, or go ------------------------------------------------------------------------------


class Cluster:
    """Two nodes, of which those with a place say what they are told to say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.nodes = [{"NodeID": name, "NodeManagerHostname": name} for name in ("one", "two")]
        self.room, self.gone, self.tried, self.slept = {"one", "two"}, set[str](), list[str](), 0.0
        monkeypatch.setattr(ray_preflight, "fitting_nodes", lambda *_: list(self.nodes))
        monkeypatch.setattr(ray_preflight, "with_room", lambda able, gpu, cpu: self.with_room(able))
        monkeypatch.setattr(ray_preflight, "lost", lambda node: node if node in self.gone else "")
        monkeypatch.setattr(ray_preflight.time, "sleep", self.sleep)
        monkeypatch.setattr(ray_preflight.time, "monotonic", lambda: self.slept)
        monkeypatch.setattr(
            ready, "NodeAffinitySchedulingStrategy", lambda node, soft: setattr(self, "here", node)
        )
        monkeypatch.setattr(ray_preflight.ray, "remote", lambda **options: lambda function: self)
        monkeypatch.setattr(ray_preflight.ray, "get", self.get)
        monkeypatch.setattr(ray_preflight.ray, "wait", self.wait)
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.until, self.begun, self.cancelled = dict[str, float](), {"one", "two"}, list[str]()
        monkeypatch.setattr(ray_preflight.ray, "cancel", self.cancelled.append)
        names = iter(("one", "two", "one", "two"))
        monkeypatch.setattr(ray_preflight.secrets, "token_hex", lambda _: next(names))
        monkeypatch.setattr(ray_preflight, "has_begun", lambda name: name in self.begun)
        monkeypatch.setattr(ray_preflight, "forget_begun", ignore)

    def wait(self, tasks: list[str], num_returns: int, timeout: float) -> tuple[list[str], list[str]]:
        waiting = [task for task in tasks if self.until.get(task, 0.0) > self.slept]
        self.slept += timeout if waiting else 0.0
        assert self.slept < 1000, "it waits for ever"
        return [task for task in tasks if task not in waiting], waiting

    def with_room(self, able: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [node for node in able if node["NodeID"] in self.room]

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        if self.slept > 70:
            self.room = {"two"}

    def remote(self, *arguments: object) -> str:
        self.tried.append(self.here)
        return self.here

    def get(self, task: str) -> dict[str, Any]:
        if task in self.gone:
            self.nodes = [node for node in self.nodes if node["NodeID"] != task]
            self.room = {"two"}
            raise ray_preflight.ray.exceptions.NodeDiedError(f"{task} has died")
        return self.outcomes.get(task, {"device": task, "notes": []})


def ignore(*_: object) -> None:
    """Stand in for what is done between two looks at the nodes, and for what is forgotten after them."""


def tried(said: list[str]) -> dict[str, Any]:
    return ray_preflight.preflight({}, "hash", "folder", "owner", 0.5, 2.0, 1, (), said.append, ignore)[0]


def test_a_busy_node_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, said = Cluster(monkeypatch), list[str]()
    cluster.room = {"two"}
    found = tried(said)
    assert (found["device"], found["notes"]) == (
        "two",
        ["one is busy: it is tried out before its first trial"],
    )
    assert (cluster.tried, said) == (["two"], [])


def test_a_node_whose_gpus_are_held_in_parts_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two halves are no whole GPU, and Ray does not tell them from one: the task there never begins."""
    cluster, said = Cluster(monkeypatch), list[str]()
    cluster.until, cluster.begun = {"one": math.inf, "two": 3.0}, {"two"}
    found = tried(said)
    assert (found["device"], found["notes"]) == (
        "two",
        ["one is busy: it is tried out before its first trial"],
    )
    assert cluster.cancelled == ["one"]
    assert 3.0 + ray_preflight.BUSY_SECONDS <= cluster.slept <= 5.0 + ray_preflight.BUSY_SECONDS
    assert [line.rpartition(" (")[0] for line in said] == [
        "waiting for room on the cluster: a trial needs 2 CPU and 0.5 GPU, and others use one"
    ]


def test_a_node_that_takes_its_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It fetches pictures, say."""
    cluster, said = Cluster(monkeypatch), list[str]()
    cluster.until = {"one": 500.0}
    cluster.outcomes = {"one": {"unfit": "disk full", "code": 1}}
    assert tried(said)["notes"] == ["no trials run on one: disk full"]
    assert (cluster.cancelled, said) == ([], [])


def test_where_no_node_works_yet_all_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, said = Cluster(monkeypatch), list[str]()
    cluster.until, cluster.begun = {"one": 100.0}, {"two"}
    cluster.outcomes = {"two": {"unfit": "disk full", "code": 1}}
    assert tried(said)["device"] == "one"
    assert cluster.cancelled == []
    assert len(said) == 2


def test_it_is_said_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, said = Cluster(monkeypatch), list[str]()
    cluster.room = set()
    assert tried(said)["device"] == "two"
    assert [line.rpartition(" (")[0] for line in said] == [
        "waiting for room on the cluster: a trial needs 2 CPU and 0.5 GPU, and others use one, two"
    ] * 2


def test_a_node_that_goes_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(monkeypatch)
    cluster.gone = {"one"}
    found = tried([])
    assert (found["device"], found["notes"]) == ("two", ["one has gone: it was left out"])


def test_where_all_that_were_tried_have_gone_the_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(monkeypatch)
    cluster.gone, cluster.room = {"one"}, {"one"}
    assert tried([])["device"] == "two"
    assert cluster.tried == ["one", "two"]


def test_a_node_that_cannot_run_trials_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(monkeypatch)
    cluster.outcomes = {"one": {"unfit": "no space left on the disk", "code": 1}}
    found, unfit = ray_preflight.preflight({}, "hash", "folder", "owner", 0.5, 2.0, 1, (), print, ignore)
    assert (found["device"], found["notes"]) == ("two", ["no trials run on one: no space left on the disk"])
    assert unfit == {"one": "one: no space left on the disk"}


@pytest.mark.parametrize(("code", "error"), [(1, WorkError), (2, RequestError)])
def test_where_no_node_can_the_first_says_why(
    code: int, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(monkeypatch)
    cluster.outcomes = {name: {"unfit": f"{name} has no weights", "code": code} for name in ("one", "two")}
    with pytest.raises(error, match=r"^one: one has no weights$"):
        tried([])


def test_a_trial_is_placed_by_kind_and_away_from_unfit_nodes() -> None:
    config = {TRIAL: {"share": 1.0}, UNFIT: ["b", "c"]}
    placed = resources_of(config, cpu=2.0, gpu=0.5, kinds=("A100", "H100"))
    assert placed.bundles == [{"CPU": 2.0, "GPU": 0.5}]
    assert placed._kwargs["bundle_label_selector"] == [
        {"ray.io/accelerator-type": "in(A100,H100)", "ray.io/node-id": "!in(b,c)"}
    ]
    free = resources_of({TRIAL: {"share": 2.0}, UNFIT: []}, cpu=2.0, gpu=0.5, kinds=())
    assert free.bundles == [{"CPU": 4.0, "GPU": 1.0}]
    assert "bundle_label_selector" not in free._kwargs


def test_nodes_with_other_gpus_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def node(name: str, kind: str | None) -> dict[str, Any]:
        labels = {} if kind is None else {ray_cluster.KIND: kind}
        has = {"CPU": 8.0} | ({"GPU": 1.0} if kind else {})
        return {
            "NodeID": name,
            "Alive": True,
            "Resources": has,
            "Labels": labels,
            "NodeManagerHostname": name,
        }

    cluster = [node("a", "A100"), node("b", "T4"), node("c", None)]
    monkeypatch.setattr(ray_cluster.ray, "nodes", lambda: cluster)
    monkeypatch.setattr(ray_cluster, "draining", dict)
    assert set(ray_cluster.nodes()) == {"a", "b", "c"}
    assert set(ray_cluster.nodes(("A100", "H100"))) == {"a"}
    ray_cluster.check_fits(1.0, 1.0, ("A100",))
    with pytest.raises(RequestError, match=r"names \(H100\): the cluster's are A100, T4"):
        ray_cluster.check_fits(1.0, 1.0, ("H100",))
