"""What becomes of a trial whose worker gave up: the rule by itself."""

import pytest

from sweep.driver.retries import Retry, after
from sweep.worker.messages import Fault


@pytest.mark.parametrize("kind", ["died", "hung", "error"])
def test_what_may_be_luck_is_tried_again_as_often_as_allowed(kind: str) -> None:
    fault = Fault(kind, "gone")
    outcomes = [after(fault, failures, 1.0, 2.0, max_failures=2) for failures in range(3)]
    assert [(one.again, one.failures) for one in outcomes] == [(True, 1), (True, 2), (False, 3)]
    assert all(one.share == 1.0 and one.reason == "gone" for one in outcomes)


@pytest.mark.parametrize("kind", ["request", "storage"])
def test_what_is_no_luck_is_not_tried_again(kind: str) -> None:
    assert after(Fault(kind, "no such file"), 0, 1.0, 2.0, 5) == Retry(False, 1.0, 1, "no such file")


def test_more_memory_is_given_once_and_costs_no_failure() -> None:
    first = after(Fault("memory", "out of memory"), 1, 1.0, 2.0, max_failures=0)
    assert first == Retry(True, 2.0, 1, "out of memory")
    second = after(Fault("memory", "out of memory"), 1, 2.0, 2.0, max_failures=9)
    assert (second.again, second.share, second.failures) == (False, 2.0, 2)
    assert "It had 2 times" in second.reason and "train.batch_size" in second.reason


def test_where_no_more_is_to_be_had_it_is_given_up() -> None:
    assert after(Fault("memory", "out of memory"), 0, 1.0, 1.0, 9).again is False
