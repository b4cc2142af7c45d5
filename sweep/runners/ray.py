"""The Ray runner: trials as Tune trials, on one machine or a cluster.

Ray executes, the folder remembers. A Tune trial is one attempt of one of ours; the searcher and the scheduler of
`ray_tune` only pass questions and reports to the `Director`. Ray's own checkpoints, retries, loggers and restore are
not used, and its state in ``ray/`` can be deleted at any time.
"""

import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray import tune

from sweep.driver.director import Director
from sweep.driver.room import Attempt
from sweep.formatting import duration, trial_numbers
from sweep.runners import ray_environment
from sweep.runners.capacity import Demand, Placed, fits, largest_share, spread
from sweep.runners.fates import job_here
from sweep.runners.nodes.offer import Offering
from sweep.runners.nodes.preflight import preflight
from sweep.runners.ray_cluster import check_fits, connect, fitting_nodes, nodes
from sweep.runners.ray_pack import end_packs
from sweep.runners.ray_tune import (
    DirectorScheduler,
    DirectorSearcher,
    Heartbeat,
    NobodyLeft,
    Signs,
    resources_of,
)
from sweep.runners.ray_worker import TrialActor
from sweep.runners.starting.machines import wait_for_machines
from sweep.spec.sections import ResourcesConfig
from sweep.storage import layout

RECOUNT_SECONDS = 5.0
WAITING_SECONDS = 60.0
"""After so long it is said that a trial waits for its place, and from then on as often."""


class RayRunner:
    """Runs a director's trials under Ray Tune.

    Args:
        resources: Of a trial, as the spec says; no GPU is used where the cluster has none.
        address: Of a running cluster, or None to start Ray here.
        trials: How many there are at most; None where that is not known.
        say: Tells a person what is waited for.

    Raises:
        RequestError: if the cluster cannot be reached or has no node for such a trial.
    """

    name = "ray"

    def __init__(
        self,
        resources: ResourcesConfig,
        address: str | None,
        trials: int | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        connect(address)
        try:
            self._count(resources, address, trials, say)
        except BaseException:  # an interruption too: whoever goes on in this process is not left attached
            ray.shutdown()
            raise

    def _count(
        self, resources: ResourcesConfig, address: str | None, trials: int | None, say: Callable[[str], None]
    ) -> None:
        """Count what there is, and wait for it where machines are rented."""
        at_once = min(filter(None, (resources.max_concurrent, trials)), default=None)
        wanted = (resources.gpus, resources.cpu, resources.kinds if resources.gpus else ())
        if address is not None and not fitting_nodes(*wanted):
            wait_for_machines(*wanted, at_once or 1, say)
        total = ray.cluster_resources()
        self.gpu = resources.gpus if total.get("GPU", 0) > 0 else 0.0
        self.cpu, self.max_concurrent = resources.cpu, resources.max_concurrent
        self.kinds = resources.kinds if self.gpu else ()
        check_fits(self.gpu, self.cpu, self.kinds)
        self._attached, self.job = address is not None, job_here() if address is not None else ""
        self._offering: Offering | None = None
        self._say: Callable[[str], None] = lambda line: None
        self._told_waiting = 0.0
        self.unfit: dict[str, str] = {}
        self.signs = Signs(0.0, self.unfit)
        self._nodes = nodes(self.kinds)
        self.gpu = spread(self._nodes.values(), self.cpu, self.gpu, at_once)
        self.packed = resources.packed(self.gpu)
        self._recount()
        self.threads = max(1, int(self.cpu))

    def at_once(self) -> int:
        """Count the trials that run at a time: what fits on the nodes, but not more than ``max_concurrent``."""
        slots = sum(node.holds(Demand.of(self.cpu, self.gpu)) for node in self._nodes.values())
        return min(slots, self.max_concurrent or slots)

    def fits(self, live: Mapping[Attempt, float], share: float) -> bool:
        """Say whether one more trial would start at once, on the nodes that are there now."""
        if self.max_concurrent and len(live) >= self.max_concurrent:
            return False
        demands = {attempt: Demand.of(self.cpu, self.gpu, of) for attempt, of in live.items()}
        signs = self.signs
        placed = [
            Placed(signs.processes[attempt][0], signs.gpus[attempt], demand)
            for attempt, demand in demands.items()
            if attempt in signs.processes
        ]
        coming = [demand for attempt, demand in demands.items() if attempt not in signs.processes]
        return fits(self._nodes, placed, coming, Demand.of(self.cpu, self.gpu, share))

    def preflight(
        self, config: dict[str, Any], data_hash: str, folder: str, owner: str, say: Callable[[str], None]
    ) -> dict[str, Any]:
        """Try out the nodes that have room, so that what cannot work is said before trials start."""
        self._say = say
        if self._attached:
            self._offering = Offering(
                owner, data_hash, [config["evaluate"]["weights"], config["train"]["content_weights"]], say
            )
        known = config, data_hash, folder, owner
        ours = self.gpu, self.cpu, self.threads, self.kinds
        tried, unfit = preflight(*known, *ours, say, self._tell, self.packed)
        self.unfit.update(unfit)
        self._recount()
        return tried

    def _tell(self) -> None:
        if self._offering is not None:
            self._offering.tell()

    def _tell_waiting(self) -> None:
        """Say of trials that have long waited for their place that they do."""
        since = min(self.signs.waiting.values(), default=time.monotonic())
        if time.monotonic() - max(since, self._told_waiting) > WAITING_SECONDS:
            self._told_waiting = time.monotonic()
            numbers = sorted(trial for trial, _ in self.signs.waiting)
            self._say(
                f"{trial_numbers(numbers)} {'wait' if len(numbers) > 1 else 'waits'} for room on the cluster, which "
                "others use, or nodes have gone "
                f"({duration(time.monotonic() - since)} so far)"
            )

    def _recount(self) -> None:
        """Look which nodes are there now and can run trials."""
        there = nodes(self.kinds)
        self._there = frozenset(there)
        self._nodes = {name: node for name, node in there.items() if name not in self.unfit}
        self.largest_share = largest_share(self._nodes.values(), self.cpu, self.gpu)
        self._counted = time.monotonic()

    def _call_back(self, director: Director) -> None:
        """Have nobody wait for long for more than any machine has: the one that had it is gone."""
        for attempt, since in list(self.signs.waiting.items()):
            share = director.trials[attempt[0]].share
            if share > self.largest_share and time.monotonic() - since > WAITING_SECONDS:
                self.signs.call_back(
                    attempt, f"no machine is left that has {share:g} times the spec's resources"
                )

    def _check_able(self, director: Director) -> None:
        """Halt where all that is there has turned out to be unfit: nothing would start any more.

        Where no machine is there at all, others may come, as where none was ever unfit.
        """
        if self._unfit_alone():
            self._recount()  # the others may have come, or the unfit ones gone, since
            if unfit := self._unfit_alone():
                director.halt(f"no machine can run the trials: {'; '.join(unfit)}")

    def _unfit_alone(self) -> list[str]:
        """List why machines that are there cannot run trials; nothing where another can."""
        demand = Demand.of(self.cpu, self.gpu)
        if any(node.holds(demand) for name, node in self._nodes.items() if name not in self.unfit):
            return []
        return [why for name, why in self.unfit.items() if name in self._there]

    def run(self, director: Director, beat: Any) -> None:  # noqa: ANN401
        """Train until the director has no more assignments."""
        # It calls a trial that was tried again "not complete"; real errors are raised.
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
        ray_environment.hand_on()
        local = director.folder.local(layout.RAY)
        signs = self.signs = Signs(director.spec.resources.timeout, self.unfit)

        def turn() -> None:
            beat()
            signs.end_silent()
            if time.monotonic() - self._counted > RECOUNT_SECONDS:
                self._recount()
                self._call_back(director)
            self._tell()
            self._tell_waiting()
            self._check_able(director)

        with tempfile.TemporaryDirectory() as scratch:
            tuner = tune.Tuner(
                tune.with_resources(
                    TrialActor, partial(resources_of, cpu=self.cpu, gpu=self.gpu, kinds=self.kinds)
                ),
                tune_config=tune.TuneConfig(
                    search_alg=DirectorSearcher(director, signs, self.packed),
                    scheduler=DirectorScheduler(director, signs),
                    num_samples=-1,
                    reuse_actors=True,
                ),
                run_config=tune.RunConfig(
                    name="tune",
                    storage_path=str(local or Path(scratch)),
                    stop=NobodyLeft(director, signs),
                    callbacks=[Heartbeat(turn)],
                    failure_config=tune.FailureConfig(max_failures=0),
                    verbose=0,
                ),
            )
            try:
                tuner.fit()
            finally:
                end_packs(signs.packs)

    def close(self) -> None:
        """Leave the cluster, or end the Ray that was started here."""
        if self._offering is not None:
            self._offering.close()
        ray.shutdown()
