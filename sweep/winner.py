"""Exporting the generator of a trial: files that other programs load, pictures, numbers and a model card.

An export is made beside its place and moved there when all of it was checked: every file makes the pictures of
the trainer's generator, and the metrics measured again through it are those on record.
"""

import tempfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganlib import programs, written
from ganlib.config import TrialConfig
from ganlib.data.sheet import grid
from ganlib.errors import RequestError, WorkError
from ganlib.export import (
    CONFIG,
    WEIGHTS,
    ExportConfig,
    LoadedGenerator,
    add_digests,
    load_generator,
    rebuild,
    save_generator,
)
from ganlib.steps import to_uint8
from ganlib.training import GRID, LATENT_SEED, fixed_latents
from sweep.before import png
from sweep.card import card
from sweep.confirmed import confirmation, label
from sweep.schemas import to_json
from sweep.storage import Folder, MissingFileError
from sweep.store import to_rows
from sweep.sweeps import Sweep
from sweep.trial import GRID_COLUMNS
from sweep.workplace import evaluator_of, images_of

LEVELS = 6.0
"""How far, in mean levels of 255, exported pictures may be from those of training: bfloat16 against float32."""
ERRORS = 3.0
"""How many standard errors a KID measured again may be from the one on record."""

ALWAYS = (WEIGHTS, CONFIG, "model.pt2", "samples.png", "metrics.json", "README.md")
"""Files that every export has."""
Row = Mapping[str, Any]


def export(sweep: Sweep, number: int, out: Path, force: bool = False) -> list[str]:
    """Write the best generator of a trial into ``out``.

    Args:
        sweep: whose trial it is.
        number: of the trial.
        out: a new or empty folder.
        force: write into a folder that is not empty, in the place of an earlier export.

    Returns:
        What could not be done, a sentence each.

    Raises:
        RequestError: ``out`` is not empty, files of somebody else are in the way there, or the trial has no generator
            to export.
        WorkError: the export could not be written, or is not the trainer's generator.
    """
    if (
        out.exists()
        and (not out.is_dir() or {file.name for file in out.iterdir()} - {written.LIST})
        and not force
    ):
        raise RequestError(
            f"{out} is not empty: choose another folder, or give --force, which replaces an earlier export there and "
            "leaves everything else as it is"
        )
    written.check(out / name for name in ALWAYS)
    weights = _weights(sweep.folder, number)
    row = sweep.store.trial(number) or {}
    trial = TrialConfig.model_validate_json(row["config"])
    measured = _measured(sweep, row)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as place:
            notes = _make(sweep, row, trial, measured, weights, Path(place))
            out.mkdir(exist_ok=True)
            written.fill(out, Path(place))
    except OSError as error:
        raise WorkError(f"could not write the export to {out}: {error.strerror or error}") from None
    return notes


def _make(
    sweep: Sweep, row: Row, trial: TrialConfig, measured: dict[str, Any], weights: bytes, place: Path
) -> list[str]:
    """All files, checked."""
    config = ExportConfig(
        model=trial.model, size=trial.data.size, channels=trial.data.channels, about=_about(sweep, row, trial)
    )
    ours = rebuild(config, weights, "best.safetensors")
    latents = fixed_latents(GRID, trial.model.latent_dim)
    config = save_generator(place, config, weights)
    loaded = load_generator(place)
    pictures = loaded.pictures(latents)
    if not np.array_equal(pictures, ours.pictures(latents)):
        raise WorkError(f"{place} does not load as what was saved")
    _compare_with_training(sweep.folder, row, pictures)
    lacking = programs.missing_for_onnx()
    files = [
        file
        for program in programs.programs_of(ours.network, latents)
        for file in programs.write(program, place, onnx=not lacking)
    ]
    notes = []
    if lacking:
        notes.append(f"no model.onnx: it needs {', '.join(lacking)} (pip install 'sweep-gan[onnx]')")
    again, why = _measured_again(sweep, trial, measured, loaded)
    if why:
        notes.append(f"the metrics were not measured again: {why}")
    sure = label(confirmation(sweep), row["trial"])
    numbers = measured | {"confidence": sure, "measured_again": again}
    (place / "samples.png").write_bytes(png(grid(pictures, GRID_COLUMNS)))
    (place / "metrics.json").write_text(to_json(numbers, indent=2) + "\n")
    files += ["samples.png", "metrics.json"]
    config = add_digests(place, config, files)
    (place / "README.md").write_text(card(sweep, trial, row, numbers, config, notes), encoding="utf-8")
    return notes


def _about(sweep: Sweep, row: Row, trial: TrialConfig) -> dict[str, Any]:
    info = sweep.info
    return {
        "sweep": sweep.name,
        "trial": row["trial"],
        "seed": row["seed"],
        "kimg": row["best_kimg"],
        "data_hash": info["data_hash"],
        "attribution": info["attribution"],
        "prepared": trial.data.prepared,
        "train": trial.train.model_dump(mode="json"),
        "versions": info["versions"],
    }


def _weights(folder: Folder, number: int) -> bytes:
    try:
        return folder.read(f"checkpoints/{number:05d}/best.safetensors")
    except MissingFileError:
        raise RequestError(
            f"trial {number} has no generator to export: it had no healthy evaluation, or its checkpoints were deleted"
        ) from None


def _measured(sweep: Sweep, row: Row) -> dict[str, Any]:
    """The row of ``metrics`` that the exported weights were measured by."""
    for candidate in to_rows(sweep.store.table("metrics")):
        if candidate["trial"] == row["trial"] and candidate["kimg"] == row["best_kimg"]:
            return candidate
    raise WorkError(f"trial {row['trial']} has no evaluation at {row['best_kimg']} kimg on record")


def _compare_with_training(folder: Folder, row: Row, pictures: np.ndarray) -> None:
    """The export's pictures are those that training showed at that evaluation."""
    number, kimg = row["trial"], row["best_kimg"]
    try:
        shown = Image.open(BytesIO(folder.read(f"images/{number:05d}/{kimg:.3f}.png"))).convert("RGB")
    except MissingFileError:
        return
    ours = np.asarray(grid(pictures, GRID_COLUMNS).convert("RGB"), np.float32)
    distance = float(np.abs(ours - np.asarray(shown, np.float32)).mean())
    if distance > LEVELS:
        raise WorkError(
            f"the exported generator's pictures are not those of trial {number} at {kimg:.1f} kimg "
            f"(mean difference {distance:.1f} of 255): the sweep's folder is damaged"
        )


def _measured_again(
    sweep: Sweep, trial: TrialConfig, measured: Row, loaded: LoadedGenerator
) -> tuple[dict[str, Any] | None, str | None]:
    """FID and KID of the exported file on the latents of training, or why they cannot be measured here.

    Raises:
        WorkError: if KID is not the one on record.
    """
    try:
        if images_of(trial.data).hash != sweep.info["data_hash"]:
            return None, "the pictures are not those of the sweep"
        evaluator = evaluator_of(trial.data, trial.evaluate, torch.device("cpu"))
    except RequestError as error:
        return None, str(error)
    score = evaluator.score(_generate(loaded))
    if score.extractor_digest != measured["extractor_digest"]:
        return None, f"the weights of {score.extractor} are not those of the sweep"
    spread = measured["kid_se"] if np.isfinite(measured["kid_se"]) else abs(measured["kid"])
    if not abs(score.kid - measured["kid"]) <= ERRORS * spread:
        raise WorkError(
            f"the exported generator has KID {score.kid:.4f}, and {measured['kid']:.4f} is on record "
            f"(at most {ERRORS:g} standard errors of {spread:.4f} are allowed): the sweep's folder is damaged"
        )
    return {name: getattr(score, name) for name in ("fid", "kid", "kid_se")}, None


def _generate(loaded: LoadedGenerator) -> Callable[[int], Tensor]:
    """Pictures of the latents that training was measured with (on a CPU; a GPU draws others)."""
    random = torch.Generator().manual_seed(LATENT_SEED)

    def generate(count: int) -> Tensor:
        latents = torch.randn((count, loaded.config.model.latent_dim), generator=random)
        pictures: Tensor = to_uint8(loaded.network(latents))
        return pictures

    return generate
