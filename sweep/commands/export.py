"""Exporting the generator of a trial: files that other programs load, pictures, numbers and a model card.

An export is made beside its place and moved there when all of it was checked: every file makes the pictures of
the trainer's generator, and the metrics measured again through it are those on record.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ganlib import written
from ganlib.config import TrialConfig
from ganlib.data.sheet import grid, png
from ganlib.errors import RequestError, WorkError
from ganlib.export import programs
from ganlib.export.files import CONFIG, WEIGHTS, add_digests, save_generator
from ganlib.export.generator import LoadedGenerator, load_generator, rebuild
from ganlib.export.sheets import difference, sheet_by
from ganlib.metrics import NonFiniteError
from ganlib.models.inputs import latents_of
from ganlib.models.sheets import COLUMNS, Sheet
from ganlib.names import FAMILIES
from ganlib.training.fit import GRID
from sweep.commands.before import moved
from sweep.commands.model_card import card
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store, to_rows
from sweep.records.schemas import to_json
from sweep.results import choice
from sweep.results.choice import Choice
from sweep.results.confirmation import label, read_confirmation
from sweep.results.leaderboard import Leaderboard
from sweep.spec.specification import parse
from sweep.storage import layout
from sweep.storage.folder import MissingFileError
from sweep.storage.layout import SPEC
from sweep.worker.result import Measuring, export_config
from sweep.worker.shared import evaluator_of, inputs_of, sets_of

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
        raise RequestError(
            f"the generator of {chosen.where} is not there any more ('keep' in the spec says what stays)"
        ) from None
    trial = _config(sweep, chosen)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as place:
            notes = _make(sweep, chosen, trial, weights, Path(place))
            out.mkdir(exist_ok=True)
            written.fill(out, Path(place))
    except OSError as error:
        raise WorkError(f"could not write the export to {out}: {error.strerror or error}") from None
    return notes


def best_of(sweep: Sweep, board: Leaderboard) -> tuple[Choice, list[str]]:
    """Choose the generator to export: the best result of the winning configuration, as `sweep.results.choice` has it.

    What trials hold that have not ended is measured now, where it looks better than all results.

    Returns:
        It, and what a reader should know about the choice.

    Raises:
        RequestError: if there is none.
    """
    notes = []
    choices = choice.best(sweep, board, read_confirmation(sweep))
    kept = [one for one in choices if one.kept]
    if not kept:
        raise RequestError(
            f"the generators of the winning configuration are not there any more ({choices[0].where}): 'keep' in "
            "the spec says what stays"
        )
    if kept[0] is not choices[0]:
        notes.append(f"the generator of {choice.words(choices[0], board.metric)} is not kept any more")
    winner = kept[0]
    for other in choice.unmeasured(sweep, board, winner.value):
        row = _result(sweep, other)[0] if other.kept else None
        value = row[board.metric] if row else None
        if row is None or value is None:
            notes.append(f"{other.where} looks better, and cannot be measured here")
        elif value < winner.value:
            winner = replace(other, value=value)
    if elsewhere := choice.better_elsewhere(board, winner):
        notes.append(elsewhere)
    return winner, notes


def of_number(sweep: Sweep, board: Leaderboard, number: int) -> tuple[Choice, list[str]]:
    """Choose the generator of one trial, whatever its rank.

    Raises:
        RequestError: if there is no such trial, or it has none.
    """
    entry = next((entry for entry in board.entries if entry.trial == number), None)
    if entry is None:
        raise RequestError(
            f"'{sweep.name}' has no trial {number}; its trials are 0 to {len(board.entries) - 1}"
        )
    chosen = choice.of_trial(sweep, entry)
    if chosen is None:
        raise RequestError(f"trial {number} has no generator to export: {entry.reason or 'it has no number'}")
    return chosen, [f"trial {number}: {entry.reason}"] if entry.reason else []


def _make(sweep: Sweep, chosen: Choice, trial: TrialConfig, weights: bytes, place: Path) -> list[str]:
    """Make all files of an export, and check them."""
    row = chosen.row
    measured, kind = _measured(chosen)
    translates = FAMILIES[trial.model.family].translates
    if translates:
        _check_pictures(sweep, trial)
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
    sure = label(read_confirmation(sweep), chosen.of)
    numbers = measured | {"kind": kind, "from": chosen.where, "confidence": sure, "measured_again": again}
    (place / "samples.png").write_bytes(png(grid(sheet.pictures, COLUMNS)))
    (place / "metrics.json").write_text(to_json(numbers, indent=2) + "\n")
    files += ["samples.png", "metrics.json"]
    config = add_digests(place, config, files)
    (place / "README.md").write_text(card(sweep, trial, row, numbers, config, notes), encoding="utf-8")
    return notes


def _config(sweep: Sweep, chosen: Choice) -> TrialConfig:
    """Read the configuration of a generator, with where the sweep's pictures are now: they may have been moved."""
    trial = TrialConfig.model_validate_json(chosen.row["config"])
    spec = parse(sweep.spec_text(), SPEC)
    return trial.model_copy(update={"data": spec.data, "photos": spec.photos})


def _check_pictures(sweep: Sweep, trial: TrialConfig) -> None:
    """Check that the pictures of the sweep are there.

    Raises:
        RequestError: if they are not, or have changed.
    """
    where = f"If the pictures were moved: {moved(parse(sweep.spec_text(), SPEC))}"
    try:
        found = sets_of(trial).hash
    except RequestError as error:
        raise RequestError(f"{error}. {where}") from None
    if found != sweep.info.data_hash:
        raise RequestError(f"the pictures are not those of the sweep. {where}")


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
        for row in to_rows(store.table(dataset)):
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


def _result(
    sweep: Sweep, chosen: Choice, loaded: LoadedGenerator | None = None
) -> tuple[dict[str, Any] | None, str | None]:
    """Score a generator on the inputs of results, at the full number of pictures; or say why that cannot be done."""
    trial = _config(sweep, chosen)
    device = torch.device("cpu")
    try:
        _check_pictures(sweep, trial)
        evaluator = evaluator_of(trial, device)
        measuring = Measuring(trial, sweep.info.metric, evaluator, inputs_of(trial), device, lambda: None)
        generator = loaded or measuring.load(chosen.folder, chosen.path)
        if generator is None:
            return None, f"{chosen.path} is gone"
        return asdict(measuring.score(generator, "result", full=False)), None
    except (NonFiniteError, RequestError) as error:
        return None, str(error)


def _measured_again(
    sweep: Sweep, chosen: Choice, measured: Row, kind: str, loaded: LoadedGenerator
) -> tuple[dict[str, Any] | None, str | None]:
    """Measure FID and KID of the exported file on the inputs of results, or say why that cannot be done here.

    Raises:
        WorkError: if a KID on those inputs is not the one on record.
    """
    score, why = _result(sweep, chosen, loaded)
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
    return {name: score[name] for name in ("fid", "kid", "kid_se", "n_fake")}, None
