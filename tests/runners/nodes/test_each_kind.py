"""How the machines of a cluster are sorted, and how one of each kind is asked; Ray itself is not started."""

from collections.abc import Callable
from typing import Any

import pytest

from ganlib.errors import RequestError, WorkError
from sweep import __version__
from sweep.runners.capacity import UNITS, Node
from sweep.runners.nodes import each_kind
from sweep.runners.nodes.each_kind import Kind, ask_each, kinds_there
from sweep.runners.ray_cluster import KIND
from sweep.runners.ray_environment import of_trials

MACHINES = {
    "head": ("", Node.having(4, 0)),
    "old1": ("V100", Node.having(16, 2)),
    "old2": ("V100", Node.having(16, 2)),
    "new": ("H100", Node.having(16, 2)),
    "some": ("", Node.having(16, 1)),
}
IDS = {name: f"{number:056x}" for number, name in enumerate(MACHINES)}
NODES = {IDS[name]: node for name, (_, node) in MACHINES.items()}
LEFT = {name: {"CPU": node.cpu / UNITS, "GPU": len(node.gpus)} for name, node in NODES.items()}
KNOWN = [
    {"NodeID": IDS[name], "NodeManagerHostname": f"{name}.lab", "Labels": {KIND: gpus}}
    for name, (gpus, _) in MACHINES.items()
]


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The hosts without room; to be filled."""
    without = set[str]()

    def fitting(gpu: float, cpu: float, kinds: object) -> list[dict[str, Any]]:
        return [one for one in KNOWN if not gpu or NODES[one["NodeID"]].gpus]

    def with_room(able: list[dict[str, Any]], gpu: float, cpu: float) -> list[dict[str, Any]]:
        return [one for one in able if one["NodeManagerHostname"] not in without]

    monkeypatch.setattr(each_kind, "check_fits", lambda *_: None)
    monkeypatch.setattr(each_kind, "nodes", lambda kinds: NODES)
    monkeypatch.setattr(each_kind, "fitting_nodes", fitting)
    monkeypatch.setattr(each_kind, "with_room", with_room)
    monkeypatch.setattr(each_kind.ray._private.state, "available_resources_per_node", lambda: LEFT)
    return without


def test_machines_are_alike_that_have_as_many_of_the_same(busy: set[str]) -> None:
    found = {
        kind.has: [host.partition(".")[0] for _, host in kind.machines] for kind in kinds_there(0.25, 1.0)
    }
    assert found == {
        "2 V100 and 16 cores": ["old1", "old2"],
        "2 H100 and 16 cores": ["new"],
        "1 GPU and 16 cores": ["some"],
    }
    assert next(kind.has for kind in kinds_there(0.0, 1.0)) == "4 cores"


def test_one_that_has_room_is_asked_first(busy: set[str]) -> None:
    busy.add("old1.lab")
    (old,) = [kind for kind in kinds_there(0.25, 1.0) if kind.gpus == "V100"]
    assert old.machines == ((IDS["old2"], "old2.lab"), (IDS["old1"], "old1.lab"))


class FakeRay:
    """Calls functions here, and notes where they should have been called, and with what."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def remote(self, **options: Any) -> Callable[[Any], Any]:
        self.asked.append(options)

        class Task:
            def __init__(self, function: Any) -> None:
                self.function = function

            def remote(self, *arguments: object) -> Any:
                return lambda: self.function(*arguments)

        return Task

    @staticmethod
    def get(task: Callable[[], Any]) -> Any:
        try:
            return task()
        except Exception as error:
            lost = each_kind.ray.exceptions.RayError()
            lost.cause = error
            raise lost from error


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setattr(each_kind.ray, "remote", fake.remote)
    monkeypatch.setattr(each_kind.ray, "get", fake.get)
    return fake


def test_each_kind_is_asked_on_one_machine_with_what_it_has(busy: set[str], fake: FakeRay) -> None:
    kinds, said = kinds_there(0.25, 1.0), list[str]()
    found = ask_each(kinds, lambda node: len(node.gpus), lambda node: (4.0, 1.0), said.append)
    assert found == [2, 2, 1]
    assert [one["scheduling_strategy"].node_id for one in fake.asked] == [
        IDS[name] for name in ("old1", "new", "some")
    ]
    assert {(one["num_cpus"], one["num_gpus"], one["max_calls"]) for one in fake.asked} == {(4.0, 1.0, 1)}
    assert all(one["runtime_env"] == of_trials() for one in fake.asked)
    assert said == []


def test_it_is_said_whose_room_is_waited_for(busy: set[str], fake: FakeRay) -> None:
    said: list[str] = []
    ask_each(kinds_there(0.0, 1.0)[:1], len_of, lambda node: (8.0, 0.0), said.append)
    assert said == ["waiting for 8 cores of head.lab, which others use"]


def len_of(node: Node) -> int:
    return len(node.gpus)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (RequestError("no such weights"), RequestError, "head.lab: no such weights"),
        (ModuleNotFoundError("No module named 'x'"), RequestError, "head.lab cannot import what it needs"),
        (RuntimeError("out of memory\nat line 3"), WorkError, "head.lab: out of memory$"),
    ],
)
def test_what_goes_wrong_names_the_host(
    error: Exception, kind: type[Exception], said: str, busy: set[str], fake: FakeRay
) -> None:
    def fails(node: Node) -> None:
        raise error

    with pytest.raises(kind, match=said):
        ask_each(kinds_there(0.0, 1.0)[:1], fails, lambda node: (1.0, 0.0), print)


def test_another_version_is_refused(busy: set[str], fake: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(each_kind, "__version__", "0.0.1")
    with pytest.raises(RequestError, match=f"it has sweep {__version__}, and this machine 0.0.1"):
        ask_each(
            [Kind("", Node.having(1, 0), ((IDS["head"], "head.lab"),))],
            len_of,
            lambda node: (1.0, 0.0),
            print,
        )
