"""Fresh seeds: the plan, the statistics, and a confirmation that is interrupted and taken up."""

import json
import math
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from helpers.commands import run, small
from helpers.synthetic import KINDS, make_sweep
from hypothesis import assume, given
from hypothesis import strategies as st

from sweep.commands.inside.confirm import distinct, extended, one_more
from sweep.commands.inside.growth import Growth, ended
from sweep.commands.inside.planned import Planned
from sweep.driver.director import Director
from sweep.records.catalog import Sweep, open_sweep
from sweep.records.datasets import Store
from sweep.records.status import Status
from sweep.records.sweep_info import PlannedRun, SweepInfo
from sweep.results.confirming import confirmation
from sweep.results.confirming.confirmation import Confirmation, label, read_confirmation, told_apart
from sweep.results.confirming.repeats import Repeats, Run
from sweep.search.trial_source import PastTrial
from sweep.storage.folder import StorageError
from sweep.storage.opening import open_folder

values = st.lists(st.floats(-10, 10), min_size=2, max_size=8)


def repeats(trial: int, *numbers: float, lost: dict[str, int] | None = None) -> Repeats:
    runs = [Run(number, 100 + number, value, 1.0) for number, value in enumerate(numbers)]
    return Repeats(trial, runs, lost or {}, 0)


# ---- statistics --------------------------------------------------------------------------------------------


@given(values)
def test_the_interval_is_scipys(numbers: list[float]) -> None:
    assume(np.std(numbers) > 1e-3)
    expected = scipy.stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
    interval = repeats(0, *numbers).interval
    # Below three values it says nothing, and where it reaches past zero it is none: KID and FID are not negative.
    if len(numbers) < 3 or expected.low * expected.high < -1e-9:
        assert interval is None
    elif interval is not None:
        assert interval == pytest.approx(tuple(expected), abs=1e-9)
    else:
        assert min(map(abs, expected)) < 1e-9


def test_the_interval_of_known_numbers() -> None:
    one = repeats(0, 11.0, 12.0, 13.0)
    assert (one.mean, one.spread) == (12.0, 1.0)
    half = 4.302653 / math.sqrt(3)
    assert one.interval == pytest.approx((12 - half, 12 + half), abs=1e-5)
    assert repeats(0, 1.0).interval is None
    assert repeats(0, 1.0).spread is None
    assert repeats(0).mean is None


def test_seeds_that_say_too_little_give_no_interval_and_say_how_many_are_missing() -> None:
    pair, wide = repeats(0, 11.0, 12.0), repeats(0, 1.0, 2.0, 3.0)
    assert pair.interval is None
    assert pair.spread is not None
    assert wide.interval is None  # -0.5 to 4.5: no KID or FID is below zero
    assert label(Confirmation("kid", [pair]), 0) == (
        "mean 11.5 of 2 fresh seeds (no interval yet: needs 1 more seed)"
    )
    assert "no interval yet: needs " in label(Confirmation("kid", [wide]), 0)


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=8))
def test_so_many_more_seeds_make_an_interval_worth_having(numbers: list[float]) -> None:
    assume(np.std(numbers) > 1e-3)
    one = repeats(0, *numbers)
    n = len(numbers) + one.lacking
    assert 3 <= n <= 50
    half = scipy.stats.t.ppf(0.975, n - 1) * one.spread / math.sqrt(n)
    assert half <= 0.25 * one.mean * (1 + 1e-9) or n == 50
    if one.lacking:
        fewer = n - 1
        half = scipy.stats.t.ppf(0.975, fewer - 1) * one.spread / math.sqrt(fewer)
        assert fewer < 3 or half > 0.25 * one.mean


def test_what_is_said_of_the_winner() -> None:
    far = Confirmation("kid", [repeats(3, 0.10, 0.11, 0.10), repeats(1, 0.50, 0.52, 0.51)])
    assert told_apart(far).startswith("trial 3 is better than trial 1 (moderated t-test, p = ")
    near = Confirmation("kid", [repeats(3, 0.1, 0.3, 0.2), repeats(1, 0.2, 0.1, 0.4)])
    assert told_apart(near).startswith("trial 3 cannot be told from trial 1")
    assert near.comparison is not None
    assert "two configurations" in told_apart(Confirmation("kid", [repeats(3, 0.1, 0.3)]))
    few = Confirmation("kid", [repeats(3, 0.10, 0.11, 0.10), repeats(1, 0.50, 0.52)])
    assert few.comparison is None
    assert "with 3 seeds each are needed" in told_apart(few)


def test_who_may_have_won() -> None:
    """Whoever cannot be told from the best mean, but nobody whose runs died, or who is clearly worse."""
    first, near = repeats(3, 0.10, 0.12, 0.11), repeats(1, 0.11, 0.13, 0.12)
    far, dead = repeats(4, 0.50, 0.52, 0.51), repeats(5, 0.10, 0.12, 0.11, lost={"d_saturated": 1})
    few = repeats(6, 0.9, 0.91)
    assert Confirmation("kid", [first, near, far, few, dead]).undecided == [3, 1]
    assert Confirmation("kid", [dead]).undecided == [5]


def test_a_trial_without_fresh_seeds_is_one_seed() -> None:
    found = Confirmation("kid", [repeats(3, 0.1, 0.3, lost={"d_saturated": 1})])
    assert label(None, 3) == label(found, 4) == "one seed"
    text = label(found, 3)
    assert text.startswith("mean 0.2 of 2 fresh seeds (no interval yet: needs")
    assert text.endswith("1 d_saturated")
    text = label(Confirmation("kid", [repeats(3, 0.10, 0.11, 0.12)]), 3)
    assert text.startswith("mean 0.11 of 3 fresh seeds, 95 % interval 0.0")


# ---- the plan ----------------------------------------------------------------------------------------------


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


# ---- records -----------------------------------------------------------------------------------------------


@pytest.fixture
def confirmed_sweep(tmp_path: Path) -> Sweep:
    """Trials 0 and 2 with three runs each; of 2, one collapsed and one has not ended."""
    sweep = make_sweep(tmp_path, trials=3, pictures=False)
    plan = extended([], [0, 2], 3, [])
    folder = sweep.folder / "confirm"
    folder.write("sweep.json", json.dumps({"plan": [asdict(run) for run in plan], "metric": "kid"}).encode())
    outcomes: list[tuple[str, float | None]] = [
        ("finished", 0.5),
        ("finished", 0.1),
        ("finished", 0.7),
        ("collapsed", 0.01),
        ("finished", 0.6),
    ]
    for number, (status, value) in enumerate(outcomes):
        dead = "flat_image" if status == "collapsed" else None
        row = {"trial": number, "status": status, "best_value": value and value / 2, "verdict": dead}
        # A run counts with its result, not with what it saw on the way.
        Store(folder).put_trial(row | {"result": value, "result_kimg": None if value is None else 1.0})
    return sweep


def test_records_are_read_by_configuration(confirmed_sweep: Sweep) -> None:
    found = read_confirmation(confirmed_sweep)
    assert found is not None
    assert [one.trial for one in found.repeats] == [0, 2]
    first, second = found.repeats
    assert first.values == [0.5, 0.7, 0.6]
    assert first.pending == 0
    # The better number, but it died once: it comes second, and the dead run's value does not count.
    assert second.values == [0.1]
    assert second.lost == {"flat_image": 1}
    assert second.pending == 1
    assert found.comparison is None
    assert [run.number for run in first.runs] == [0, 2, 4]


def test_a_run_counts_once_it_was_measured(confirmed_sweep: Sweep) -> None:
    store = Store(confirmed_sweep.folder / "confirm")
    store.put_trial({"trial": 0, "result": None, "result_kimg": None})
    store.put_trial({"trial": 2, "result": None})  # measured, and not a number
    found = read_confirmation(confirmed_sweep)
    assert found is not None
    first = found.of(0)
    assert first is not None
    assert first.values == [0.6]
    assert first.pending == 1
    assert first.lost == {"without a number": 1}


def test_a_broken_record_is_named(confirmed_sweep: Sweep) -> None:
    confirmed_sweep.folder.write("confirm/sweep.json", b"{}")
    with pytest.raises(confirmation.WorkError, match=r"confirm/sweep.json' is broken"):
        read_confirmation(confirmed_sweep)


def test_nothing_to_read_yet(tmp_path: Path) -> None:
    assert read_confirmation(make_sweep(tmp_path, trials=1, pictures=False)) is None


# ---- the command -------------------------------------------------------------------------------------------

SPEC = small(collapse={"enabled": False}, search={"trials": 3}, asha={"grace": 1, "reduction": 3, "max": 2})


@pytest.mark.slow
def test_a_confirmation_is_interrupted_taken_up_and_extended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    where = ["--local", "--storage", tmp_path]
    assert run("run", tmp_path / "spec.yaml", *where).exit_code == 0
    before = Store(open_folder(tmp_path / "small")).rows("trials")

    reports: list[dict[str, Any]] = []
    real = Director.report

    def stop_after_three(self: Director, report: dict[str, Any]) -> bool:
        reports.append(report)
        if len(reports) == 3:
            self.interrupt()
        return real(self, report)

    with monkeypatch.context() as patch:
        patch.setattr(Director, "report", stop_after_three)
        stopped = run("confirm", "small", "--top", 2, "--seeds", 2, *where)
    assert stopped.exit_code == 1
    assert "go on with 'sweep confirm small'" in stopped.output
    done = run("confirm", "small", "--top", 2, "--seeds", 2, *where)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1].startswith("two configurations with 3 seeds each are needed")

    sweep = open_sweep(open_folder(tmp_path), "small")
    rows = Store(sweep.folder / "confirm").rows("trials")
    assert [row["status"] for row in rows] == ["finished"] * 4
    assert len({row["seed"] for row in [*rows, *before]}) == 4 + len(before)
    originals = {row["trial"]: row for row in before}
    found = read_confirmation(sweep)
    assert found is not None
    results = {row["trial"]: row["kid"] for row in Store(sweep.folder / "confirm").rows("results")}
    assert {run.number: run.value for one in found.repeats for run in one.runs} == results
    assert sorted(results) == [0, 1, 2, 3]
    plan = SweepInfo.read(sweep.folder / "confirm").plan or ()
    for row, planned in zip(rows, plan, strict=True):
        assert row["params"] == originals[planned.trial]["params"]
        assert row["seed"] == planned.seed
        assert row["kimg"] == sweep.info.budget  # ASHA stopped nobody
    assert Store(sweep.folder).rows("trials") == before  # the sweep itself is as it was

    again = run("confirm", "small", "--top", 2, "--seeds", 3, "--json", *where)
    last = json.loads(again.stdout.splitlines()[-1])
    assert last["event"] == "end"
    assert not last["interrupted"]
    assert [len(one["values"]) for one in last["confirmation"]["configurations"]] == [3, 3]
    assert Store(sweep.folder / "confirm").rows("trials")[:4] == rows
    assert last["confirmation"]["comparison"]["test"] == "moderated t-test"


def test_there_must_be_something_to_confirm(tmp_path: Path) -> None:
    make_sweep(tmp_path, trials=0, pictures=False)
    result = run("confirm", "--local", "--storage", tmp_path)
    assert result.exit_code == 2
    assert "nothing to confirm" in result.stderr
    assert not (tmp_path / "faces" / "confirm").exists()
    assert "--seeds" in run("confirm", "--seeds", 1, "--storage", tmp_path).stderr


def test_other_pictures_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = make_sweep(tmp_path, trials=2, pictures=False)
    store = Store(sweep.folder, KINDS)
    for row in store.rows("trials"):
        store.put_trial({"trial": row["trial"], "params": "{}"})

    class Other:
        hash = "ffff"

        def __len__(self) -> int:
            return 1

    monkeypatch.setattr("sweep.commands.before.prepare_pictures", lambda *_: Other())
    result = run("confirm", "--local", "--storage", tmp_path)
    assert result.exit_code == 2
    assert "the pictures have changed since the sweep" in result.stderr


def test_the_probability_of_being_best_is_told() -> None:
    near = Confirmation(
        "kid", [repeats(3, 0.10, 0.12, 0.11), repeats(1, 0.11, 0.13, 0.12)], {3: 3, 1: 1, 8: 1}
    )
    assert sum(near.chances.values()) == pytest.approx(1)
    assert near.chances[3] > near.chances[1]
    assert label(near, 3).endswith(f", the best with {round(100 * near.chances[3])} %")
    assert label(near, 8) == label(near, 1)  # the same configuration, in another trial
    dead = repeats(5, 0.01, lost={"d_saturated": 1})
    assert 5 not in Confirmation("kid", [*near.repeats, dead]).chances
    assert Confirmation("kid", [repeats(3, 0.1, 0.2)]).chances == {}


def test_trials_of_one_configuration_are_known_by_their_values(confirmed_sweep: Sweep) -> None:
    store = Store(confirmed_sweep.folder, KINDS)
    first, second = store.trial(0), store.trial(1)
    assert first is not None
    assert second is not None
    store.put_trial(second | {"params": first["params"]})
    found = read_confirmation(confirmed_sweep)
    assert found is not None
    assert found.of(1) is found.of(0)
    assert found.of(1) is not None
