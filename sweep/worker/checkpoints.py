"""The checkpoints of one trial: write them, find the newest whole one, keep few.

A file's name tells the attempt that wrote it, its place in training and whether the run looked healthy there:
``002-000000012800-good.ckpt``. The newest attempt counts first: a worker that was thought dead may have gone on
writing for a while, but what came after it on the records came from later attempts.

A checkpoint is large, so that it is written while training goes on, and not at every evaluation where these come
quickly. What was evaluated is small, and is written at once: ``002-history.json``. An attempt that begins with a
checkpoint which is older than the newest evaluation trains that part again, and neither evaluates nor decides again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from ganlib.digests import DamagedError, ForeignError, with_digest, without_digest
from ganlib.export.files import pack_weights
from ganlib.steps.copies import mark
from ganlib.training import checkpoint
from ganlib.training.fit import Fit
from sweep.records.event_kind import EventKind
from sweep.records.retention import drop
from sweep.storage import layout
from sweep.storage.folder import Folder
from sweep.worker.apart import Background
from sweep.worker.history import History

GOOD = f"-good{layout.CHECKPOINT_SUFFIX}"
MAGIC = b"sweep-history-1"

SAVE_SECONDS = 15.0
"""Seconds between two checkpoints at least, where a trial only goes on. So much training, and an interval between two
evaluations, is done again when a worker is lost: less than a new worker needs to start. One checkpoint of a common
network takes most of a second to write, which is as long as a GPU may need for an interval."""


@dataclass
class Checkpoints:
    """Those of one trial, as one attempt writes and reads them.

    Errors of the disk in the background are raised by the next call of `save`, `settle` or `told`.

    Attributes:
        damaged: Names of files that were passed over and not told of yet, and why.
        reseeded: What has begun anew because a checkpoint is of another kind of device, until it is told; else empty.
    """

    folder: Folder
    trial: int
    attempt: int
    device: torch.device
    _background: Background = field(default_factory=lambda: Background("sweep-saving"))

    def __post_init__(self) -> None:
        self._saved = time.monotonic()
        self.damaged: dict[str, str] = {}
        self.reseeded = ""
        self.path = layout.checkpoints(self.trial)

    def newest(self) -> dict[str, Any] | None:
        """Load the newest one that is whole; a damaged one is passed over for the one before it."""
        return self._first_whole(self._names())

    def good(self) -> dict[str, Any] | None:
        """Load the newest whole one at which the run looked healthy."""
        return self._first_whole([name for name in self._names() if name.endswith(GOOD)])

    def history(self, saved: dict[str, Any] | None) -> History:
        """Read the evaluations so far: the longest that is known.

        Args:
            saved: the checkpoint that training begins with, which knows those before it.
        """
        known: list[list[str]] = [saved["history"] if saved else []]
        for name in self._names(layout.HISTORY_SUFFIX):
            try:
                known.append(
                    without_digest(MAGIC, self.folder.read(f"{self.path}/{name}")).decode().splitlines()
                )
            except (DamagedError, ForeignError) as error:
                self.damaged[name] = str(error)
        return History(max(known, key=len))

    def record(self, history: History) -> None:
        """Write down what was evaluated; it is there when this returns."""
        name = f"{self.attempt:03d}{layout.HISTORY_SUFFIX}"
        self.folder.write(f"{self.path}/{name}", with_digest(MAGIC, "\n".join(history.lines).encode()))

    def due(self) -> bool:
        """Say whether it is time for the next one, and the last one has been written."""
        return time.monotonic() - self._saved >= SAVE_SECONDS and not self._background.busy

    def save(self, fit: Fit, history: History, healthy: bool) -> None:
        """Begin to write one, after the one before it; then keep the two newest and the newest good one.

        Training may go on when this returns: what is written is a copy. So there is one copy in memory, and the bytes
        that are made of it.

        Args:
            fit: what is trained.
            history: all evaluations so far.
            healthy: whether a rollback may come back to it.
        """
        self._background.wait()
        self._saved = time.monotonic()
        state = {"fit": fit.state(wait=False), "history": list(history.lines)}
        ending = GOOD if healthy else layout.CHECKPOINT_SUFFIX
        name = f"{self.attempt:03d}-{round(fit.kimg * 1000):012d}{ending}"
        self._background(partial(self._write, name, state, mark(self.device)))

    def _write(self, name: str, state: dict[str, Any], arrived: Callable[[], None]) -> None:
        arrived()
        data = checkpoint.dump(state)
        state.clear()
        self.folder.write(f"{self.path}/{name}", data)
        names, histories = self._names(), self._names(layout.HISTORY_SUFFIX)
        good = [name for name in names if name.endswith(GOOD)][:1]
        # The older one of each is to fall back on.
        old = [*(name for name in names[2:] if name not in good), *histories[2:]]
        drop(self.folder, [f"{self.path}/{name}" for name in old])

    def settle(self) -> None:
        """Wait until what was saved lies there."""
        self._background.wait()

    def leave(self, wait: bool = True) -> None:
        """Save no more; what is being written is finished, and unless it hangs it is waited for."""
        self._background.leave(wait)

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
        self._background.check()
        damaged, self.damaged = self.damaged, {}
        reseeded, self.reseeded = self.reseeded, ""
        return {
            "damaged": {f"{self.path}/{name}": reason for name, reason in damaged.items()},
            "told": {EventKind.RESEEDED.value: reseeded} if reseeded else {},
        }

    def _names(self, suffix: str = layout.CHECKPOINT_SUFFIX) -> list[str]:
        """Name the checkpoints, or the files with another suffix, the newest first."""
        return sorted((n for n in self.folder.names(self.path) if n.endswith(suffix)), reverse=True)

    def _first_whole(self, names: list[str]) -> dict[str, Any] | None:
        for name in names:
            try:
                return checkpoint.load(self.folder.read(f"{self.path}/{name}"), name, self.device)
            except checkpoint.BrokenCheckpointError as error:
                self.damaged[name] = str(error)
        return None
