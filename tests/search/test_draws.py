"""Draws that pass by what is known to break a wish, and constraints as Optuna has them."""

import itertools
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.sweeps.drawing import NUMBERS, ended
from hypothesis import given
from hypothesis import strategies as st

from sweep.records.status import Status
from sweep.search.draws import AT_RANDOM, PROPOSALS, Draws, preview
from sweep.search.ends import frozen
from sweep.search.study import Study
from sweep.search.trial_source import PastTrial
from sweep.spec.distributions import Categorical, Float, Int
from sweep.spec.sections import SearchConfig
from sweep.spec.space import Space
from sweep.spec.wishes.wish import MOST

optuna = pytest.importorskip("optuna")
SPACE = Space(
    {
        "model.width": Int(8, 64),
        "train.loss": Categorical(("bce", "lsgan")),
        "train.lr_g": Float(1e-5, 1e-3, log=True),
        "train.smoothing": Float(0.8, 1.0, when={"train.loss": ("bce",)}),
    }
)


def too_wide(params: Mapping[str, Any]) -> str:
    return f"params {params['model.width']}, wanted <= 16" if params["model.width"] > 16 else ""


def never(params: Mapping[str, Any]) -> str:
    return "params 1, wanted <= 0"


def run(
    path: Path, search: SearchConfig, count: int, space: Space = SPACE, rebuild_at: int | None = None
) -> list[PastTrial]:
    """Ask and tell, two trials at a time; at ``rebuild_at`` write the study anew from records."""
    study, records = Study.create(path, "s", space, search, refuse=too_wide), list[PastTrial]()
    while len(records) < count:
        if len(records) == rebuild_at:
            study.close()
            study = Study.rebuild(path, "s", space, search, records, refuse=too_wide)
        asked = study.ask()
        assert asked is not None
        assert not too_wide(asked.params)
        assert all(reason.endswith("wanted <= 16") for reason in asked.refused)
        records.append(PastTrial(asked.number, asked.params, Status.RUNNING))
        if len(records) > 1 and records[-2].state is Status.RUNNING:
            records[-2] = ended(len(records) - 2, records[-2].params)
            study.tell(records[-2])
    study.close()
    return records


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes"])
def test_what_is_known_to_break_a_wish_is_drawn_again_and_a_resumed_search_draws_the_same(
    sampler: str, tmp_path: Path
) -> None:
    search = SearchConfig(sampler=sampler, trials=99, seed=3)
    straight = run(tmp_path / "a.db", search, 20)
    assert run(tmp_path / "b.db", search, 20, rebuild_at=14) == straight
    trials = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path / 'b.db'}").trials
    assert [one.params["model.width"] for one in trials] == [one.params["model.width"] for one in straight]
    assert len({str(one.params) for one in straight}) == 20


def test_a_draw_without_wishes_known_beforehand_is_what_it_always_was(tmp_path: Path) -> None:
    plain = preview(SPACE, SearchConfig(sampler="random", trials=40), 40)
    passed = preview(SPACE, SearchConfig(sampler="random", trials=40), 40, refuse=too_wide)
    same = [(one, other) for one, other in zip(plain, passed, strict=True) if not too_wide(one)]
    assert same
    assert all(one == other for one, other in same), "only what is refused is drawn again"
    assert not any(map(too_wide, passed))


def test_where_all_is_refused_the_search_is_over_and_says_why(tmp_path: Path) -> None:
    study = Study.create(tmp_path / "s.db", "s", NUMBERS, SearchConfig(trials=9), refuse=never)
    assert study.spent == ""
    assert study.ask() is None
    assert study.spent == (
        f"of {PROPOSALS + AT_RANDOM:,} configurations that were drawn for trial 0, all are known to break a wish "
        "(params 1, wanted <= 0): nothing is left to try"
    )
    assert study.ask() is None
    study.close()
    assert optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path / 's.db'}").trials == []
    assert preview(NUMBERS, SearchConfig(), 3, refuse=never) == []


def test_after_some_proposals_a_trial_is_drawn_at_random() -> None:
    """A sampler that only proposes what breaks the wish does not end the search."""
    from sweep.search.samplers import Kept, sampler_for

    kinds = {"tpe": "ArrayTPESampler", "cmaes": "CmaSampler", "gp": "GPSampler"}
    for sampler, name in kinds.items():
        search = SearchConfig(sampler=sampler)
        made = [sampler_for(search, NUMBERS, 3, Kept(), (), (), attempt) for attempt in range(PROPOSALS + 2)]
        assert [type(one).__name__ for one in made[:PROPOSALS]] == [name] * PROPOSALS
        assert [type(one).__name__ for one in made[PROPOSALS:]] == ["RandomSampler"] * 2


def test_points_keep_what_they_name_and_draw_the_rest_again() -> None:
    points = [{"train.lr_g": 2e-4}, {"model.width": 9}]
    found = preview(SPACE, SearchConfig(), 3, points, too_wide)
    assert found[0]["train.lr_g"] == 2e-4
    assert found[1]["model.width"] == 9
    assert not any(map(too_wide, found))
    assert preview(SPACE, SearchConfig(), 3, [{"model.width": 60}], too_wide) == []


def test_a_grid_leaves_out_what_breaks_a_wish() -> None:
    space = Space({"model.width": Int(8, 32, step=8), "train.loss": Categorical(("bce", "lsgan"))})
    search = SearchConfig(sampler="grid", trials=99)
    found = preview(space, search, 99, refuse=too_wide)
    assert sorted((one["model.width"], one["train.loss"]) for one in found) == sorted(
        itertools.product((8, 16), ("bce", "lsgan"))
    )
    draws = Draws("s", space, search, refuse=too_wide)
    assert [draws.next() is not None for _ in range(6)] == [True] * 4 + [False] * 2
    assert draws.spent == "", "a grid ends as planned"


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("count", [11, 40, 300])
def test_tpe_draws_what_optunas_own_would_under_constraints(count: int, tmp_path: Path) -> None:
    """Few are feasible, some of those that are nearest are good; also of trials of every end and some that run."""
    from optuna.samplers import TPESampler

    params = preview(SPACE, SearchConfig(sampler="random", trials=count, seed=5), count)
    # Optuna finds out which keys go together, and draws first what the first trials have in common.
    params.sort(key=lambda one: "train.smoothing" in one)
    records = [
        PastTrial(number, one, Status.RUNNING)
        if number > count - 5 or number % 9 == 1
        else ended(number, one)
        for number, one in enumerate(params)
    ]
    for shift in (0.0, 5.0):  # then none is feasible
        shifted = [
            PastTrial(
                one.number,
                one.params,
                one.state,
                one.kimg,
                one.value,
                misses=[miss + shift for miss in one.misses],
            )
            for one in records
        ]
        search = SearchConfig(trials=count + 1, seed=3)
        study = Study.rebuild(tmp_path / f"{shift}.db", "s", SPACE, search, shifted)
        seed = int(np.random.SeedSequence([search.seed, count]).generate_state(1)[0])
        plain = optuna.create_study(
            sampler=TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
        )
        plain.add_trials([frozen(past, SPACE) for past in shifted])
        asked = study.ask()
        assert asked is not None
        assert asked.params == SPACE.suggest(plain.ask())
        study.close()


@given(st.data())
def test_trials_are_put_in_order_as_optuna_does(data: st.DataObject) -> None:
    from optuna.samplers._tpe.sampler import _split_trials

    from sweep.search.tpe import rank

    kinds = st.sampled_from([Status.FINISHED, Status.STOPPED, Status.COLLAPSED])
    miss = st.sampled_from([-1.0, 0.0, 0.25, 0.5, MOST])
    pasts = [
        PastTrial(
            number,
            {"model.width": 8, "train.lr_g": 1e-4},
            data.draw(kinds),
            data.draw(st.sampled_from([1.0, 2.0])),
            data.draw(st.sampled_from([0.1, 0.2, 0.3])),
            misses=(data.draw(miss), data.draw(miss)),
        )
        for number in range(data.draw(st.integers(1, 9)))
    ]
    study = optuna.create_study()
    study.add_trials([frozen(past, NUMBERS) for past in pasts])
    trials = study.get_trials(deepcopy=False)
    ours = sorted(trials, key=lambda trial: (rank(trial), trial.number))
    for below in range(len(trials) + 1):
        theirs, _ = _split_trials(study, trials, below)
        assert {one.number for one in theirs} == {one.number for one in ours[:below]}


def test_optunas_tools_see_who_is_feasible(tmp_path: Path) -> None:
    study = Study.create(tmp_path / "s.db", "s", NUMBERS, SearchConfig(trials=9))
    for number, misses in enumerate([(0.5, -1.0), (-0.1, 0.0), (-0.1, 0.2)]):
        asked = study.ask()
        assert asked is not None
        study.tell(PastTrial(number, asked.params, Status.FINISHED, 1.0, 0.1 * (number + 1), misses=misses))
    study.reopen(2)
    loaded = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path / 's.db'}")
    assert [one.system_attrs.get("constraints") for one in loaded.trials] == [[0.5, -1.0], [-0.1, 0.0], None]
    assert [list(one.constraints.values()) for one in loaded.trials] == [[0.5, -1.0], [-0.1, 0.0], []]
    assert loaded.best_trial.number == 1, "the first has the better value"
    study.close()


@pytest.mark.slow
def test_the_gaussian_process_models_the_wishes(tmp_path: Path) -> None:
    """Told the same values, it draws elsewhere where half of the space breaks a wish; rebuilt, it draws the same."""
    search = SearchConfig(sampler="gp", trials=99, seed=1)
    params = preview(NUMBERS, SearchConfig(sampler="random", trials=14), 14)
    drawn = []
    for path, wished in (("a", True), ("b", True), ("c", False)):
        pasts = [
            PastTrial(
                number,
                one,
                Status.FINISHED,
                1.0,
                -float(one["model.width"]),
                misses=((one["model.width"] - 20) / 20,) if wished else (),
            )
            for number, one in enumerate(params)
        ]
        study = Study.rebuild(tmp_path / f"{path}.db", "s", NUMBERS, search, pasts)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            asked = study.ask()
        assert asked is not None
        drawn.append(asked.params)
        study.close()
    assert drawn[0] == drawn[1]
    assert drawn[2]["model.width"] == 64
    assert drawn[0]["model.width"] < 40
