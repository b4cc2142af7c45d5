"""Train configurations of a space for real: under stock Ray Tune, and the winners of searches once more."""

import json
import math
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.search.table import kid_of
from benchmarks.search.tally import Line, Tally
from sweep.spec.specification import Spec, parse

ROOT = Path(__file__).parents[2]
WORKERS = 2
PICTURES = 512
"""Pictures on which winners are measured again."""
STORE_BYTES = 100 * 2**20
"""Ray's memory for objects that processes share; here nothing large is shared."""


def trained(spec: Spec, params: dict[str, Any], seed: int) -> Iterator[tuple[Any, Callable[[int], float]]]:
    """Train a configuration, to its end or until its pictures are no longer finite.

    Yields:
        An evaluation, and what measures the generator as it then is: KID of so many pictures, on the latents of
        results; infinite where they are not finite.
    """
    import torch

    from ganlib.heap import keep_memory
    from ganlib.metrics import NonFiniteError
    from ganlib.training.fit import Fit
    from ganlib.training.making import at_work
    from sweep.worker.shared import evaluator_of, sets_of

    torch.set_num_threads(1)
    keep_memory()
    config = spec.trial_config(params, spec.schedule(spec.data.count or 0))
    evaluator, pictures = evaluator_of(config, torch.device("cpu")), sets_of(config).drawings.pictures
    fit = Fit(config, pictures, evaluator, seed=seed, device="cpu", extent_at_end="brief")  # type: ignore[arg-type]

    def result(count: int) -> float:
        work = at_work(fit.step.sample, None, fit.inputs, "result", lambda: None)
        try:
            return float(kid_of(evaluator, evaluator.features(work, count)).mean)  # type: ignore[union-attr]
        except NonFiniteError:
            return math.inf

    for evaluation in fit:
        if evaluation.score is None:
            return
        yield evaluation, result


def again(text: str, params: dict[str, Any], kimg: float, seed: int) -> float | None:
    """Train a winner with another seed for as long as the generator that won, and measure it on many pictures.

    Args:
        text: The spec.
        params: The winner's.
        kimg: How far the generator had trained that won.
        seed: A fresh one.

    Returns:
        KID; None where the pictures were no longer finite.
    """
    for evaluation, result in trained(parse(text), params, seed):
        if evaluation.kimg >= kimg - 1e-6:
            found = result(PICTURES)
            return found if math.isfinite(found) else None
    return None


@contextmanager
def ray_folder() -> Iterator[str]:
    """Give Ray a folder of its own, whose name is short enough for its sockets."""
    folder = tempfile.mkdtemp(prefix="fresh-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stock_ray(text: str, folder: Path, tally: Tally, budget: float) -> None:
    """Search with Ray Tune as it comes: OptunaSearch and ASHAScheduler, both with their defaults.

    An iteration is an evaluation, on all pictures; a trial leaves its last generator. Tune does not keep the rungs of
    its scheduler when it is interrupted, so that a search can only be begun anew.

    Args:
        text: The spec, of which searched keys, seed and training are used.
        folder: Tune's results.
        tally: Told of every evaluation and result.
        budget: The search ends when all trials together have trained for so long, in kimg.
    """
    from sweep.runners.ray_environment import prepare

    prepare()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    os.environ["OMP_NUM_THREADS"] = "1"
    import ray

    from sweep.runners.starting.here import start_here

    with ray_folder() as own:
        start_here(_temp_dir=own, object_store_memory=STORE_BYTES, log_to_driver=False, logging_level="ERROR")
        try:
            _tune(text, folder, tally, budget)
        finally:
            ray.shutdown()


def _tune(text: str, folder: Path, tally: Tally, budget: float) -> None:
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.optuna import OptunaSearch

    spec = parse(text)

    def train(config: dict[str, Any]) -> None:
        seed = zlib.crc32(json.dumps(config, sort_keys=True).encode())
        for evaluation, result in trained(parse(text), config, seed):
            told = {"kid": evaluation.score.kid, "kimg": evaluation.kimg}
            tune.report(told | {"result": result(spec.evaluate.n_fake)})

    class Telling(tune.Callback):
        def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            tally.add(Line(trial.trial_id, 0.0))

        def on_trial_result(
            self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
        ) -> None:
            tally.add(Line(trial.trial_id, result["kimg"]))

        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            last = trial.last_result or {}
            kimg, result = last.get("kimg", 0.0), last.get("result", math.nan)
            found = result if math.isfinite(result) else None
            tally.add(Line(trial.trial_id, kimg, True, found, kimg, dict(trial.config)))

        def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            tally.add(Line(trial.trial_id, 0.0, True))

    class Spending(tune.Stopper):
        reached: dict[str, float]

        def __init__(self) -> None:
            self.reached = {}

        def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
            self.reached[trial_id] = result["kimg"]
            return False

        def stop_all(self) -> bool:
            return sum(self.reached.values()) >= budget

    tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        tune_config=tune.TuneConfig(
            search_alg=OptunaSearch(
                space=spec.space.suggest, metric="kid", mode="min", seed=spec.search.seed
            ),
            scheduler=ASHAScheduler(metric="kid", mode="min"),
            num_samples=-1,
            max_concurrent_trials=WORKERS,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(folder),
            stop=Spending(),
            callbacks=[Telling()],
            failure_config=tune.FailureConfig(fail_fast=True),
            verbose=0,
        ),
    ).fit()
