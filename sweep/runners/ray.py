"""The Ray runner: trials as Tune trials, on one machine or a cluster.

Ray executes, the folder remembers. A Tune trial is one attempt of one of ours; the searcher and the scheduler
below only pass questions and reports to the `Director`. Ray's own checkpoints, retries, loggers and restore are
not used, and its state in ``ray/`` can be deleted at any time.
"""

import json
import logging
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from sweep.driver.director import Director
from sweep.driver.events import Next
from sweep.driver.room import Attempt
from sweep.formatting import duration, trial_numbers
from sweep.runners.capacity import UNITS, Demand, Placed, fits, largest_share, spread
from sweep.runners.leaving import LeavingError
from sweep.runners.ray_cluster import KIND, check_fits, connect, fitting_nodes, host_of, lost, nodes
from sweep.runners.nodes.offer import Offering
from sweep.runners.ray_pack import end_packs
from sweep.runners.nodes.preflight import preflight
from sweep.runners.nodes.ready import UnfitError
from sweep.runners.ray_worker import PACKED, TRIAL, UNFIT, TrialActor, end_process
from sweep.runners.starting.machines import wait_for_machines
from sweep.spec.sections import ResourcesConfig
from sweep.storage import layout
from sweep.worker.messages import Fault, from_plain

RECOUNT_SECONDS = 5.0
WAITING_SECONDS = 60.0
"""After so long it is said that a trial waits for its place, and from then on as often."""
DETECTION_SECONDS = 15.0
"""The worker's own watchdog comes first; the driver's is for one that cannot bite any more."""


class Signs:
    """The driver's watch over its workers: where each is, when it was last heard of, and what it died of.

    Args:
        timeout: Seconds without a sign of life after which a trial has hung; 0 for never.
        unfit: Why nodes cannot run trials, by Ray's names for them; those that are found out are added.
    """

    def __init__(self, timeout: float, unfit: dict[str, str] | None = None) -> None:
        self.timeout = timeout
        self.unfit = {} if unfit is None else unfit
        self.waiting: dict[Attempt, float] = {}
        self.processes: dict[Attempt, tuple[str, int]] = {}
        self.gpus: dict[Attempt, tuple[str, ...]] = {}
        self.heard: dict[Attempt, float] = {}
        self.causes: dict[Attempt, Fault] = {}
        self.packs: set[str] = set()

    def hear(self, attempt: Attempt) -> None:
        """Note a sign of life."""
        self.heard[attempt] = time.monotonic()

    def expect(self, attempt: Attempt) -> None:
        """Note that a trial waits for its place."""
        self.waiting[attempt] = time.monotonic()

    def greet(self, attempt: Attempt, node: str, pid: int, gpus: Sequence[str], pack: str) -> None:
        """Note the first sign of life, which tells where the trial is, and in which pack."""
        self.hear(attempt)
        self.waiting.pop(attempt, None)
        self.packs |= {pack} if pack else set()
        self.processes[attempt], self.gpus[attempt] = (node, pid), tuple(gpus)

    def forget(self, attempt: Attempt) -> Fault | None:
        """Forget an attempt that has ended; returns what is known of the cause."""
        for known in (self.waiting, self.heard, self.processes, self.gpus):
            known.pop(attempt, None)
        return self.causes.pop(attempt, None)

    def end_silent(self) -> None:
        """End the processes that have said nothing for too long."""
        limit = time.monotonic() - self.timeout - DETECTION_SECONDS
        for attempt in [attempt for attempt, heard in self.heard.items() if heard < limit]:
            self.causes[attempt] = Fault(
                "hung", f"no sign of life for {self.timeout:g} s (resources.timeout)"
            )
            del self.heard[attempt]
            end_process(*self.processes[attempt])


class DirectorSearcher(Searcher):  # type: ignore[misc]
    """Tune's searcher interface to a `Director`. Ray may pickle it: the director stays behind."""

    def __init__(self, director: Director, signs: Signs, packed: bool) -> None:
        super().__init__()
        self.director: Director | None = director
        self.signs, self.packed = signs, packed
        self.attempts: dict[str, Attempt] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"director": None}

    def suggest(self, trial_id: str) -> Any:  # noqa: ANN401 - Tune: a config, None or FINISHED
        """Give the next assignment."""
        assert self.director is not None
        assignment = self.director.next()
        if isinstance(assignment, Next):
            return Searcher.FINISHED if assignment is Next.DONE else None
        self.attempts[trial_id] = (assignment.trial, assignment.attempt)
        self.signs.expect(self.attempts[trial_id])
        return {TRIAL: assignment.plain(), PACKED: self.packed, UNFIT: sorted(self.signs.unfit)}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:  # noqa: ANN401
        """Take in that a worker ended. If it died, the director decides whether to try again."""
        assert self.director is not None
        attempt = self.attempts.pop(trial_id, None)
        if attempt is not None:
            # Ended trials were reported; whatever still counts as live was lost with its worker.
            died = Fault("died", died_of(self.signs.processes.get(attempt)))
            self.director.fail(*attempt, self.signs.forget(attempt) or died)

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: the folder remembers."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing: `sweep resume` starts a fresh Tuner."""


def died_of(process: tuple[str, int] | None) -> str:
    """Say what is known of a worker that ended without a word; its node lives, or it would be told of that."""
    where = (
        f"its process {process[1]} on {host_of(process[0])}"
        if process
        else "its process, before it said where it is,"
    )
    return f"{where} ended without a word: killed from outside, by the kernel for its memory too, or crashed"


class DirectorScheduler(FIFOScheduler):  # type: ignore[misc]
    """Tune's scheduler interface to a `Director`: ASHA, collapse and the budget decide there."""

    def __init__(self, director: Director, signs: Signs) -> None:
        super().__init__()
        self.director: Director | None = director
        self.signs = signs

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"director": None}

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:  # noqa: ANN401
        """Hand in a report; stop or go on as the director says."""
        assert self.director is not None
        attempt = _attempt(trial)
        if "hello" in result:
            self.signs.greet(attempt, *result["hello"])
            return str(TrialScheduler.CONTINUE)
        if "fault" in result:
            self.director.fail(
                *attempt, self.signs.causes.get(attempt) or Fault(**json.loads(result["fault"]))
            )
            return str(TrialScheduler.STOP)
        self.signs.hear(attempt)
        if "waiting" in result:
            return str(TrialScheduler.CONTINUE)
        go_on = self.director.report(from_plain(json.loads(result["report"])))
        return str(TrialScheduler.CONTINUE if go_on else TrialScheduler.STOP)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:  # noqa: ANN401
        """Take in that a worker died: Ray knows when that was its own memory monitor's doing."""
        attempt, error = _attempt(trial), _error_of(trial)
        cause = getattr(error, "cause", None) or error
        if attempt in self.signs.causes:
            return
        node, _ = self.signs.processes.get(attempt, ("", 0))
        if isinstance(error, ray.exceptions.OutOfMemoryError):
            self.signs.causes[attempt] = Fault(
                "memory", "Ray ended the worker: the machine ran out of memory"
            )
        elif isinstance(cause, UnfitError):
            why = f"{host_of(node)}: {cause}"
            self.signs.unfit[node] = why
            self.signs.causes[attempt] = Fault("node", f"no trials run on {why}")
        elif isinstance(cause, LeavingError):
            self.signs.causes[attempt] = Fault("preempted", str(cause))
        elif host := lost(node):
            self.signs.causes[attempt] = Fault("preempted", f"its machine {host} is gone")
        elif "creation task" in (said := str(error)):
            self.signs.causes[attempt] = Fault("error", said.splitlines()[-1], said)


def _error_of(trial: Any) -> Exception | None:  # noqa: ANN401 - a Tune trial
    """Read the error that ended a worker; Tune's own reader looks for it where it has not been copied to yet."""
    path = trial.pickled_error_file
    if path is None:
        return None
    with Path(path).open("rb") as file:
        error: Exception = ray.cloudpickle.load(file)
    return error


def _attempt(trial: Any) -> Attempt:  # noqa: ANN401 - a Tune trial
    assignment = trial.config[TRIAL]
    return assignment["trial"], assignment["attempt"]


def _resources(
    config: dict[str, Any], cpu: float, gpu: float, kinds: Sequence[str]
) -> tune.PlacementGroupFactory:
    """Say what a trial asks Ray for: its share of the spec's resources, and on which nodes."""
    demand = Demand.of(cpu, gpu, config[TRIAL]["share"])
    bundle = {"CPU": demand.cpu / UNITS, "GPU": demand.gpu / UNITS}
    labels = {KIND: f"in({','.join(kinds)})"} if kinds else {}
    labels |= {"ray.io/node-id": f"!in({','.join(config[UNFIT])})"} if config[UNFIT] else {}
    return tune.PlacementGroupFactory([bundle], **({"bundle_label_selector": [labels]} if labels else {}))


class Heartbeat(tune.Callback):  # type: ignore[misc]
    """Calls a function in every turn of Tune's loop."""

    def __init__(self, beat: Any) -> None:  # noqa: ANN401
        self.beat = beat

    def __getstate__(self) -> dict[str, Any]:
        return {"beat": None}

    def on_step_end(self, **info: Any) -> None:  # noqa: ANN401
        """About ten times a second."""
        self.beat()


class NobodyLeft(tune.Stopper):  # type: ignore[misc]
    """Ends Tune's loop when a sweep stops: trials that wait for their place would be waited for."""

    def __init__(self, director: Director, signs: Signs) -> None:
        self.director: Director | None = director
        self.signs: Signs | None = signs

    def __getstate__(self) -> dict[str, Any]:
        return {"director": None, "signs": None}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Let every trial go on: that is for the director to say."""
        return False

    def stop_all(self) -> bool:
        """Tell whether the sweep stops, and only such trials are left that have not begun."""
        if self.director is None or self.signs is None or not self.director.stopping:
            return False
        return bool(self.signs.waiting) and not self.signs.processes


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
        at_once = min(filter(None, (resources.max_concurrent, trials)), default=None)
        wanted = (resources.gpus, resources.cpu, resources.kinds if resources.gpus else ())
        if address is not None and not fitting_nodes(*wanted):
            wait_for_machines(*wanted, at_once or 1, say)
        total = ray.cluster_resources()
        self.gpu = resources.gpus if total.get("GPU", 0) > 0 else 0.0
        self.cpu, self.max_concurrent = resources.cpu, resources.max_concurrent
        self.kinds = resources.kinds if self.gpu else ()
        check_fits(self.gpu, self.cpu, self.kinds)
        self._attached = address is not None
        self._offering: Offering | None = None
        self._say: Callable[[str], None] = lambda line: None
        self._told_waiting = 0.0
        self.unfit: dict[str, str] = {}
        self.signs = Signs(0.0, self.unfit)
        self._nodes, self._counted = nodes(self.kinds), time.monotonic()
        self.gpu = spread(self._nodes.values(), self.cpu, self.gpu, at_once)
        self.packed = resources.packed(self.gpu)
        self.largest_share = largest_share(self._nodes.values(), self.cpu, self.gpu)
        self.threads = max(1, int(self.cpu))

    def at_once(self) -> int:
        """Count the trials that run at a time: what fits on the nodes, but not more than ``max_concurrent``."""
        slots = sum(node.holds(Demand.of(self.cpu, self.gpu)) for node in self._nodes.values())
        return min(slots, self.max_concurrent or slots)

    def fits(self, live: Mapping[Attempt, float], share: float) -> bool:
        """Say whether one more trial would start at once, on the nodes that are there now."""
        if self.max_concurrent and len(live) >= self.max_concurrent:
            return False
        if time.monotonic() - self._counted > RECOUNT_SECONDS:
            self._recount()
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
        tried, unfit = preflight(
            config, data_hash, folder, owner, self.gpu, self.cpu, self.threads, self.kinds, say, self._tell
        )
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
            numbers = trial_numbers(sorted(trial for trial, _ in self.signs.waiting))
            self._say(
                f"{numbers} waits for room on the cluster, which others use, or nodes have gone "
                f"({duration(time.monotonic() - since)} so far)"
            )

    def _recount(self) -> None:
        """Look which nodes are there now and can run trials."""
        self._nodes = {name: node for name, node in nodes(self.kinds).items() if name not in self.unfit}
        self._counted = time.monotonic()

    def _check_able(self, director: Director) -> None:
        """Halt where every node has turned out to be unfit: nothing would start any more."""
        demand = Demand.of(self.cpu, self.gpu)
        if self.unfit and not any(
            n.holds(demand) for name, n in self._nodes.items() if name not in self.unfit
        ):
            director.halt(f"no machine can run the trials: {'; '.join(self.unfit.values())}")

    def run(self, director: Director, beat: Any) -> None:  # noqa: ANN401
        """Train until the director has no more assignments."""
        # It calls a trial that was tried again "not complete"; real errors are raised.
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
        local = director.folder.local(layout.RAY)
        signs = self.signs = Signs(director.spec.resources.timeout, self.unfit)

        def turn() -> None:
            beat()
            signs.end_silent()
            self._tell()
            self._tell_waiting()
            self._check_able(director)

        with tempfile.TemporaryDirectory() as scratch:
            tuner = tune.Tuner(
                tune.with_resources(
                    TrialActor, partial(_resources, cpu=self.cpu, gpu=self.gpu, kinds=self.kinds)
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
