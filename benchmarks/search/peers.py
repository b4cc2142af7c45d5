"""What a search is compared with: Ray Tune as it comes, and a person's grid."""

import heapq
import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.search.curves import Params, World
from benchmarks.search.replay import WORKERS, Enough, Placed, Spent


def stock_ray(
    world: World, seed: int, trials: int, enough: Enough | None = None, workers: int = WORKERS
) -> Spent:
    """Search with Ray's OptunaSearch and ASHAScheduler, both with their defaults, without starting Ray.

    Their classes are asked and told as Tune does it. An iteration is an evaluation, all of them are measured on all
    pictures, nothing is called collapsed, and what a trial leaves is the generator of its last evaluation.
    """
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.optuna import OptunaSearch

    np.random.seed(seed)  # the scheduler draws brackets from NumPy's global state
    session, spent, ticks = world.session(seed), Spent(), itertools.count()
    space, placed = Placed(world.spec.space, session), dict[str, Params]()

    def define(trial: Any) -> None:
        placed["now"] = space.suggest(trial)

    search = OptunaSearch(space=define, metric="kid", mode="min", seed=seed)
    scheduler = ASHAScheduler(metric="kid", mode="min")
    speaking: list[tuple[float, int, str, int]] = []
    now, begun = 0.0, 0
    while True:
        while len(speaking) < workers and begun < trials:
            name, begun = str(begun), begun + 1
            search.suggest(name)
            spent.started[int(name)] = session.curve(int(name), placed["now"])
            scheduler.on_trial_add(None, SimpleNamespace(trial_id=name))
            heapq.heappush(speaking, (now + 1.0, next(ticks), name, 0))
        if not speaking or (enough is not None and enough(spent)):
            return spent
        now, _, name, index = heapq.heappop(speaking)
        curve, trial = spent.started[int(name)], SimpleNamespace(trial_id=name)
        spent.kimg += float(curve.kimg[index] - (curve.kimg[index - 1] if index else 0.0))
        result = {"kid": float(curve.full[index]), "training_iteration": index + 1}
        search.on_trial_result(name, result)
        stop = scheduler.on_trial_result(None, trial, result) == "STOP"
        if stop or index == len(curve.kimg) - 1:
            if not stop:
                scheduler.on_trial_complete(None, trial, result)
            search.on_trial_complete(name, result)
            spent.found.append((spent.kimg, int(name), float(curve.result[index])))
            if stop:
                spent.stopped[int(name)] = spent.found[-1][2]
        else:
            heapq.heappush(speaking, (now + 1.0, next(ticks), name, index + 1))


def person(world: World, seed: int) -> Spent:
    """Train a person's grid to its end: seven rates of the generator by five of the discriminator, else as usual."""
    session, spent = world.session(seed), Spent()
    for number, params in enumerate(_grid(world)):
        curve = spent.started[number] = session.curve(number, session.place(params))
        spent.kimg += float(curve.kimg[-1])
        spent.found.append((spent.kimg, number, curve.would_be))
    return spent


def _grid(world: World) -> Iterator[Params]:
    space = world.spec.space
    usual: dict[str, Any] = {
        "model.width": 16, "model.d_norm": "batch", "train.loss": "bce", "train.betas": [0.5, 0.999],
        "train.smoothing": 1.0, "train.label_real": 0.9, "train.r1_gamma": 1.0, "train.augment_p": 0.0,
        "train.diffaugment": [], "train.gamma": 1.0, "train.batch_size": 32,
    }  # fmt: skip
    rates = itertools.product(np.geomspace(1e-4, 2e-2, 7), np.geomspace(1e-4, 1e-2, 5))
    for lr_g, lr_d in rates:
        point = usual | {"train.lr_g": float(lr_g), "train.lr_d": float(lr_d)}
        yield space.walk(lambda path, _: point[path])  # noqa: B023 - walked at once
