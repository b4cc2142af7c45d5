"""The checkpoints of one trial: write them, find the newest whole one, keep few.

A file's name tells the attempt that wrote it, its place in training and whether the run looked healthy there:
``002-000000012800-good.ckpt``. The newest attempt counts first: a worker that was thought dead may have gone on
writing for a while, but what came after it on the records came from later attempts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ganlib.export.files import pack_weights
from ganlib.training import checkpoint
from ganlib.training.fit import Fit
from sweep.records.event_kind import EventKind
from sweep.records.retention import drop
from sweep.storage import layout
from sweep.storage.folder import Folder
from sweep.worker.messages import Evaluated, from_plain, to_plain

GOOD = f"-good{layout.CHECKPOINT_SUFFIX}"


def history_of(saved: Mapping[str, Any]) -> list[Evaluated]:
    """Read the evaluations that a checkpoint holds."""
    return [_evaluated(json.loads(text)) for text in saved["history"]]


def _evaluated(plain: Mapping[str, Any]) -> Evaluated:
    report = from_plain({"kind": "evaluated", **plain})
    assert isinstance(report, Evaluated)
    return report


@dataclass
class Checkpoints:
    """Those of one trial, as one attempt writes and reads them.

    Attributes:
        damaged: Names of files that were passed over and not told of yet, and why.
        reseeded: What has begun anew because a checkpoint is of another kind of device, until it is told; else empty.
    """

    folder: Folder
    trial: int
    attempt: int
    device: torch.device

    def __post_init__(self) -> None:
        self.damaged: dict[str, str] = {}
        self.reseeded = ""
        self.path = layout.checkpoints(self.trial)

    def newest(self) -> dict[str, Any] | None:
        """Load the newest one that is whole; a damaged one is passed over for the one before it."""
        return self._first_whole(self._names())

    def good(self) -> dict[str, Any] | None:
        """Load the newest whole one at which the run looked healthy."""
        return self._first_whole([name for name in self._names() if name.endswith(GOOD)])

    def save(self, fit: dict[str, Any], history: Sequence[Evaluated], kimg: float, healthy: bool) -> None:
        """Write one; then keep the two newest (one to fall back on) and the newest good one.

        Args:
            fit: what `ganlib.training.fit.Fit.state` returned.
            history: all evaluations so far.
            kimg: where training is.
            healthy: whether a rollback may come back to it.
        """
        data = checkpoint.dump({"fit": fit, "history": [json.dumps(to_plain(report)) for report in history]})
        name = f"{self.attempt:03d}-{round(kimg * 1000):012d}{GOOD if healthy else layout.CHECKPOINT_SUFFIX}"
        self.folder.write(f"{self.path}/{name}", data)
        names = self._names()
        good = [name for name in names if name.endswith(GOOD)][:1]
        drop(self.folder, [f"{self.path}/{old}" for old in names[2:] if old not in good])

    def snap(self, fit: Fit, kimg: float) -> None:
        """Write the networks as they are, for an evaluation that is among the best."""
        # The discriminator first: a snapshot that is there has its discriminator.
        self.folder.write(
            f"{self.path}/{layout.discriminator_name(kimg)}", pack_weights(fit.step.discriminator)
        )
        self.folder.write(f"{self.path}/{layout.snapshot_name(kimg)}", pack_weights(fit.step.average))

    def began_anew(self, fit: Fit, device: str) -> None:
        """Note that random numbers do not go on, because ``fit`` was resumed on another kind of device."""
        self.reseeded = (
            f"the checkpoint at {fit.kimg:g} kimg is of another kind of device than {device}: weights, optimizers and "
            f"the order of pictures go on, random numbers begin anew from the trial's seed and its {fit.steps} steps"
        )

    def told(self) -> dict[str, Any]:
        """Give what nobody has been told of yet, as fields of a report: ``damaged`` maps paths to what is wrong."""
        damaged, self.damaged = self.damaged, {}
        reseeded, self.reseeded = self.reseeded, ""
        return {
            "damaged": {f"{self.path}/{name}": reason for name, reason in damaged.items()},
            "told": {EventKind.RESEEDED.value: reseeded} if reseeded else {},
        }

    def _names(self) -> list[str]:
        """Name the checkpoints, the newest first."""
        return sorted(
            (n for n in self.folder.names(self.path) if n.endswith(layout.CHECKPOINT_SUFFIX)), reverse=True
        )

    def _first_whole(self, names: list[str]) -> dict[str, Any] | None:
        for name in names:
            try:
                return checkpoint.load(self.folder.read(f"{self.path}/{name}"), name, self.device)
            except checkpoint.BrokenCheckpointError as error:
                self.damaged[name] = str(error)
        return None
