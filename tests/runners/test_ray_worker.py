"""How Ray is asked for the processes of a preflight; Ray itself is not started."""

from typing import Any

import pytest

ray_worker = pytest.importorskip("sweep.runners.ray_worker")


class FakeRay:
    """Stands in for `ray.remote`, and notes the options of every task."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def __call__(self, **options: Any) -> Any:
        self.asked.append(options)

        class Task:
            @staticmethod
            def remote(*arguments: object) -> dict[str, Any]:
                return {"sweep": ray_worker.__version__, "device": "one", "notes": ["slow"]}

        return lambda function: Task


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    fake = FakeRay()
    nodes = [{"NodeID": f"{number:056x}", "NodeManagerHostname": f"node-{number}"} for number in range(2)]
    monkeypatch.setattr(ray_worker, "fitting_nodes", lambda gpu, cpu: nodes)
    monkeypatch.setattr(ray_worker.ray, "remote", fake)
    monkeypatch.setattr(ray_worker.ray, "get", lambda task: task)
    return fake.asked


@pytest.mark.parametrize("gpu", [0.25, 1.0, 2.0])
def test_a_process_that_used_a_gpu_ends_with_the_preflight(gpu: float, asked: list[dict[str, Any]]) -> None:
    """Otherwise it would keep its part of the GPU's memory for the whole sweep."""
    tried = ray_worker.preflight({}, "hash", "folder", "owner", gpu, 1.0, 1)
    assert (tried["device"], tried["notes"]) == ("one", ["slow"]), "what two nodes say alike is said once"
    assert [(one["num_gpus"], one["num_cpus"], one["max_calls"], one["max_retries"]) for one in asked] == [
        (gpu, 1.0, 1, 0)
    ] * 2
    assert [one["scheduling_strategy"].node_id for one in asked] == [f"{number:056x}" for number in range(2)]


def test_a_process_without_a_gpu_is_left_to_trials(asked: list[dict[str, Any]]) -> None:
    ray_worker.preflight({}, "hash", "folder", "owner", 0.0, 1.0, 1)
    assert [one["max_calls"] for one in asked] == [0, 0]


def test_the_options_are_those_that_ray_takes() -> None:
    """`max_calls` cannot be given to ``.options()``: Ray would refuse it."""
    task = ray_worker.ray.remote(num_cpus=1, num_gpus=0.25, max_calls=1, max_retries=0)(ray_worker._preflight)
    assert task._default_options["max_calls"] == 1
    with pytest.raises(ValueError, match="max_calls"):
        ray_worker.ray.remote(ray_worker._preflight).options(num_gpus=0.25, max_calls=1)
