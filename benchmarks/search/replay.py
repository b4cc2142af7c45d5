"""Replay a search: the real director, study and rungs, with learning curves in the place of training.

The director keeps its records in memory, and its clock is the training of the trials. Nothing else is replaced.
"""

import copy
import heapq
import itertools
import math
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.made_up import IDENTITY, Wide, Worker
from benchmarks.search.curves import Curve, Session, World
from benchmarks.search.variants import Trick, Tried
from ganlib.config import TrialConfig
from sweep.driver.director import Director
from sweep.driver.endings import Endings
from sweep.driver.events import Next
from sweep.records.datasets import Store
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.search import study_file
from sweep.search.study import Study
from sweep.spec.schedule import Schedule
from sweep.spec.sections import AshaConfig, SearchConfig
from sweep.spec.space import Space
from sweep.spec.specification import Spec

WORKERS = 4
IMAGES = 3000


@dataclass
class Spent:
    """What a search found, and what it had spent by then.

    Attributes:
        found: (kimg trained by all trials together, trial, result) at each result, in order.
        started: The curve of each trial that was begun.
        stopped: Of each trial that was stopped, its result.
        kimg: All training.
    """

    found: list[tuple[float, int, float]] = field(default_factory=list)
    started: dict[int, Curve] = field(default_factory=dict)
    stopped: dict[int, float] = field(default_factory=dict)
    kimg: float = 0.0

    def to_reach(self, target: float) -> float:
        """Say how much training it took until a result was as good as a target; infinite where none was."""
        return next((kimg for kimg, _, value in self.found if value <= target), math.inf)

    def best(self, kimg: float = math.inf) -> float:
        """Say what the best result was after so much training."""
        return min((value for spent, _, value in self.found if spent <= kimg), default=math.inf)

    def lost_winners(self, kimg: float = math.inf, top: int = 3) -> int:
        """Count the trials that would have been among the best of those begun, and were stopped before they were."""
        told = {trial for spent, trial, _ in self.found if spent <= kimg}
        best = sorted(told, key=lambda trial: self.started[trial].would_be)[:top]
        return sum(self.stopped.get(trial, -math.inf) > self.started[trial].would_be for trial in best)


@dataclass(frozen=True)
class Enough:
    """When a replay has shown what is asked of it.

    Attributes:
        budget: All are trained for so long, in kimg.
        target: And until a result is as good.
        limit: Or until so much was trained, in kimg.
    """

    budget: float
    target: float = math.inf
    limit: float = math.inf

    def __call__(self, spent: Spent) -> bool:
        """Say whether it is enough."""
        return spent.kimg >= self.limit or (spent.kimg >= self.budget and spent.best() <= self.target)


class Memory(Store):
    """Records that are kept in memory alone."""

    def begin(self) -> None:
        """Do nothing: there are no files."""

    def expect_new(self, trial: int) -> None:
        """Look for nothing."""

    def compact(self, done: Iterable[int] = ()) -> set[int]:
        """Do nothing: there are no files."""
        return set()

    def texts(self, dataset: str, trial: int) -> list[str]:
        """Give nothing to the ledger."""
        return []

    def _from_disk(self, dataset: str, trial: int | None) -> list[dict[str, Any]]:
        return []

    def _write(self, dataset: str, trial: int | None, rows: list[dict[str, Any]]) -> None:
        self._known.put(dataset, trial, rows)


class Nowhere:
    """A folder without files."""

    url = "/nowhere"
    name = "nowhere"

    def names(self, path: str) -> list[str]:
        """List nothing."""
        return []

    def exists(self, path: str) -> bool:
        """Say no."""
        return False

    def write(self, path: str, data: bytes) -> None:
        """Write nothing."""

    def delete(self, path: str) -> None:
        """Delete nothing."""


class Placed(Space):
    """A space whose proposals are answered by the configurations of a world; a study learns of those."""

    def __init__(self, space: Space, session: Session) -> None:
        super().__init__(dict(space))
        self._session = session

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Ask an Optuna trial, and put the configuration in its place that is trained."""
        placed = dict(self._session.place(super().suggest(trial)))
        storage, identity = trial.storage, trial._trial_id
        known = copy.copy(storage.get_trial(identity))
        known.params, known.distributions = self.stored(placed), self.distributions(placed)
        storage._set_trial(identity, known)
        return placed


@cache
def _empty_study() -> Path:
    """Make the file of a study once: a copy of it costs nothing."""
    path = Path(tempfile.mkdtemp(prefix="sweep-search-")) / "empty.db"
    study_file.create(path, "replay")
    return path


class Unread:
    """The file of a study that nobody reads."""

    def put(self, trials: Iterable[Any]) -> None:
        """Write nothing."""

    def later(self, trial: object) -> None:
        """Write nothing."""

    def close(self) -> None:
        """Do nothing."""


class Untrained(Spec):
    """A spec whose trials are not trained: the configuration of one stands for all."""

    def trial_config(self, params: Mapping[str, Any], schedule: Schedule) -> TrialConfig:
        """Give the configuration of the first trial that was asked for."""
        made: TrialConfig | None = self.__dict__.get("made")
        if made is None:
            made = self.__dict__["made"] = super().trial_config(params, schedule)
        return made


def director_for(spec: Spec, session: Session, seed: int, workers: int) -> Director:
    """Make the director of a sweep that keeps nothing on disk."""
    parts = {one.name: getattr(spec, one.name) for one in fields(spec)}
    spec = Untrained(**parts | {"search": spec.search.model_copy(update={"seed": seed})})
    schedule = spec.schedule(IMAGES)
    info = SweepInfo(
        name="replay", created=datetime.now(UTC), images=IMAGES, data_hash="cd" * 32, metric=spec.search.metric,
        trials=spec.search.trials, extractor=IDENTITY["extractor"], extractor_digest=IDENTITY["extractor_digest"],
        runner="local", device="cpu", budget=schedule.budget, interval=schedule.interval, rungs=schedule.rungs,
        ladder=schedule.ladder, versions={"sweep": "benchmark"},
    )  # fmt: skip
    path = _empty_study().with_name("study.db")
    shutil.copy(_empty_study(), path)
    study = Study(path, "replay", Placed(spec.space, session), spec.search, (), spec.configs)
    study.close()
    study._file = Unread()  # type: ignore[assignment]
    return Director(spec, info, Memory(Nowhere(), spec.space.kinds()), study, "replay", Wide(workers))  # type: ignore[arg-type]


def replay(
    world: World,
    spec: Spec,
    seed: int,
    enough: Enough | None = None,
    trick: Trick | None = None,
    workers: int = WORKERS,
) -> Spent:
    """Run a sweep of a world until its trials are done, or that was enough.

    Args:
        world: What answers.
        spec: The sweep: its sampler, trials and rungs.
        seed: Of the search.
        enough: When nothing more is to be trained; None for when all trials are done.
        trick: A variant of the rungs.
        workers: Trials at a time.
    """
    session = world.session(seed)
    director = director_for(spec, session, seed, workers)
    if trick is not None:
        tried = Tried(director.records.store, spec, director.info)
        tried.trick = trick
        director.rungs, director.endings = tried, Endings(tried, director.hours)
    spent, ticks = Spent(), itertools.count()
    speaking: list[tuple[float, int, Worker]] = []
    now = 0.0
    while True:
        while not isinstance(assignment := director.next(), Next):
            number = assignment.trial
            spent.stopped.pop(number, None)  # it goes on
            if number not in spent.started:
                spent.started[number] = session.curve(number, director.trials[number].params)
            worker = Worker(assignment, spent.started[number].points(director.info.schedule))
            heapq.heappush(speaking, (now + worker.points[0].kimg - _at(worker), next(ticks), worker))
        if not speaking or (enough is not None and enough(spent)):
            director.source.close()  # type: ignore[attr-defined]
            return spent
        now, _, worker = heapq.heappop(speaking)
        trial = director.trials[worker.given.trial]
        spent.kimg += worker.points[0].kimg - _at(worker)
        goes_on = director.report(worker.evaluated())
        if trial.due:
            director.report(worker.measured())
            spent.found.append(
                (spent.kimg, trial.number, trial.value if trial.value is not None else math.inf)
            )
            if trial.status is Status.STOPPED:
                spent.stopped[trial.number] = spent.found[-1][2]
        elif goes_on:
            heapq.heappush(speaking, (now + worker.points[0].kimg - trial.kimg, next(ticks), worker))


def _at(worker: Worker) -> float:
    """Say how far a worker's trial is, in kimg."""
    return max((kimg for kimg in worker.made if kimg < worker.points[0].kimg), default=0.0)


def with_search(spec: Spec, search: Mapping[str, Any], asha: Mapping[str, Any] | None) -> Spec:
    """Give a spec with another search and other rungs; None for no rungs."""
    plain = spec.search.model_dump() | dict(search)
    rungs = None if asha is None else AshaConfig.model_validate({"unit": "kimg", **asha})
    return replace(spec, search=SearchConfig.model_validate(plain), asha=rungs)
