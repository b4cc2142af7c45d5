"""The Ray runner: trials as Tune trials, on one machine or a cluster.

Ray executes, the folder remembers. A Tune trial is one attempt of one of ours; the searcher and the scheduler
below only pass questions and reports to the `Director`. Ray's own checkpoints, retries, loggers and restore are
not used, and its state in ``ray/`` can be deleted at any time.
"""

import json
import logging
import tempfile
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sweep.cluster import check_fits, connect, fitting_nodes, slots  # isort: skip - sets Ray's environment

import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ganlib.errors import RequestError, WorkError
from sweep import __version__
from sweep.director import Director, Next

TRIAL = "assignment"
RECOUNT_SECONDS = 5.0


class TrialActor(tune.Trainable):  # type: ignore[misc]
    """One worker. It is reused for one trial after another, so that torch and the data are loaded once."""

    def setup(self, config: dict[str, Any]) -> None:
        """Take an assignment; the work starts with the first step, where errors can be reported."""
        self.assignment = config[TRIAL]
        self.run: Any = None

    def step(self) -> dict[str, Any]:
        """Train up to the next report."""
        from sweep.trial import Assignment, TrialRun

        try:
            if self.run is None:
                self.run = TrialRun(Assignment(**self.assignment))
            # As text: Tune flattens nested results.
            return {"report": json.dumps(asdict(next(self.run)))}
        except Exception as error:
            # As a result, not as an exception: so its text reaches the driver whole.
            self.run = None
            return {
                "failure": f"{type(error).__name__}: {error}",
                "traceback": traceback.format_exc(),
                "retry": not isinstance(error, RequestError),
            }

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next assignment; nothing of the old trial is kept but the process's caches."""
        self.setup(new_config)
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Never asked for: trials write their own checkpoints into the sweep's folder."""

    def load_checkpoint(self, checkpoint: Any) -> None:  # noqa: ANN401
        """Never asked for."""


class DirectorSearcher(Searcher):  # type: ignore[misc]
    """Tune's searcher interface to a `Director`. Ray may pickle it: the director stays behind."""

    def __init__(self, director: Director) -> None:
        super().__init__()
        self.director: Director | None = director
        self.attempts: dict[str, tuple[int, int]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"director": None}

    def suggest(self, trial_id: str) -> Any:  # noqa: ANN401 - Tune: a config, None or FINISHED
        """The next assignment."""
        assert self.director is not None
        assignment = self.director.next()
        if isinstance(assignment, Next):
            return Searcher.FINISHED if assignment is Next.DONE else None
        self.attempts[trial_id] = (assignment["trial"], assignment["attempt"])
        return {TRIAL: assignment}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:  # noqa: ANN401
        """A worker ended. If it died, the director decides whether to try again."""
        assert self.director is not None
        trial, attempt = self.attempts.pop(trial_id, (None, None))
        if trial is not None and attempt is not None:
            # Ended trials were reported; whatever still counts as live was lost with its worker.
            self.director.fail(
                trial, attempt, "the worker process died (killed, out of memory, or its node was lost)"
            )

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the folder remembers."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: `sweep resume` starts a fresh Tuner."""


class DirectorScheduler(FIFOScheduler):  # type: ignore[misc]
    """Tune's scheduler interface to a `Director`: ASHA, collapse and the budget decide there."""

    def __init__(self, director: Director) -> None:
        super().__init__()
        self.director: Director | None = director

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"director": None}

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:  # noqa: ANN401
        """Hand in a report; stop or go on as the director says."""
        assert self.director is not None
        if "failure" in result:
            assignment = trial.config[TRIAL]
            self.director.fail(assignment["trial"], assignment["attempt"], result["failure"], result["retry"])
            return str(TrialScheduler.STOP)
        go_on = self.director.report(json.loads(result["report"]))
        return str(TrialScheduler.CONTINUE if go_on else TrialScheduler.STOP)


class Heartbeat(tune.Callback):  # type: ignore[misc]
    """Calls a function in every turn of Tune's loop."""

    def __init__(self, beat: Any) -> None:  # noqa: ANN401
        self.beat = beat

    def __getstate__(self) -> dict[str, Any]:
        return {"beat": None}

    def on_step_end(self, **info: Any) -> None:  # noqa: ANN401
        """About ten times a second."""
        self.beat()


class RayRunner:
    """Runs a director's trials under Ray Tune.

    Args:
        gpu: of each trial; none is used where the cluster has none.
        cpu: of each trial.
        address: of a running cluster, or None to start Ray here.
        max_concurrent: trials at a time at most, or None for what fits.

    Raises:
        RequestError: if the cluster cannot be reached or has no node for such a trial.
    """

    name = "ray"

    def __init__(self, gpu: float, cpu: float, address: str | None, max_concurrent: int | None) -> None:
        connect(address)
        total = ray.cluster_resources()
        self.gpu = gpu if total.get("GPU", 0) > 0 else 0.0
        self.cpu, self.max_concurrent = cpu, max_concurrent
        check_fits(self.gpu, cpu)
        self._slots, self._counted = 0, 0.0
        self.threads = max(1, int(cpu))

    def room(self) -> int:
        """How many trials run at a time: ``max_concurrent``, or what fits on the nodes that are there now."""
        if self.max_concurrent:
            return self.max_concurrent
        if time.monotonic() - self._counted > RECOUNT_SECONDS:
            self._slots, self._counted = slots(self.gpu, self.cpu), time.monotonic()
        return self._slots

    @property
    def resources(self) -> dict[str, float]:
        """What one trial asks Ray for."""
        return {"cpu": self.cpu, "gpu": self.gpu}

    def preflight(self, config: dict[str, Any], data_hash: str, folder: str, owner: str) -> dict[str, str]:
        """Run `sweep.trial.preflight` on every node, so that what cannot work is said before trials start."""
        arguments = (json.dumps(config), data_hash, folder, owner, self.gpu, self.threads)
        tasks = []
        for node in fitting_nodes(self.gpu, self.cpu):
            here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = ray.remote(_preflight).options(
                num_cpus=self.cpu, num_gpus=self.gpu, max_retries=0, scheduling_strategy=here
            )
            tasks.append(task.remote(*arguments))
        try:
            outcomes: list[dict[str, str]] = ray.get(tasks)
        except ray.exceptions.RayError as error:
            raise WorkError(f"a worker could not prepare for the trials: {error}") from None
        for outcome in outcomes:
            if "request" in outcome:
                raise RequestError(outcome["request"])
            if outcome["sweep"] != __version__:
                raise WorkError(
                    f"{outcome['node']} has sweep {outcome['sweep']}, this machine {__version__}: install the "
                    "same version on all nodes"
                )
        return outcomes[0]

    def run(self, director: Director, beat: Any) -> None:  # noqa: ANN401
        """Train until the director has no more assignments."""
        # It calls a trial that was tried again "not complete"; real errors are raised.
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
        local = director.folder.local("ray")
        with tempfile.TemporaryDirectory() as scratch:
            tuner = tune.Tuner(
                tune.with_resources(TrialActor, self.resources),
                tune_config=tune.TuneConfig(
                    search_alg=DirectorSearcher(director),
                    scheduler=DirectorScheduler(director),
                    num_samples=-1,
                    reuse_actors=True,
                ),
                run_config=tune.RunConfig(
                    name="tune",
                    storage_path=str(local or Path(scratch)),
                    callbacks=[Heartbeat(beat)],
                    failure_config=tune.FailureConfig(max_failures=0),
                    verbose=0,
                ),
            )
            tuner.fit()

    def close(self) -> None:
        """Leave the cluster, or end the Ray that was started here."""
        ray.shutdown()


def _preflight(
    config: str, data_hash: str, folder: str, owner: str, gpu: float, threads: int
) -> dict[str, str]:
    from sweep.trial import preflight

    try:
        return preflight(json.loads(config), data_hash, folder, owner, gpu, threads)
    except RequestError as error:
        return {"request": str(error)}
