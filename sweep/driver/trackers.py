"""Tell other programs how trials go: TensorBoard, MLflow, Weights & Biases.

``track: [mlflow]`` in a spec switches one on, ``sweep run --tensorboard`` TensorBoard; all are off by default. The
driver tells them, one run a trial, so that workers need none of the packages. What they hold is a copy: when one of
them fails, the sweep goes on without it and says so. The step of a number is how many pictures had been shown.

A sweep that is resumed goes on in its own runs; another sweep of that name gets runs of its own (`SweepInfo.key`).
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from ganlib.errors import RequestError
from ganlib.names import MEASURED
from sweep.driver.events import Event
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial
from sweep.spec.sections import TRACKERS
from sweep.storage import layout
from sweep.storage.folder import Folder, MissingFileError

TOLD = (
    *MEASURED,
    *("loss_g", "loss_d", "score_real", "score_fake", "pixel_std", "similarity"),
    *("lr_g", "lr_d", "seconds_train", "seconds_eval"),
)
"""The columns of ``metrics`` that trackers get."""
RESULT = (*MEASURED, "kimg")
"""What trackers get of a result, as ``result_kid`` and so on; ``kimg`` is where that generator was."""
ENDS = tuple(status for status in Status if status is not Status.RUNNING)
"""Kinds of events after which a trial does not train."""


class Tracker(Protocol):
    """A program that is told of trials; every trial is started before anything else is told of it."""

    def start(self, trial: Trial) -> None:
        """Open the run of a trial: a new one, or the one that the trial has in this sweep."""

    def evaluation(self, trial: Trial, values: Mapping[str, float], step: int, grid: bytes | None) -> None:
        """Add numbers to a trial's run, and ``grid``, a PNG of 64 pictures."""

    def end(self, trial: Trial) -> None:
        """Close the run of a trial that has ended or was interrupted."""


def check(names: Sequence[str], folder: Folder) -> None:
    """Check that the trackers that are switched on can work here.

    Raises:
        RequestError: Naming the package to install, or what else is in the way.
    """
    for name in names:
        if find_spec(TRACKERS[name]) is None:
            raise RequestError(
                f"track: {name} is not installed here: pip install {TRACKERS[name]}, or leave it out of track"
            )
    if "tensorboard" in names and folder.local() is None:
        raise RequestError(f"TensorBoard's event files need a --storage on a disk, not {folder}")


class Tracking:
    """The trackers that are switched on for one sweep; give `event` every `Event`.

    Args:
        names: Of the trackers.
        folder: Of the sweep.
        info: The sweep's facts.
        say: Tells a person that a tracker has failed.
    """

    def __init__(
        self, names: Sequence[str], folder: Folder, info: SweepInfo, say: Callable[[str], None]
    ) -> None:
        self._folder, self._say = folder, say
        kinds: dict[str, Callable[[], Tracker]] = {
            "tensorboard": lambda: TensorBoard(folder.local(layout.TENSORBOARD) or Path()),
            "mlflow": lambda: MLflow(info.name, info.key),
            "wandb": lambda: WandB(info.name, info.key),
        }
        self._trackers: dict[str, Tracker] = {}
        self._told: dict[tuple[int, int], float] = {}
        self._open: set[int] = set()
        for name in names:
            self._guarded(name, lambda name=name: self._trackers.update({name: kinds[name]()}))  # type: ignore[misc]

    def event(self, event: Event) -> None:
        """Pass on what concerns a trial."""
        trial = event.trial
        if trial is None:
            return
        if event.kind != "start" and trial.number not in self._open:
            if event.kind != "result" and event.kind not in ENDS:
                return
            # A resumed sweep writes down how a trial ended that this process never started.
            self._pass_on(Event("start", trial), trial)
        self._pass_on(event, trial)

    def _pass_on(self, event: Event, trial: Trial) -> None:
        for name in list(self._trackers):
            self._guarded(name, lambda tracker=self._trackers[name]: self._tell(tracker, event, trial))  # type: ignore[misc]
        if self._closes(event, trial):
            self._open.discard(trial.number)
        else:
            self._open.add(trial.number)

    def _tell(self, tracker: Tracker, event: Event, trial: Trial) -> None:
        if event.kind == "start":
            tracker.start(trial)
        elif event.kind == "evaluation" or (event.kind in ENDS and event.kind != Status.INTERRUPTED):
            # The last evaluation comes with the end.
            row = event.detail if event.kind == "evaluation" else trial.last_row
            values = {name: float(row[name]) for name in TOLD if row.get(name) is not None}
            if values and self._told.get((id(tracker), trial.number)) != trial.kimg:
                self._told[id(tracker), trial.number] = trial.kimg
                tracker.evaluation(trial, values, round(1000 * trial.kimg), self._grid(trial))
        if event.kind == "result":
            values = {
                f"result_{name}": value for name in RESULT if (value := event.detail.get(name)) is not None
            }
            if values:
                tracker.evaluation(trial, values, round(1000 * trial.kimg), None)
        if self._closes(event, trial):
            tracker.end(trial)

    @staticmethod
    def _closes(event: Event, trial: Trial) -> bool:
        """Say whether nothing more comes of a trial: after its end, its result does."""
        return event.kind == "result" or (event.kind in ENDS and not trial.due)

    def _grid(self, trial: Trial) -> bytes | None:
        try:
            return self._folder.read(layout.grid(trial.number, trial.kimg))
        except MissingFileError:
            return None

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        """Do without a tracker from now on if ``work`` raises anything."""
        try:
            work()
        except Exception as error:
            self._trackers.pop(name, None)
            self._say(
                f"warning: {name} failed ({type(error).__name__}: {error}); the sweep goes on without it"
            )


class TensorBoard:
    """Event files, ``tensorboard/<trial>/`` in the sweep's folder: ``tensorboard --logdir runs/NAME/tensorboard``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[int, Any] = {}

    def start(self, trial: Trial) -> None:  # noqa: D102 - see Tracker
        from tensorboardX import SummaryWriter

        writer = SummaryWriter(str(self._folder / layout.name_of(trial.number)), flush_secs=5)
        self._writers[trial.number] = writer
        text = json.dumps({"seed": trial.seed, **trial.params}, indent=2)
        writer.add_text("configuration", f"```\n{text}\n```", trial.attempt)

    def evaluation(self, trial: Trial, values: Mapping[str, float], step: int, grid: bytes | None) -> None:  # noqa: D102
        writer = self._writers[trial.number]
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        if grid is not None:
            import numpy as np
            from PIL import Image

            picture = np.asarray(Image.open(io.BytesIO(grid), formats=("PNG",)).convert("RGB"))
            writer.add_image("samples", picture, step, dataformats="HWC")

    def end(self, trial: Trial) -> None:  # noqa: D102
        if writer := self._writers.pop(trial.number, None):
            writer.close()


class MLflow:
    """One experiment for each name of a sweep, one run a trial, wherever MLflow's own settings say.

    Runs are found again by their tags ``sweep`` (the sweep's key) and ``trial``.
    """

    def __init__(self, sweep: str, key: str) -> None:
        from mlflow import MlflowClient

        self._client, self._key = MlflowClient(), key
        found = self._client.get_experiment_by_name(sweep)
        self._experiment = found.experiment_id if found else self._client.create_experiment(sweep)
        self._runs: dict[int, str] = {}

    def start(self, trial: Trial) -> None:  # noqa: D102
        own = f"tags.sweep = '{self._key}' and tags.trial = '{trial.number}'"
        known = self._client.search_runs([self._experiment], own, max_results=1)
        if known:
            self._runs[trial.number] = known[0].info.run_id
            self._client.update_run(known[0].info.run_id, "RUNNING")
            return
        name, tags = f"trial {trial.number}", {"sweep": self._key, "trial": str(trial.number)}
        run = self._client.create_run(self._experiment, run_name=name, tags=tags)
        self._runs[trial.number] = run.info.run_id
        for path, value in {"seed": trial.seed, **trial.params}.items():
            self._client.log_param(run.info.run_id, path, value)

    def evaluation(self, trial: Trial, values: Mapping[str, float], step: int, grid: bytes | None) -> None:  # noqa: D102
        for name, value in values.items():
            self._client.log_metric(self._runs[trial.number], name, value, step=step)

    def end(self, trial: Trial) -> None:  # noqa: D102
        status = {Status.FAILED: "FAILED", Status.COLLAPSED: "FAILED", Status.INTERRUPTED: "KILLED"}.get(
            trial.status, "FINISHED"
        )
        self._client.set_tag(self._runs[trial.number], "status", trial.verdict or trial.status)
        self._client.set_terminated(self._runs.pop(trial.number), status)


class WandB:
    """One project for each name of a sweep, one run a trial; a run's id has the sweep's key."""

    def __init__(self, sweep: str, key: str) -> None:
        self._project, self._key = sweep, key
        self._runs: dict[int, Any] = {}

    def start(self, trial: Trial) -> None:  # noqa: D102
        import wandb

        self._runs[trial.number] = wandb.init(
            project=self._project,
            name=f"trial {trial.number}",
            id=f"{self._key}-{layout.name_of(trial.number)}",
            resume="allow",
            reinit="create_new",
            config={"seed": trial.seed, **trial.params},
        )

    def evaluation(self, trial: Trial, values: Mapping[str, float], step: int, grid: bytes | None) -> None:  # noqa: D102
        self._runs[trial.number].log(dict(values), step=step)

    def end(self, trial: Trial) -> None:  # noqa: D102
        run = self._runs.pop(trial.number)
        run.summary["status"] = trial.verdict or trial.status
        run.finish(exit_code=int(trial.status is Status.FAILED))
