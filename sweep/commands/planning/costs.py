"""Measure what trials cost on this machine, with as many side by side as would run."""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import torch

from ganlib import cores
from ganlib.errors import RequestError, WorkError
from sweep.commands.planning.timing import Timed
from sweep.runners.capacity import Demand, Node, alone, packed_here
from sweep.spec.specification import Spec
from sweep.worker.checkpoints import SAVE_SECONDS

SIDE_BY_SIDE = 8
"""Processes that measure at most."""
SECONDS = 1.5
"""Steps of one configuration are timed for so long, and at least one is."""


@dataclass(frozen=True)
class Costs:
    """What trials cost here.

    Attributes:
        device: ``cpu`` or ``cuda``.
        takes: Cores of a trial, or on ``cuda`` GPUs.
        at_once: How many trials run at a time.
        measured: How many processes measured side by side.
        slots: Trials of one process, which take turns.
        packs: Whether trials that share a GPU share a process.
        machine: Where it was measured: the kind of GPU, or the machine's name.
        machines: How many machines of a cluster are like it.
        has: What each of these has for trials, in words; empty where it is no cluster.
        pictures: Bytes of the pictures that lie on a GPU, once for each process.
        per_kimg: Seconds of training for a thousand pictures, of each configuration, the mean over the processes.
        per_picture: Seconds to generate a picture and extract its features.
        per_score: Seconds to compute the metrics of one evaluation with all its pictures.
        per_evaluation: Seconds of all else at an evaluation.
        per_save: Seconds that a checkpoint keeps a trial from training.
        saves_all: Whether a checkpoint is written at every evaluation.
        memory: Bytes of one trial at most, in the machine or on the GPU.
        memory_there: Bytes that the machine has, or one GPU has for trials; 0 where that is not known.
        checkpoint: Bytes of a checkpoint.
        snapshot: Bytes of a generator that is kept, with its discriminator.
        grid: Bytes of a grid of pictures, at most.
    """

    device: str
    takes: float
    at_once: int
    measured: int
    slots: int
    packs: bool
    machine: str
    per_kimg: tuple[float, ...]
    per_picture: float
    per_score: float
    per_evaluation: float
    per_save: float
    saves_all: bool
    memory: int
    memory_there: int
    checkpoint: int
    snapshot: int
    grid: int
    machines: int = 1
    has: str = ""
    pictures: int = 0

    def evaluation(self, count: int, n_fake: int) -> float:
        """Seconds of an evaluation of ``count`` pictures, where the full number is ``n_fake``."""
        return count * self.per_picture + self.per_score * count / n_fake + self.per_evaluation

    def saving(self, between: float) -> float:
        """Seconds of checkpoints for one evaluation, where so many lie between two of them.

        A checkpoint is written at an evaluation where the last one is old enough, as `Checkpoints.due` says.
        """
        if self.saves_all:
            return self.per_save
        return self.per_save / max(1, math.ceil(SAVE_SECONDS / between)) if between > 0 else 0.0


def measure(
    spec: Spec,
    samples: Sequence[Mapping[str, Any]],
    trials: int,
    local: bool = False,
    node: Node | None = None,
) -> Costs:
    """Measure in as many processes as trials would run at a time; about a quarter of a minute.

    Args:
        spec: The sweep.
        samples: Parameters of its first trials.
        trials: How many trials there are.
        local: Whether trials would run without Ray: one after another, or packed.
        node: What this machine has for trials, in a cluster; None for all that is here.

    Raises:
        RequestError: if the extractor cannot be loaded.
        WorkError: if a step fails, such as by its memory.
    """
    resources = spec.resources
    # Only counted here: who asks more of CUDA holds memory of the GPU until it ends, and may keep others from it.
    on_gpu = resources.gpus > 0 and torch.cuda.is_available()
    node = node or Node.having(cores.available(), torch.cuda.device_count() if on_gpu else 0)
    there = packed_here(resources, on_gpu) if local else at_once(spec, on_gpu, node)
    gpu = alone(resources.gpus) if local and there == 1 else resources.gpus
    together, slots = processes(there, trials, len(node.gpus) if on_gpu and not local else 1), 1
    if resources.packed(resources.gpus if on_gpu else 0.0):  # all that share a device share a process
        together, slots, gpu = 1, together, alone(gpu)
    timed = _side_by_side(spec, samples, gpu, together, slots)
    return Costs(
        device=timed[0].device,
        takes=_takes(spec, on_gpu, local, there),
        at_once=there,
        measured=together,
        slots=slots,
        packs=resources.packed(0.5),
        machine=timed[0].machine,
        per_kimg=tuple(map(float, np.mean([one.per_kimg for one in timed], axis=0))),
        per_picture=float(np.mean([one.per_picture for one in timed])),
        per_score=float(np.mean([one.per_score for one in timed])),
        per_evaluation=float(np.mean([one.per_evaluation for one in timed])),
        per_save=float(np.mean([one.per_save for one in timed])),
        saves_all=spec.collapse.policy == "rollback",
        memory=max(one.memory for one in timed),
        memory_there=max(one.memory_there for one in timed),
        checkpoint=max(one.checkpoint for one in timed),
        snapshot=max(one.snapshot for one in timed),
        grid=max(one.grid for one in timed),
    )


def at_once(spec: Spec, on_gpu: bool, node: Node) -> int:
    """Count the trials that run at a time on a machine."""
    resources = spec.resources
    slots = node.holds(Demand.of(resources.cpu, resources.gpus if on_gpu else 0))
    return max(1, min(slots, resources.max_concurrent or slots))


def processes(there: int, trials: int, gpus: int) -> int:
    """Count the processes that measure: as many trials as run at a time on one of so many GPUs, or processors."""
    return max(1, min(-(-there // gpus), trials, SIDE_BY_SIDE))


def _side_by_side(
    spec: Spec, samples: Sequence[Mapping[str, Any]], gpu: float, together: int, slots: int
) -> list[Timed]:
    """Start the processes, wait until all are ready, let them measure, and collect what they found."""
    task = {
        "spec": spec.to_yaml(),
        "samples": [dict(params) for params in samples],
        "gpu": gpu,
        "seconds": SECONDS,
        "slots": slots,
    }
    command = [sys.executable, "-m", "sweep.commands.planning.timing"]
    environment = os.environ | {
        "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    }
    with tempfile.TemporaryFile("w+") as errors:
        processes = [
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
            )
            for _ in range(together)
        ]
        try:
            for number, process in enumerate(processes):
                _tell(process, json.dumps(task | {"first": number}))
            said = [_line(process.stdout) for process in processes]  # ready, or why not
            for process in processes:
                _tell(process, "")
            for number, process in enumerate(processes):
                if said[number] == "ready":
                    said[number] = _line(process.stdout)
        finally:
            for process in processes:
                process.kill()
                process.communicate()
        found = [json.loads(line) if line else {"failed": _last(errors)} for line in said]
    for one in found:
        if "refused" in one:
            raise RequestError(one["refused"])
        if "failed" in one:
            raise WorkError(one["failed"])
    return [Timed(**one | {"per_kimg": tuple(one["per_kimg"])}) for one in found]


def _tell(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(line + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it has ended, and has said why


def _line(stream: IO[str] | None) -> str:
    """Read one line; empty where the process has ended."""
    assert stream is not None
    return stream.readline().strip()


def _last(errors: IO[str]) -> str:
    """Read the last line that any of the processes has said before it died."""
    errors.seek(0)
    lines = errors.read().strip().splitlines()
    return lines[-1] if lines else "a process that measured has died"


def _takes(spec: Spec, on_gpu: bool, local: bool, there: int) -> float:
    """GPUs of a trial, or cores where it has none; without Ray, packed trials share the cores of one process."""
    resources = spec.resources
    if on_gpu:
        return alone(resources.gpus) if local and there == 1 else resources.gpus
    return resources.cpu / there if local else resources.cpu
