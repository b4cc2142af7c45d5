"""The time that a sweep has, against what its trials take."""

from sweep.driver.hours import Hours
from sweep.records.snapshots import Seen
from sweep.records.status import Status
from sweep.records.trial_state import Trial


class Watch:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def hours(whole: float) -> tuple[Hours, Watch]:
    watch = Watch()
    return Hours(lambda: whole - watch.now, watch), watch


def test_without_a_limit_there_is_always_enough() -> None:
    assert Hours().enough()
    assert not Hours().over()


def test_a_trial_begins_only_if_it_comes_to_a_result() -> None:
    """The first is let in, whatever it takes; what others took to their first evaluation and their result counts."""
    one, watch = hours(100)
    assert one.enough()
    one.begin(0)
    watch.now = 20
    one.evaluated(0)
    watch.now = 50
    one.evaluated(0)  # only the first says how long it takes to have anything
    one.end(0)
    watch.now = 55
    one.measured(0)
    watch.now = 74.9
    assert one.enough()
    watch.now = 75
    assert not one.enough()
    assert not one.over()
    watch.now = 95
    assert one.over()


def test_what_nobody_began_is_not_counted() -> None:
    """As after a resume: trials go on that this driver has not begun."""
    one, watch = hours(10)
    watch.now = 5
    one.evaluated(3)
    one.measured(3)
    assert one.enough()
    watch.now = 10
    assert one.over()
    assert not one.enough()


def trained(number: int, kid: float, at: float, kimg: float, seconds: float) -> Trial:
    """A trial that was trained up to ``kimg`` and was at its best before, in so many seconds."""
    trial = Trial(number, {}, 0, status=Status.STOPPED, kimg=kimg, seen=[Seen(at, kid, 64)])
    trial.seconds_train, trial.seconds_eval = 0.9 * seconds, 0.1 * seconds
    return trial


def test_it_is_late_when_a_new_trial_would_not_come_as_far_as_the_best() -> None:
    one, watch = hours(1000)
    assert not one.late([])
    trials = [trained(0, 0.3, 10, 10, 10), trained(1, 0.1, 100, 200, 400), trained(2, 0.2, 400, 400, 400)]
    watch.now = 799
    assert not one.late(trials), "the best was at its best after 200 seconds"
    watch.now = 801
    assert one.late(trials)
    assert one.late(trials[:2])
    assert not one.late(trials[:1])


def test_without_a_limit_it_is_never_late() -> None:
    assert not Hours().late([trained(0, 0.3, 10, 10, 1e9)])
