"""What is left of a Ray that was started or attached to where something goes wrong then; Ray itself is not started."""

from typing import Any

import pytest
import ray

from ganlib.errors import RequestError
from sweep.runners import ray as ray_runner
from sweep.runners import ray_cluster
from sweep.runners.base import Options, check_address
from sweep.runners.ray import RayRunner
from sweep.spec.sections import ResourcesConfig


@pytest.fixture
def shut(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whenever Ray was shut down."""
    told: list[str] = []
    monkeypatch.setattr(ray, "shutdown", lambda: told.append("shut"))
    return told


def test_a_ray_of_the_user_is_left_alone(shut: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything else is done, too."""
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    for refused in (lambda: ray_cluster.connect(None), lambda: check_address(Options())):
        with pytest.raises(RequestError, match=r"this process uses Ray already.*ray\.shutdown\(\) first"):
            refused()
    check_address(Options(local=True))
    assert shut == []


@pytest.mark.parametrize("error", [RequestError("no machine can run a trial"), KeyboardInterrupt()])
def test_nothing_stays_attached_where_no_trial_fits(
    error: BaseException, shut: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or where somebody does not wait for the first machine."""

    def meets(*_: Any) -> None:
        raise error

    monkeypatch.setattr(ray_runner, "connect", lambda address: None)
    monkeypatch.setattr(ray_runner, "fitting_nodes", lambda *_: [])
    monkeypatch.setattr(ray_runner, "wait_for_machines", meets)
    with pytest.raises(type(error)):
        RayRunner(ResourcesConfig(), "head:6379")
    assert shut == ["shut"]


def test_nothing_stays_attached_where_somebody_stops_while_it_is(
    shut: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def meets(address: str | None) -> None:
        raise SystemExit

    monkeypatch.setattr(ray_cluster, "_connect", meets)
    monkeypatch.setattr(ray_cluster, "as_interrupt", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        ray_cluster.connect("head:6379")
    assert shut == ["shut"]
