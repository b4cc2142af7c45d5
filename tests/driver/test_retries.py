"""What becomes of a trial whose worker gave up: the rule by itself."""

from typing import Any

import pytest

from sweep.driver.retries import Retry
from sweep.driver.retries import after as decide
from sweep.records.event_kind import EventKind
from sweep.records.trial_state import Trial
from sweep.spec.sections import ResourcesConfig
from sweep.worker.messages import Fault


def after(
    fault: Fault,
    failures: int = 0,
    share: float = 1.0,
    largest: float = 2.0,
    preemptions: int = 0,
    **limits: Any,
) -> Retry:
    trial = Trial(0, {}, 0, failures=failures, share=share, preemptions=preemptions)
    return decide(fault, trial, largest, ResourcesConfig(**limits))


@pytest.mark.parametrize("kind", ["died", "hung", "error"])
def test_what_may_be_luck_is_tried_again_as_often_as_allowed(kind: str) -> None:
    fault = Fault(kind, "gone")
    outcomes = [after(fault, failures, max_failures=2) for failures in range(3)]
    assert [(one.again, one.failures) for one in outcomes] == [(True, 1), (True, 2), (False, 3)]
    assert all(one.share == 1.0 and one.reason == "gone" and not one.preemptions for one in outcomes)


@pytest.mark.parametrize("kind", ["request", "storage"])
def test_what_is_no_luck_is_not_tried_again(kind: str) -> None:
    assert after(Fault(kind, "no such file"), max_failures=5) == Retry(
        False, 1.0, 1, 0, "no such file", EventKind.FAILURE
    )


def test_more_memory_is_given_once_and_costs_no_failure() -> None:
    first = after(Fault("memory", "out of memory"), 1, max_failures=0)
    assert first == Retry(True, 2.0, 1, 0, "out of memory", EventKind.RESTART)
    second = after(Fault("memory", "out of memory"), 1, 2.0, max_failures=9)
    assert (second.again, second.share, second.failures) == (False, 2.0, 2)
    assert "It had 2 times" in second.reason
    assert "train.batch_size" in second.reason


def test_where_no_more_is_to_be_had_it_is_given_up() -> None:
    assert after(Fault("memory", "out of memory"), largest=1.0, max_failures=9).again is False


def test_a_machine_that_is_taken_away_costs_no_failure() -> None:
    fault = Fault("preempted", "its machine is gone")
    outcomes = [after(fault, 1, preemptions=count, max_failures=1, max_preemptions=2) for count in range(3)]
    assert [(one.again, one.failures, one.preemptions) for one in outcomes] == [
        (True, 1, 1),
        (True, 1, 2),
        (False, 1, 3),
    ]
    assert after(fault, max_failures=0).again, "by default it may happen often"
    assert outcomes[0].detail(fault) == {
        **{"reason": "its machine is gone", "kind": "preempted", "failures": 1, "share": 1.0},
        "preemptions": 1,
    }
