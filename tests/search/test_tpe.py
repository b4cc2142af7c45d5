"""TPE on arrays: it draws what Optuna's own would."""

import random

import pytest
from helpers.sweeps.studies import NUMBERS, SPACE, load, optuna, outcome

from sweep.records.status import Status
from sweep.search.draws import preview
from sweep.search.study import Study
from sweep.search.trial_source import PastTrial
from sweep.spec.sections import SearchConfig


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("count", [3, 11, 40, 300])
@pytest.mark.parametrize("ends", [outcome, lambda number, params: PastTrial(number, params, Status.STOPPED)])
def test_tpe_draws_what_optunas_own_would_of_the_same_trials(tmp_path, count, ends):
    """With trials of every end, some that still run, and parameters that only some trials have."""
    import numpy as np
    from optuna.samplers import TPESampler

    from sweep.search.ends import frozen

    params = preview(SPACE, SearchConfig(sampler="random", trials=count, seed=5), count)
    # Optuna finds out which keys go together, and draws first what the first trials have in common.
    params.sort(key=lambda one: "train.smoothing" in one)
    records = [
        PastTrial(number, one, Status.RUNNING) if number > count - 5 or number % 9 == 1 else ends(number, one)
        for number, one in enumerate(params)
    ]
    search = SearchConfig(trials=count + 1, seed=3)
    study = Study.rebuild(tmp_path / "study.db", "dcgan", SPACE, search, records)
    seed = int(np.random.SeedSequence([search.seed, count]).generate_state(1)[0])
    plain = optuna.create_study(
        sampler=TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
    )
    plain.add_trials([frozen(past, SPACE) for past in records])
    assert study.ask().params == SPACE.suggest(plain.ask())
    study.close()


@pytest.mark.parametrize("count", [0, 1, 2, 30, 3000])
def test_densities_are_those_of_optuna(count):
    """Of numbers with and without steps and logarithms, and of choices; also beyond the bounds."""
    import numpy as np
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna.samplers import TPESampler
    from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator

    from sweep.search.tpe import Estimator

    space = {
        "real": FloatDistribution(-1.0, 3.0),
        "log": FloatDistribution(1e-5, 1e-2, log=True),
        "step": FloatDistribution(0.0, 1.0, step=0.05),
        "int": IntDistribution(16, 128, step=16),
        "logint": IntDistribution(1, 100, log=True),
        "choice": CategoricalDistribution(("a", "b", "c")),
    }
    chance = np.random.RandomState(0)
    seen = {
        "real": chance.uniform(-1, 3, count),
        "log": 10 ** chance.uniform(-5, -2, count),
        "step": chance.randint(0, 20, count) * 0.05,
        "int": chance.randint(1, 9, count) * 16.0,
        "logint": chance.randint(1, 101, count).astype(float),
        "choice": chance.randint(0, 3, count).astype(float),
    }
    parameters = TPESampler(multivariate=True)._parzen_estimator_parameters
    ours, theirs = (one(seen, space, parameters) for one in (Estimator, _ParzenEstimator))
    drawn = theirs.sample(np.random.RandomState(1), 24)
    drawn["real"][0] = 5.0
    np.testing.assert_allclose(ours.log_pdf(drawn), theirs.log_pdf(drawn), rtol=1e-10, atol=1e-10)
    assert ours.log_pdf(drawn)[0] == -np.inf


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_a_trial_that_goes_on_counts_as_if_it_had_never_ended(tmp_path, sampler):
    search = SearchConfig(sampler=sampler, trials=100, seed=3)
    study = Study.create(tmp_path / "study.db", "dcgan", SPACE, search)
    records = []
    for _ in range(40):
        asked = study.ask()
        records.append(outcome(asked.number, asked.params))
        study.tell(records[-1])
    best = min(
        (one for one in records if one.state is Status.STOPPED and one.value), key=lambda one: one.value
    )
    study.reopen(best.number)
    records[best.number] = PastTrial(best.number, best.params, Status.RUNNING)
    anew = Study.rebuild(tmp_path / "anew.db", "dcgan", SPACE, search, records)
    assert study.ask() == anew.ask()
    trials = [load(tmp_path / name).trials for name in ("study.db", "anew.db")]
    assert [[one.state, one.values, one.intermediate_values] for one in trials[0]] == [
        [one.state, one.values, one.intermediate_values] for one in trials[1]
    ]
    end = PastTrial(best.number, best.params, Status.FINISHED, 40.0, 0.0)
    study.tell(end)
    anew.tell(end)
    assert study.ask() == anew.ask()


def test_tpe_does_not_mind_in_which_order_trials_ended(tmp_path):
    params = preview(NUMBERS, SearchConfig(sampler="random", trials=40), 40)
    drawn = []
    for seed in (1, 2):
        path, search = tmp_path / f"{seed}.db", SearchConfig(trials=50, seed=3)
        running = [PastTrial(number, one, Status.RUNNING) for number, one in enumerate(params)]
        study = Study.rebuild(path, "dcgan", NUMBERS, search, running)
        numbers = list(range(35))
        random.Random(seed).shuffle(numbers)
        for number in numbers:
            study.tell(outcome(number, params[number]))
        drawn.append([study.ask().params for _ in range(5)])
        study.close()
    assert drawn[0] == drawn[1]
