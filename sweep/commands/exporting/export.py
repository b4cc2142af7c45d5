"""Exporting the generator of a trial: files that other programs load, pictures, numbers and a model card.

An export is made beside its place and moved there when all of it was checked: every file makes the pictures of
the trainer's generator, and the metrics measured again through it are those on record.
"""

import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganlib import written
from ganlib.config import TrialConfig
from ganlib.data.sheet import grid, png
from ganlib.errors import RequestError, WorkError
from ganlib.export import programs
from ganlib.export.files import CONFIG, WEIGHTS, add_digests, save_generator
from ganlib.export.generator import LoadedGenerator, load_generator, rebuild
from ganlib.export.sheets import difference, sheet_by
from ganlib.models.inputs import latents_of
from ganlib.models.sheets import COLUMNS, Sheet
from ganlib.names import FAMILIES, MEASURED
from ganlib.training.fit import GRID
from sweep.commands.exporting.measuring import check_pictures, config_of, result_of
from sweep.commands.exporting.model_card import card
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.records.schemas import to_json
from sweep.results.choice import Choice, gone
from sweep.results.confirming.confirmation import label, read_confirmation
from sweep.results.ranking import board_of
from sweep.storage import layout
from sweep.storage.folder import MissingFileError
from sweep.worker.result import export_config
from sweep.worker.shared import inputs_of

LEVELS = 6.0
"""How far, in mean levels of 255, exported pictures may be from those of training: bfloat16 against float32."""
ERRORS = 3.0
"""How many standard errors a KID measured again may be from the one on record."""
PHOTOS = 4
"""Photographs that a translator's programs are traced and compared with, beside parts of them."""
ALWAYS = (WEIGHTS, CONFIG, "model.pt2", "samples.png", "metrics.json", "README.md")
"""Files that every export has."""
Row = Mapping[str, Any]


def export(sweep: Sweep, chosen: Choice, out: Path, force: bool = False) -> list[str]:
    """Write a generator that a sweep has kept into ``out``.

    Args:
        sweep: whose it is.
        chosen: which.
        out: a new or empty folder.
        force: write into a folder that is not empty, in the place of an earlier export.

    Returns:
        What could not be done, a sentence each.

    Raises:
        RequestError: ``out`` is not empty, files of somebody else are in the way there, the generator is not kept
            any more, or it is a translator and the sweep's pictures are not there.
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
    try:
        weights = chosen.folder.read(chosen.path)
    except MissingFileError:
        raise gone(sweep, board_of(sweep), chosen) from None
    trial = config_of(sweep, chosen)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as place:
            notes = _make(sweep, chosen, trial, weights, Path(place))
            out.mkdir(exist_ok=True)
            written.fill(out, Path(place))
    except OSError as error:
        raise WorkError(f"could not write the export to {out}: {error.strerror or error}") from None
    return notes


def _make(sweep: Sweep, chosen: Choice, trial: TrialConfig, weights: bytes, place: Path) -> list[str]:
    """Make all files of an export, and check them."""
    row = chosen.row
    measured, kind = _measured(chosen)
    translates = FAMILIES[trial.model.family].translates
    if translates:
        check_pictures(sweep, trial)
    inputs = inputs_of(trial) if translates else latents_of(trial.model, dict(sweep.info.classes))
    config = export_config(trial, inputs.classes, _about(sweep, chosen, trial))
    ours = rebuild(config, weights, chosen.path)
    config = save_generator(place, config, weights)
    loaded = load_generator(place)
    sheet = sheet_by(loaded, inputs, GRID)
    if not np.array_equal(sheet.pictures, sheet_by(ours, inputs, GRID).pictures):
        raise WorkError(f"{place} does not load as what was saved")
    _compare_with_training(chosen, sheet)
    lacking = programs.missing_for_onnx()
    examples = inputs.take(PHOTOS if translates else GRID)
    files = [
        file
        for program in programs.programs_of(ours.network, examples)
        for file in programs.write(program, place, onnx=not lacking)
    ]
    notes = []
    if lacking:
        notes.append(f"no ONNX files: they need {', '.join(lacking)} (pip install 'sweep-gan[onnx]')")
    again, why = _measured_again(sweep, chosen, measured, kind, loaded)
    if why:
        notes.append(f"the metrics were not measured again: {why}")
    sure = label(read_confirmation(sweep), chosen.of, beside=sweep.info.metric)
    numbers = measured | {"kind": kind, "from": chosen.where, "confidence": sure, "measured_again": again}
    (place / "samples.png").write_bytes(png(grid(sheet.pictures, COLUMNS)))
    (place / "metrics.json").write_text(to_json(numbers, indent=2) + "\n")
    files += ["samples.png", "metrics.json"]
    config = add_digests(place, config, files)
    told = card(sweep, trial, row, numbers, config, notes, len(sheet.pictures))
    (place / "README.md").write_text(told, encoding="utf-8")
    return notes


def _about(sweep: Sweep, chosen: Choice, trial: TrialConfig) -> dict[str, Any]:
    info = sweep.info
    return {
        "sweep": sweep.name,
        "trial": chosen.of,
        "from": chosen.where,
        "seed": chosen.row["seed"],
        "kimg": chosen.kimg,
        "data_hash": info.data_hash,
        "attribution": info.attribution,
        "prepared": trial.data.prepared,
        "ancestor": trial.ancestor.without_places().model_dump(mode="json") if trial.ancestor else None,
        "train": trial.train.model_dump(mode="json"),
        "versions": dict(info.versions),
    }


def _measured(chosen: Choice) -> tuple[dict[str, Any], str]:
    """Find the row of a generator: of ``results``, or of ``metrics`` where its trial has no result; and say which."""
    store = Store(chosen.folder)
    for dataset, kind in (("results", "result"), ("metrics", "so far")):
        for row in store.rows(dataset):
            if row["trial"] == chosen.number and row["kimg"] == chosen.kimg:
                return row, kind
    raise WorkError(f"{chosen.where} has nothing on record at {chosen.kimg} kimg")


def _compare_with_training(chosen: Choice, sheet: Sheet) -> None:
    """Check that an export makes the pictures that training showed at that evaluation."""
    try:
        shown = chosen.folder.read(layout.grid(chosen.number, chosen.kimg))
    except MissingFileError:
        return
    distance = difference(sheet, Image.open(BytesIO(shown)))
    if distance > LEVELS:
        raise WorkError(
            f"the exported generator's pictures are not those of {chosen.where} at {chosen.kimg:.1f} kimg "
            f"(mean difference {distance:.1f} of 255): the sweep's folder is damaged"
        )


def _measured_again(
    sweep: Sweep, chosen: Choice, measured: Row, kind: str, loaded: LoadedGenerator
) -> tuple[dict[str, Any] | None, str | None]:
    """Measure the metrics of the exported file on the inputs of results, or say why that cannot be done here.

    Raises:
        WorkError: if a KID on those inputs is not the one on record.
    """
    score, why = result_of(sweep, chosen, loaded)
    if score is None:
        return None, why
    if score["extractor_digest"] != measured["extractor_digest"]:
        return None, f"the weights of {score['extractor']} are not those of the sweep"
    spread = measured["kid_se"] if np.isfinite(measured["kid_se"]) else abs(measured["kid"])
    if kind == "result" and not abs(score["kid"] - measured["kid"]) <= ERRORS * spread:
        raise WorkError(
            f"the exported generator has KID {score['kid']:.4f}, and {measured['kid']:.4f} is on record "
            f"(at most {ERRORS:g} standard errors of {spread:.4f} are allowed): the sweep's folder is damaged"
        )
    return {name: score[name] for name in (*MEASURED, "n_fake")}, None
