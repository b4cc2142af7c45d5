"""Large sweeps that are made up: what workers say, and the records of trials that ran to their end."""

import argparse
import hashlib
import json
import math
import os
import random
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.made_up import IDENTITY, Point, Wide, Worker
from benchmarks.meter import Meter, most_mib, ms
from sweep.driver.assignments import assignment_for, columns_of
from sweep.driver.recovery import past
from sweep.records.datasets import Store
from sweep.records.journal import Records
from sweep.records.status import Status
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial
from sweep.search.draws import preview
from sweep.search.study import Study
from sweep.spec.specification import Spec, parse
from sweep.storage import layout
from sweep.storage.local import LocalFolder
from sweep.worker.messages import Assignment, Measured

SPEC = """
name: large
data: {{source: avatars, count: 1000, size: 32}}
model:
  variant: {{type: categorical, choices: [simple, extended]}}
  width: 4
  latent_dim: 8
train:
  loss: {{type: categorical, choices: [bce, lsgan]}}
  lr_g: {{type: float, low: 1.0e-5, high: 1.0e-2, log: true}}
  lr_d: {{type: float, low: 1.0e-5, high: 1.0e-2, log: true}}
  betas: {{type: categorical, choices: [[0.5, 0.999], [0.0, 0.9]]}}
  batch_size: {{type: int, low: 16, high: 64, step: 16}}
  epochs: {evaluations}
evaluate: {{every: 1, n_fake: 1000, n_real: 1000}}
search: {{sampler: {sampler}, trials: {trials}, seed: 1}}
"""
ASHA = "asha: {grace: 2, reduction: 3, variant: stop, max: 8}\n"
SETTLED = 6.0
"""Seconds after which parts are copied."""


class Trained(Worker):
    """A worker's side of one attempt, made up, which leaves the generator of its result.

    Args:
        assignment: What it was given.
        evaluations: How many evaluations a trial has.
        folder: The sweep's folder.
        weights: The bytes of a generator.
    """

    def __init__(self, assignment: Assignment, evaluations: int, folder: LocalFolder, weights: bytes) -> None:
        chance = random.Random(assignment.seed)
        self.folder, self.weights, self.seconds = folder, weights, chance.uniform(0.5, 2.0)
        config = assignment.config["train"]
        skill = abs(math.log10(config["lr_g"]) + 3.5) + abs(math.log10(config["lr_d"]) + 3.2)
        rates = {"lr_g": config["lr_g"], "lr_d": config["lr_d"]}
        super().__init__(
            assignment, [_point(step + 1.0, skill, chance, rates) for step in range(evaluations)]
        )

    def measured(self) -> Measured:
        """Make up the result, and leave the generator that it is of."""
        said = super().measured()
        put(self.folder, layout.snapshot(self.given.trial, said.kimg), self.weights)
        names = ("vendi", "real_vendi", "fid_infinity", "precision", "recall", "density", "coverage")
        return replace(said, result=said.result | dict.fromkeys(names, 0.5))


def _point(kimg: float, skill: float, chance: random.Random, rates: Mapping[str, float]) -> Point:
    kid = 0.02 + 0.02 * skill + 0.1 / kimg + chance.gauss(0, 0.003)
    names = ("loss_g", "loss_d", "score_real", "score_fake", "pixel_std")
    more = {name: chance.random() for name in (*names, "accuracy_real", "accuracy_fake", "similarity")}
    return Point(kimg, kid, 0.004, kid + abs(chance.gauss(0, 0.003)), more=more | rates)


def picture_of(trial: int) -> str:
    """Name the one grid of a trial."""
    return layout.grid(trial, 1.0)


def put(folder: LocalFolder, path: str, data: bytes) -> None:
    """Write a file of a worker, without waiting for the disk."""
    target = folder.local(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def begin(folder: LocalFolder, options: argparse.Namespace, trials: int) -> tuple[Spec, SweepInfo]:
    """Write what stands in a sweep's folder before its first trial."""
    text = SPEC.format(trials=trials, sampler=options.sampler, evaluations=options.evaluations)
    text += ASHA * options.asha
    spec = parse(text)
    rungs = tuple(kimg for kimg in (2.0, 6.0) if options.asha)
    info = SweepInfo(
        name=spec.name, created=datetime.now(UTC), images=1000, data_hash="cd" * 32, metric="kid", trials=trials,
        extractor=IDENTITY["extractor"], extractor_digest=IDENTITY["extractor_digest"], runner="ray", device="cpu",
        budget=float(options.evaluations), interval=1.0, rungs=rungs, versions={"sweep": "benchmark"},
    )  # fmt: skip
    folder.write(layout.SPEC, spec.to_yaml().encode())
    info.write(folder)
    folder.write(layout.REAL_PICTURES, small_picture())
    return spec, info


def small_picture() -> bytes:
    """Make the smallest grid of pictures."""
    buffer = BytesIO()
    Image.new("RGB", (32, 32)).save(buffer, "PNG")
    return buffer.getvalue()


def small_weights() -> bytes:
    """Make a safetensors file as `ganlib.export.files.pack_weights` does, without torch."""
    body = bytes(256)
    tensors = {"weight": {"dtype": "F32", "shape": [64], "data_offsets": [0, 256]}}
    head = json.dumps({"__metadata__": {"sha256": hashlib.sha256(body).hexdigest()}, **tensors}).encode()
    return len(head).to_bytes(8, "little") + head + body


def fill(folder: LocalFolder, options: argparse.Namespace) -> dict[str, Any]:
    """Write the records of trials that ran to their end, without the director and without waiting for the disk."""
    (count,), meter = options.trials, Meter()
    spec, info = begin(folder, options, count)
    quick = Quick(Path(folder.url))
    store, picture, weights, trials = Store(quick, spec.space.kinds()), small_picture(), small_weights(), {}
    store.begin()
    records = Records(store)
    plain = spec.search.model_copy(update={"sampler": "random"})
    with meter.on("whole"):
        for number, params in enumerate(preview(spec.space, plain, count)):
            trial = trials[number] = Trial(number, params, number, attempt=0)
            config = info.rooted(spec.trial_config(params, info.schedule)).model_dump(mode="json")
            given = assignment_for(trial, spec, info, folder.url, "benchmark", Wide(options.workers), config)
            worker = Trained(given, options.evaluations, quick, weights)
            reports = [worker.evaluated() for _ in range(options.evaluations)]
            put(quick, picture_of(number), picture)
            for report in reports:
                trial.add(report.row)
            store.replace("metrics", number, [report.row for report in reports])
            store.replace("samples", number, [report.sample for report in reports])
            store.replace("results", number, [worker.measured().result])
            trial.conclude(store.part("results", number)[0])
            trial.status = Status.FINISHED
            times = {"started": time.time() - 700, "ended": time.time()}
            records.put(trial, **columns_of(trial, config, store.now()) | times)
            with meter.on("copy"):
                records.settled(trial)
        known = past(trials, info)
        Study.rebuild(study_of(folder), spec.name, spec.space, spec.search, known, spec.configs).close()
    time.sleep(SETTLED)  # parts of the last seconds are not copied
    with meter.on("compact"):
        store.compact()
    files = sum(len(names) for _, _, names in os.walk(folder.url))
    told = {f"seconds_to_{what}": round(seconds, 1) for what, seconds in meter.processor.items()}
    told |= {"ms_a_trial_to_copy": ms(meter.processor["copy"], count), "mib": most_mib()}
    return {"trials": count, "evaluations": count * options.evaluations, "files": files} | told


class Quick(LocalFolder):
    """A folder whose files are written without waiting for the disk."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file."""
        put(self, path, data)


def study_of(folder: LocalFolder) -> Path:
    """Say where the study of a sweep is."""
    return Path(folder.url) / layout.STUDY
