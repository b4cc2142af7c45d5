"""The plan of a confirmation, and where its seeds go."""

from functools import partial

import pytest

from sweep.commands.inside.confirm import distinct, extended, one_more
from sweep.commands.inside.growth import Growth, ended
from sweep.commands.inside.planned import Planned
from sweep.records.status import Status
from sweep.records.sweep_info import PlannedRun
from sweep.search.trial_source import PastTrial
from sweep.storage.folder import StorageError


def test_the_plan_goes_in_turns_and_grows_at_its_end() -> None:
    plan = extended([], [7, 2], 2, [])
    assert [run.trial for run in plan] == [7, 2, 7, 2]
    more = extended(plan, [2, 9], 3, [])
    assert more[:4] == plan
    assert [run.trial for run in more[4:]] == [9, 9, 2, 9]
    assert extended(more, [2, 9], 3, []) == more
    assert extended(more, [7], 1, []) == more


def test_equal_configurations_are_confirmed_once() -> None:
    params = {0: {"train.lr_g": 1}, 1: {"train.lr_g": 2}, 2: {"train.lr_g": 1.0}, 3: {"train.lr_g": 3}}
    params[2]["train.smoothing"] = None  # which it does not have
    assert distinct([2, 1, 0, 3], params, []) == [2, 1, 3]
    # What was planned before stands for its configuration, so that its runs are not repeated under another name.
    assert distinct([2, 1, 0, 3], params, [PlannedRun(0, 5)]) == [0, 1, 3]


def test_seeds_are_fresh_and_do_not_depend_on_the_company() -> None:
    plan = extended([], [0, 1, 2], 4, [])
    seeds = [run.seed for run in plan]
    assert len(set(seeds)) == 12
    assert all(0 <= seed < 2**31 for seed in seeds)
    alone = extended([], [1], 4, [])
    assert [run.seed for run in plan if run.trial == 1] == [run.seed for run in alone]
    assert not {run.seed for run in extended([], [0, 1, 2], 4, seeds)} & set(seeds)


def test_a_plan_is_handed_out_from_where_it_stopped() -> None:
    plan = extended([], [5], 3, [])
    told = [PastTrial(number, {}, Status.FINISHED, 1.0, 0.1) for number in range(2)]
    planned = Planned(plan, lambda run, number: {"train.lr_g": 0.1}, told)
    asked = planned.ask()
    assert asked is not None
    assert (asked.number, asked.seed) == (2, plan[2].seed)
    assert asked.params == {"train.lr_g": 0.1}
    assert planned.ask() is None


class Bench:
    """A confirmation of made-up configurations: its plan, and runs that end in any order."""

    def __init__(self, values: dict[int, list[float | None]], seeds: int) -> None:
        self.values, self.ended = values, dict[int, float | None]()
        self.plan = extended([], list(values), 2, [])
        self.growth = Growth(list(values), len(values) * seeds, partial(one_more, taken=()))

    def end(self, *numbers: int) -> None:
        for number in numbers:
            trial = self.plan[number].trial
            turn = sum(run.trial == trial for run in self.plan[:number])
            self.ended[number] = self.values[trial][turn % len(self.values[trial])]

    def next(self) -> int | None:
        added = self.growth.next(self.plan, self.ended)
        if added is None:
            return None
        self.plan = [*self.plan, added]
        return added.trial

    def all(self) -> list[int]:
        """Do all of it, one run after another; the trials of the runs that were added."""
        added: list[int] = []
        self.end(*range(len(self.plan)))
        while (trial := self.next()) is not None:
            added.append(trial)
            self.end(len(self.plan) - 1)
        return added


NEAR, ALSO = [0.10, 0.12, 0.11, 0.12, 0.10, 0.11], [0.11, 0.10, 0.12, 0.11, 0.12, 0.10]
FAR = [0.30, 0.31, 0.30, 0.31, 0.30, 0.31]


def test_more_seeds_go_where_it_is_open() -> None:
    bench = Bench({0: [*NEAR], 1: [*ALSO], 2: [*FAR], 3: [*FAR]}, 4)
    added = bench.all()
    assert set(added) == {0, 1}
    assert len(bench.plan) == 16  # these two are as good as each other: all is spent
    assert min(added.count(0), added.count(1)) >= 3


def test_it_ends_when_all_are_told_apart() -> None:
    bench = Bench({0: [*NEAR], 1: [*FAR], 2: [*FAR]}, 5)
    added = bench.all()
    assert len(added) == 2  # leader and second have the three seeds without which they are not compared
    assert added.count(0) == 1
    assert bench.growth.room(bench.plan) == 7


def test_results_are_waited_for_before_anything_is_added() -> None:
    bench = Bench({0: [*NEAR], 1: [*ALSO]}, 4)
    assert bench.next() is None
    bench.end(0, 1, 2)
    assert bench.next() is None
    bench.end(3)
    first, second = bench.next(), bench.next()  # two workers: the run in flight counts
    assert {first, second} == {0, 1}


def test_who_loses_a_run_is_out_unless_all_do() -> None:
    bench = Bench({0: [0.01, None, *NEAR], 1: [*NEAR], 2: [*ALSO]}, 3)
    assert 0 not in bench.all()
    dead = Bench({0: [None, None], 1: [None, None]}, 3)
    assert dead.all() == []
    both = Bench({0: [0.1, None, 0.1, 0.1], 1: [0.1, None, 0.1, 0.1]}, 2)
    assert both.all() == []  # all is spent


def test_an_earlier_confirmation_of_others_takes_nothing_from_the_budget() -> None:
    growth = Growth([1, 2], 6, partial(one_more, taken=()))
    plan = extended([], [7, 1, 2], 2, [])
    assert growth.room(plan) == 2


def test_a_plan_that_grows_is_written_before_its_run_is_handed_out() -> None:
    plan = extended([], [0, 1], 2, [])
    growth = Growth([0, 1], 6, partial(one_more, taken=()))
    written: list[int] = []

    def write(longer: list[PlannedRun]) -> None:
        if len(written) == 1:
            raise StorageError("the disk is full")
        written.append(len(longer))

    told = [PastTrial(n, {}, Status.FINISHED, 1.0, 0.1 + n / 100) for n in range(4)]
    planned = Planned(
        plan, lambda run, number: {"of": run.trial}, told, lambda p, t: growth.next(p, ended(t)), write
    )
    asked = planned.ask()
    assert asked is not None
    assert asked.number == 4
    assert written == [5]
    with pytest.raises(StorageError):
        planned.ask()
    written.clear()
    again = planned.ask()  # what was not written is no run
    assert again is not None
    assert again.number == 5
    assert planned.ask() is None  # all is spent


def test_runs_to_another_budget_are_planned_anew() -> None:
    plan = extended([], [0, 1], 3, [])
    apart = {0, 2, 4}
    assert {plan[number].trial for number in apart} == {0}
    longer = extended(plan, [0, 1], 3, [], apart)
    assert longer[:6] == plan, "a run's number is that of its folder"
    assert [run.trial for run in longer[6:]] == [0, 0, 0]
    assert len({run.seed for run in longer}) == 9, "and its seed is fresh"
    growth = Growth([0, 1], 6, partial(one_more, taken=()), apart)
    assert growth.room(plan) == 3
    values = dict.fromkeys(apart, 0.01) | dict.fromkeys(range(6, 9), 0.5) | {1: 0.1, 3: 0.11, 5: 0.1}
    wider = Growth([0, 1], 8, partial(one_more, taken=()), apart)
    assert wider.next(longer, values) is None, "what another budget gave would have made it open"
    assert Growth([0, 1], 11, partial(one_more, taken=())).next(longer, values) is not None
