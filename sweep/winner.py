"""Exporting the generator of a trial: weights, configuration, pictures and numbers in one folder."""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganlib.config import TrialConfig
from ganlib.data.sheet import grid
from ganlib.errors import RequestError, WorkError
from ganlib.export import ExportConfig, load_generator, rebuild, save_generator
from ganlib.training import GRID, fixed_latents
from sweep.before import png
from sweep.storage import Folder, MissingFileError
from sweep.store import Store
from sweep.trial import GRID_COLUMNS

TOLERANCE = 6.0
"""How far, in mean levels of 255, exported pictures may be from those of training: bfloat16 against float32."""


def export(folder: Folder, row: Mapping[str, Any], out: Path, force: bool = False) -> None:
    """Write the best generator of a trial into ``out``.

    The folder gets ``model.safetensors`` and ``config.json`` (see `ganlib.export`), ``samples.png`` (64 pictures)
    and ``metrics.json``. It is loaded back, and its pictures are compared with those that training showed at
    that evaluation, before it is called done.

    Args:
        folder: of the sweep.
        row: of the trial, from ``trials``.
        out: a new or empty folder.
        force: write into a folder that is not empty.

    Raises:
        RequestError: ``out`` is not empty, or the trial has no generator to export.
        WorkError: the export could not be written, or does not make the same pictures.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not force:
        raise RequestError(f"{out} is not empty: choose another folder, or write over it with --force")
    number = row["trial"]
    weights = _weights(folder, number)
    info = json.loads(folder.read("sweep.json"))
    trial = TrialConfig.model_validate_json(row["config"])
    metrics = _metrics(folder, row)
    about = {
        "sweep": info["name"],
        "trial": number,
        "kimg": row["best_kimg"],
        "data_hash": info["data_hash"],
        "attribution": info["attribution"],
        "train": trial.train.model_dump(mode="json"),
        "versions": info["versions"],
    }
    config = ExportConfig(model=trial.model, size=trial.data.size, about=about)
    pictures = rebuild(config, weights, "best.safetensors").pictures(
        fixed_latents(GRID, trial.model.latent_dim)
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        save_generator(out, config, weights)
        (out / "samples.png").write_bytes(png(grid(pictures, GRID_COLUMNS)))
        (out / "metrics.json").write_text(json.dumps(metrics, indent=2, default=str) + "\n")
    except OSError as error:
        raise WorkError(f"could not write the export to {out}: {error.strerror or error}") from None
    _verify(folder, number, row["best_kimg"], out)


def _weights(folder: Folder, number: int) -> bytes:
    try:
        return folder.read(f"checkpoints/{number:05d}/best.safetensors")
    except MissingFileError:
        raise RequestError(
            f"trial {number} has no generator to export: it had no healthy evaluation, or its checkpoints were deleted"
        ) from None


def _metrics(folder: Folder, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of ``metrics`` that the exported weights were measured by."""
    for candidate in Store(folder).rows("metrics"):
        if candidate["trial"] == row["trial"] and candidate["kimg"] == row["best_kimg"]:
            return candidate
    raise WorkError(f"trial {row['trial']} has no evaluation at {row['best_kimg']} kimg on record")


def _verify(folder: Folder, number: int, kimg: float, out: Path) -> None:
    """Load the export as any program would; its pictures must be those that training showed."""
    loaded = load_generator(out)
    latents = fixed_latents(GRID, loaded.config.model.latent_dim)
    ours = np.asarray(grid(loaded.pictures(latents), GRID_COLUMNS).convert("RGB"), np.float32)
    try:
        shown = Image.open(BytesIO(folder.read(f"images/{number:05d}/{kimg:.3f}.png"))).convert("RGB")
    except MissingFileError:
        return
    distance = float(np.abs(ours - np.asarray(shown, np.float32)).mean())
    if distance > TOLERANCE:
        raise WorkError(
            f"the exported generator's pictures are not those of trial {number} at {kimg:.1f} kimg "
            f"(mean difference {distance:.1f} of 255): the sweep's folder is damaged"
        )
