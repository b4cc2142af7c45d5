"""`sampler: auto` takes the Gaussian process where the space is small, and TPE elsewhere."""

from pathlib import Path

import pytest
from helpers.sweeps.drawing import NUMBERS, ended

from sweep.records.status import Status
from sweep.search.auto import GP_FEWEST, GP_KEYS, GP_TRIALS, few_numbers, suits_gp, words
from sweep.search.draws import Draws, preview
from sweep.search.ends import frozen
from sweep.search.study import Study
from sweep.search.trial_source import PastTrial
from sweep.spec.distributions import Categorical, Distribution, Float, Int
from sweep.spec.sections import SearchConfig
from sweep.spec.space import Space


def numbers(count: int, **more: Distribution) -> Space:
    return Space({f"train.x{index}": Float(0.0, 1.0) for index in range(count)} | more)


@pytest.mark.parametrize(
    ("space", "small"),
    [
        (numbers(1), True),
        (numbers(GP_KEYS), True),
        (numbers(GP_KEYS + 1), False),
        (numbers(1, **{"train.b": Int(1, 9, log=True)}), True),
        (numbers(1, **{"train.loss": Categorical(("bce", "lsgan"))}), False),
        (numbers(1, **{"train.s": Float(0.8, 1.0, when={"train.loss": ("bce",)})}), False),
    ],
)
def test_auto_takes_the_gaussian_process_in_small_spaces_of_numbers(space: Space, small: bool) -> None:
    assert few_numbers(space) == small
    assert suits_gp(space, GP_TRIALS - 1, GP_FEWEST) == small
    assert not suits_gp(space, GP_TRIALS, 10 * GP_FEWEST), "its cost grows with the trials"
    assert not suits_gp(space, GP_TRIALS - 1, GP_FEWEST - 1), "it learns of none of the others"
    assert words("auto", space).startswith("auto: tpe, and gp" if small else "auto: tpe in this space")
    assert words("tpe", space) == "tpe"


def test_auto_counts_the_trials_that_have_come_to_their_end(tmp_path: Path) -> None:
    from sweep.search.samplers import sampler_for

    search, kinds = SearchConfig(sampler="auto", trials=2000), []
    for stopped, finished in ((30, 9), (30, 10), (95, 10), (5, 10)):
        pasts = [
            ended(7 * number + 3 if number < stopped else 7 * number, {"model.width": 9, "train.lr_g": 1e-4})
            for number in range(stopped + finished)
        ]
        trials = [
            frozen(PastTrial(place, one.params, one.state, one.kimg, one.value), NUMBERS)
            for place, one in enumerate(pasts)
        ]
        draws = Draws("s", NUMBERS, search, trials)
        assert draws.kept.observed.complete == finished
        kinds.append(type(sampler_for(search, NUMBERS, draws.count, draws.kept, ())).__name__)
    assert kinds == ["ArrayTPESampler", "GPSampler", "ArrayTPESampler", "GPSampler"]


def test_a_trial_that_goes_on_has_not_come_to_its_end(tmp_path: Path) -> None:
    study = Study.create(tmp_path / "s.db", "s", NUMBERS, SearchConfig(trials=9))
    asked = study.ask()
    assert asked is not None
    study.tell(PastTrial(0, asked.params, Status.FINISHED, 1.0, 0.5))
    assert study._draws.kept.observed.complete == 1
    study.reopen(0)
    assert study._draws.kept.observed.complete == 0
    study.close()


@pytest.mark.slow
def test_auto_resumed_at_the_change_draws_the_same(tmp_path: Path) -> None:
    """From TPE to the Gaussian process, which begins after ten finished trials."""
    search = SearchConfig(sampler="auto", trials=99, seed=3)
    params = preview(NUMBERS, SearchConfig(sampler="random", trials=10), 10)
    pasts = [
        PastTrial(number, one, Status.FINISHED, 1.0, one["train.lr_g"], misses=(0.1 * (number - 4),))
        for number, one in enumerate(params)
    ]
    before = Study.rebuild(tmp_path / "a.db", "s", NUMBERS, search, pasts[:9])
    assert before.ask() is not None
    straight = Study.rebuild(
        tmp_path / "b.db", "s", NUMBERS, search, [*pasts[:9], PastTrial(9, params[9], Status.RUNNING)]
    )
    straight.tell(pasts[9])
    resumed = Study.rebuild(tmp_path / "c.db", "s", NUMBERS, search, pasts)
    drawn = straight.ask()
    assert drawn is not None
    assert resumed.ask() == drawn
    tpe = Study.rebuild(tmp_path / "d.db", "s", NUMBERS, SearchConfig(trials=99, seed=3), pasts)
    assert tpe.ask() != drawn
    for study in (before, straight, resumed, tpe):
        study.close()
