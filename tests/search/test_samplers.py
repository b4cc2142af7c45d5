"""Samplers: what they suggest, what they learn, and when they end."""

import math
import random
import subprocess
import sys

import pytest
from helpers.sweeps.studies import GRID, NUMBERS, SPACE, load

from sweep.records.status import Status
from sweep.search.draws import preview
from sweep.search.study import Study
from sweep.search.trial_source import PastTrial
from sweep.spec.distributions import Float, Int
from sweep.spec.sections import SearchConfig


def test_the_search_ends(tmp_path):
    study = Study.create(tmp_path / "study.db", "dcgan", NUMBERS, SearchConfig(trials=2))
    assert [study.ask() is not None for _ in range(4)] == [True, True, False, False]
    study.close()
    more = Study.rebuild(tmp_path / "study.db", "dcgan", NUMBERS, SearchConfig(trials=3), [])
    assert more.ask().number == 0


def test_grid_is_every_combination_once_in_seeded_order(tmp_path):
    every = preview(GRID, SearchConfig(sampler="grid", trials=99), 99)
    assert len(every) == 3 * 3 + 3
    assert sorted(map(str, every)) == sorted(map(str, GRID.grid()))
    assert every != GRID.grid()
    assert preview(GRID, SearchConfig(sampler="grid", trials=99, seed=1), 99) != every
    assert preview(GRID, SearchConfig(sampler="grid", trials=5), 99) == every[:5]


def test_lists_are_choices_like_others(tmp_path):
    study = Study.create(tmp_path / "study.db", "dcgan", SPACE, SearchConfig())
    params = study.ask().params
    assert params["train.betas"] in ([0.5, 0.999], [0.0, 0.9])
    study.close()
    assert load(tmp_path / "study.db").trials[0].params["train.betas"] in ("[0.5, 0.999]", "[0.0, 0.9]")


def test_cmaes_finds_the_valley(tmp_path):
    """A quadratic bowl away from the middle: the last generation is nearer than the first."""
    search = SearchConfig(sampler="cmaes", trials=40, seed=1)
    study = Study.create(tmp_path / "study.db", "dcgan", NUMBERS, search)
    distances = []
    while (asked := study.ask()) is not None:
        x = (math.log10(asked.params["train.lr_g"]) + 5) / 2
        distances.append((x - 0.8) ** 2 + (asked.params["train.augment_p"] / 0.6 - 0.2) ** 2)
        if asked.number % 2:  # half of them stopped early; they count
            study.tell(PastTrial(asked.number, {}, Status.FINISHED, value=distances[-1]))
        else:
            study.tell(PastTrial(asked.number, {}, Status.STOPPED, 1.0, distances[-1]))
    assert sum(distances[-12:]) < 0.25 * sum(distances[:12])


@pytest.mark.parametrize(
    "distribution",
    [
        Float(0.8, 1.0, step=0.05),
        Float(2.0, 2.0),
        Float(1e-5, 1.0, log=True),
        Int(1, 100, log=True),
        Int(16, 112, step=32),
        Int(-3, 3),
    ],
)
def test_cmaes_maps_the_unit_interval_onto_the_range(distribution):
    from sweep.search.cma import _from_unit, _to_unit

    draw = random.Random(0)
    optuna_distribution = distribution.optuna()
    seen = set()
    for x in [0.0, 1.0, *(draw.random() for _ in range(300))]:
        value = _from_unit(distribution, x)
        assert optuna_distribution._contains(optuna_distribution.to_internal_repr(value))
        assert _from_unit(distribution, _to_unit(distribution, value)) == pytest.approx(value)
        seen.add(value)
    assert min(seen) == pytest.approx(distribution.low)
    assert max(seen) == pytest.approx(distribution.high)


def test_tpe_learns(tmp_path):
    study = Study.create(tmp_path / "study.db", "dcgan", NUMBERS, SearchConfig(trials=30, seed=2))
    distances = []
    while (asked := study.ask()) is not None:
        distances.append(abs(math.log10(asked.params["train.lr_g"]) + 4.5) + asked.params["train.augment_p"])
        study.tell(PastTrial(asked.number, {}, Status.FINISHED, value=distances[-1]))
    assert sum(distances[-10:]) < 0.5 * sum(distances[:10])


def test_samplers_import_what_they_need():
    """CMA-ES alone needs scipy.stats, which takes longer than all else of a search."""
    code = "import sys, sweep.search.study; assert not {'cmaes', 'scipy.stats'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
