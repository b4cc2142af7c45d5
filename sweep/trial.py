"""One trial, trained: the one door from the search to the GAN library.

A `TrialRun` turns an `Assignment` into a stream of `Report`s. It owns what a trial leaves behind beside its rows:
the sample grid, the checkpoint and the best generator, all written before the report is given out, so that a
report that was received never promises what is not there. If the checkpoint on disk is ahead of what the
driver has on record, the missing reports are given out again first: no finished evaluation is lost.
"""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from ganlib import collapse
from ganlib.config import TrialConfig
from ganlib.data.sheet import grid
from ganlib.errors import WorkError
from ganlib.export import pack_weights
from ganlib.metrics.identity import Floor
from ganlib.training import LATENT_SEED, Evaluation, Fit, Interrupted
from sweep import ledger
from sweep.before import png
from sweep.checkpoints import Checkpoints
from sweep.lease import Tenant
from sweep.retention import BEST
from sweep.storage import Folder
from sweep.watchdog import Watchdog
from sweep.workplace import describe, evaluator_of, images_of, place

GRID_COLUMNS = 8
PULSE_SECONDS = 5.0
"""A trial says at least this often that it lives, except during an evaluation."""
MEASURED = (
    *("kimg", "epoch", "loss_g", "loss_d", "score_real", "score_fake"),
    *("accuracy_real", "accuracy_fake", "pixel_std", "similarity"),
    *("lr_g", "lr_d", "seconds_train", "seconds_eval"),
)
"""What a row of ``metrics`` takes from an `Evaluation`, beside its score."""


@dataclass(frozen=True)
class Assignment:
    """Everything a worker needs to train one attempt of a trial; plain values, so that it travels as JSON."""

    sweep: str
    owner: str
    trial: int
    attempt: int
    seed: int
    metric: str
    config: dict[str, Any]
    data_hash: str
    threads: int = 1
    gpu: float = 0.0
    share: float = 1.0
    """Of the spec's resources."""
    timeout: float = 0.0
    """Seconds without a sign of life after which the worker ends itself; 0 for never."""
    seen_kimg: float = -1.0
    """The last evaluation that the driver has on record."""
    floor: list[dict[str, Any]] = field(default_factory=list)
    """What held-out real pictures score, for each number of pictures; see `ganlib.metrics.identity.Floor`."""


@dataclass(frozen=True)
class Report:
    """What a trial says after an evaluation, when it was interrupted, or as a sign of life; plain values."""

    trial: int
    attempt: int
    kimg: float
    row: dict[str, Any] | None = None
    """The new row of ``metrics``; None when interrupted between evaluations."""
    sample: dict[str, Any] | None = None
    value: float | None = None
    """The searched metric, smaller is better; None where it is not a finite number."""
    best: bool = False
    """Whether this is the trial's best value so far."""
    verdict: dict[str, Any] | None = None
    rolled_back: bool = False
    """Whether it goes on in spite of the verdict, from its last good checkpoint."""
    last: bool = False
    interrupted: bool = False
    pulse: bool = False
    device: str = ""
    node: str = ""
    signals: dict[str, Any] = field(default_factory=dict)
    suspicion: dict[str, Any] | None = None
    """Why the result is too good to be honest, and where the nearest real pictures are shown."""


class SupersededError(WorkError):
    """This worker was thought dead, and its trial is another's now."""


class TrialRun(Iterator[Report]):
    """Train one attempt of a trial; see the module's text.

    Raises:
        WorkError: when this machine's pictures are not those that the driver described.
    """

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.folder = Folder.open(assignment.sweep)
        torch.set_num_threads(max(1, assignment.threads))
        self.device = place(assignment.gpu)
        config = TrialConfig.model_validate_json(json.dumps(assignment.config))
        images = images_of(config.data)
        if images.hash != assignment.data_hash:
            raise WorkError(
                f"the pictures on {socket.gethostname()} are not those that the sweep began with "
                f"({images.hash[:12]} instead of {assignment.data_hash[:12]}): every node needs the same files, and "
                "nothing may write into their folders while a sweep runs"
            )
        self.history: list[Report] = []
        self.checkpoints = Checkpoints(self.folder, assignment.trial, assignment.attempt, self.device)
        saved = self.checkpoints.newest()
        if saved:
            self.history = [Report(**json.loads(text)) for text in saved["history"]]
        self._backlog = [report for report in self.history if report.kimg > assignment.seen_kimg + 1e-9]
        self.watchdog = Watchdog(assignment.timeout)
        self._tenant = Tenant(self.folder, assignment.owner)
        self._pulse = time.monotonic() + PULSE_SECONDS
        self.pictures = images.pictures
        self.evaluator = evaluator_of(config.data, config.evaluate, self.device)
        self.fit = Fit(
            config,
            images.pictures,
            self.evaluator,
            seed=assignment.seed,
            device=self.device,
            resume=saved["fit"] if saved else None,
            interrupt=self._pause,
            alive=self.watchdog.feed,
        )
        self.limits = config.collapse

    def _pause(self) -> bool:
        """Asked before every step: is it time to stop, or to say something?"""
        self.watchdog.feed()
        return self._tenant() or time.monotonic() >= self._pulse

    def __next__(self) -> Report:
        if self._backlog:
            return self._stamped(self._backlog.pop(0))
        self.watchdog.feed()
        try:
            return self._record(next(self.fit))
        except Interrupted:
            self._pulse = time.monotonic() + PULSE_SECONDS
            if not self._tenant.over:
                return self._said(pulse=True)
            self._refuse_if_superseded()
            self._save(healthy=False)
            return self._said(interrupted=True)
        finally:
            self.watchdog.rest()

    def _said(self, **what: Any) -> Report:  # noqa: ANN401
        return self._stamped(Report(self.assignment.trial, 0, self.fit.kimg, **what))

    def _refuse_if_superseded(self) -> None:
        """Leave the files alone when another worker has this trial by now; this one was thought dead."""
        newest = ledger.attempt(self.folder, self.assignment.trial)
        if newest > self.assignment.attempt:
            raise SupersededError(
                f"attempt {self.assignment.attempt} of trial {self.assignment.trial} has been superseded by {newest}"
            )

    def _stamped(self, report: Report) -> Report:
        """The report as of this attempt, on this machine."""
        attempt, device = self.assignment.attempt, describe(self.device)
        plain = asdict(report) | {"attempt": attempt, "device": device, "node": socket.gethostname()}
        for part in ("row", "sample"):
            if plain[part]:
                plain[part] = plain[part] | {"attempt": attempt}
        return Report(**plain)

    def _record(self, evaluation: Evaluation) -> Report:
        self._refuse_if_superseded()
        signals = self._signals(evaluation)
        past = self._signals_since_rollback()
        verdict = collapse.judge([*past, signals], self.limits)
        value = (
            getattr(evaluation.score, self.assignment.metric) if evaluation.score and not verdict else None
        )
        roll_back = verdict is not None and not evaluation.last and self._may_roll_back()
        # Values on fewer pictures do not compare with this one.
        past_rows = [(report.value, report.row or {}) for report in self.history if report.value is not None]
        values = [other for other, row in past_rows if (row.get("stage") or 0) == evaluation.stage]
        report = Report(
            trial=self.assignment.trial,
            attempt=self.assignment.attempt,
            kimg=evaluation.kimg,
            row=self._row(evaluation)
            | {"verdict": verdict.kind if verdict else None, "rolled_back": roll_back},
            sample=self._write_sample(evaluation),
            value=value,
            best=value is not None and value < min(values, default=float("inf")),
            verdict=verdict.to_dict() if verdict else None,
            rolled_back=roll_back,
            last=evaluation.last,
            signals=asdict(signals),
            suspicion=self._suspicion(evaluation),
        )
        self.history.append(report)
        if report.best:
            weights = pack_weights(self.fit.step.average)
            self.folder.write(f"{self.checkpoints.place}/{BEST}", weights)
        if roll_back:
            saved = self.checkpoints.good()
            self.fit.roll_back(saved["fit"] if saved else None, self.limits.lr_factor)
            self._save(healthy=False)
        if not verdict:
            self._save(healthy=collapse.healthy([*past, signals], self.limits))
        return self._stamped(report)

    def _may_roll_back(self) -> bool:
        return self.limits.policy == "rollback" and self.fit.rollbacks < self.limits.max_rollbacks

    def _signals_since_rollback(self) -> list[collapse.Signals]:
        """What the verdict looks at: what came before a rollback is forgiven."""
        last = max((i + 1 for i, report in enumerate(self.history) if report.rolled_back), default=0)
        return [collapse.Signals(**report.signals) for report in self.history[last:]]

    def _signals(self, evaluation: Evaluation) -> collapse.Signals:
        names = collapse.Signals.__dataclass_fields__.keys() - {"metric"}
        # FID is always positive, so that "five times the best" has a meaning; KID may be zero.
        metric = evaluation.score.fid if evaluation.score else None
        return collapse.Signals(metric=metric, **{name: getattr(evaluation, name) for name in names})

    def _row(self, evaluation: Evaluation) -> dict[str, Any]:
        row = {name: getattr(evaluation, name) for name in MEASURED}
        score = asdict(evaluation.score) if evaluation.score else {}
        ids = {"trial": self.assignment.trial, "attempt": self.assignment.attempt}
        identity = {"data_hash": self.assignment.data_hash, "ema": True, "stage": evaluation.stage}
        return row | score | ids | identity

    def _suspicion(self, evaluation: Evaluation) -> dict[str, Any] | None:
        """Whether the score is below that of real pictures; then shows the nearest real ones of some."""
        score = evaluation.score
        floors = [Floor(**floor) for floor in self.assignment.floor]
        floor = next((floor for floor in floors if score and floor.n_fake == score.n_fake), None)
        reason = floor.beaten_by(score.fid, score.kid, score.kid_se) if floor and score else None
        if reason is None:
            return None
        made = evaluation.grid[:GRID_COLUMNS]
        nearest = self.evaluator.nearest_real(torch.from_numpy(made).permute(0, 3, 1, 2))
        real = self.pictures[nearest.indices[:, 0].numpy()]
        path = f"images/{self.assignment.trial:05d}/{evaluation.kimg:.3f}-nearest.png"
        self.folder.write(path, png(grid(np.concatenate([made, real]), GRID_COLUMNS)))
        return {"reason": reason, "path": path, "distances": nearest.distances[:, 0].tolist()}

    def _write_sample(self, evaluation: Evaluation) -> dict[str, Any]:
        path = f"images/{self.assignment.trial:05d}/{evaluation.kimg:.3f}.png"
        self.folder.write(path, png(grid(evaluation.grid, GRID_COLUMNS)))
        return {
            "trial": self.assignment.trial,
            "attempt": self.assignment.attempt,
            "kimg": evaluation.kimg,
            "path": path,
            "rows": len(evaluation.grid) // GRID_COLUMNS,
            "cols": GRID_COLUMNS,
            "latents": f"normal:{LATENT_SEED}",
        }

    def _save(self, healthy: bool) -> None:
        history = [asdict(report) for report in self.history]
        self.checkpoints.save(self.fit.state(), history, self.fit.kimg, healthy)
