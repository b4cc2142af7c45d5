"""What a cluster says of a driver that may be dead; Ray itself is not started."""

from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray.core.generated.gcs_pb2 import GcsNodeInfo
from ray.exceptions import RpcError

from sweep.runners.fates import Cluster
from sweep.storage.lease import Fate

JOB = "01000000"


def asked(
    monkeypatch: pytest.MonkeyPatch, dead: bool = True, up: bool = True, fails: bool = False
) -> Cluster:
    """A cluster that has known one driver, on a machine that is up or not."""

    def jobs(**options: Any) -> dict[Any, Any]:
        if fails:
            raise RpcError("nobody answers")
        address = SimpleNamespace(ip_address="10.0.0.2")
        return {ray.JobID.from_int(1): SimpleNamespace(is_dead=dead, driver_address=address)}

    state = GcsNodeInfo.ALIVE if up else GcsNodeInfo.DEAD
    nodes = {"a": SimpleNamespace(node_manager_address="10.0.0.2", state=state)}
    client = SimpleNamespace(
        cluster_id=SimpleNamespace(hex=lambda: "c1"),
        get_all_job_info=jobs,
        get_all_node_info=lambda **options: nodes,
    )
    monkeypatch.setattr(ray._raylet, "GcsClient", lambda address: client)
    return Cluster("head:6379")


def test_a_process_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ray.JobID.from_int(1).hex() == JOB
    assert asked(monkeypatch).fate_of(f"c1/{JOB}") is Fate.DEAD


def test_a_machine_that_is_lost_may_be_cut_off_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, up=False).fate_of(f"c1/{JOB}") is Fate.LOST


def test_nothing_is_known_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lives, one of another cluster or of an older one at that address, one that is not listed."""
    assert asked(monkeypatch, dead=False).fate_of(f"c1/{JOB}") is Fate.UNKNOWN
    assert asked(monkeypatch).fate_of(f"c2/{JOB}") is Fate.UNKNOWN
    assert asked(monkeypatch).fate_of("c1/02000000") is Fate.UNKNOWN
    assert asked(monkeypatch, fails=True).fate_of(f"c1/{JOB}") is Fate.UNKNOWN
