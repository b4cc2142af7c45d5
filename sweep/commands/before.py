"""What is settled before the first trial of a sweep: the pictures, and the facts that ``sweep.json`` holds."""

import platform
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from ganlib.config import AVATARS, PictureSource
from ganlib.data import ImageSet
from ganlib.data.labels.classes import FOLDERS
from ganlib.data.telling import classes, duplicates, faults, left_out, prepared, taken
from ganlib.domains import kit
from ganlib.domains.sets import TrainingSets, prepare_sets
from ganlib.errors import RequestError
from ganlib.metrics.identity import Baseline, Floor
from sweep import __version__
from sweep.commands.foreknown import refusal
from sweep.records.datasets import Store
from sweep.records.event_kind import EventKind
from sweep.records.sweep_info import SweepInfo
from sweep.search.draws import grid_order
from sweep.spec.distributions import Categorical
from sweep.spec.specification import Spec

CONTENT_WEIGHTS = "train.content_weights"
PACKAGES = ("ray", "torch", "optuna", "numpy", "pyarrow", "dicebear-core", "dicebear-styles")


def any_config(spec: Spec, images: int) -> dict[str, Any]:
    """Make some configuration of the space: what is checked before the start is the same for all."""
    config = spec.resolve({}).model_copy(update={"ladder": spec.schedule(images).ladder})
    return config.model_dump(mode="json")


def prepare_pictures(spec: Spec, say: Callable[[str], None]) -> TrainingSets:
    """Pack the pictures, or find them packed and whole; says what there is."""
    last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        if done == total or time.monotonic() - last > 5:
            last = time.monotonic()
            say(f"preparing pictures: {done} of {total}")

    def damaged(images: ImageSet) -> None:
        say(f"warning: {images.path} was damaged; preparing it again")

    sets = prepare_sets(spec.data, spec.photos, spec.trains_on_edges, progress=progress, damaged=damaged)
    for section, images in sets.sides:
        config = spec.photos if section == "photos" and spec.photos else spec.data
        _tell(section, images, config, say)
    if sets.landmarks is not None:
        known = int(np.isfinite(sets.landmarks).all((1, 2)).sum())
        say(f"landmarks: of {known:,} of {len(sets.landmarks):,} photographs")
    with suppress(OSError):  # workers then look at the sources themselves
        kit.write(sets)
    return sets


def _tell(section: str, images: ImageSet, config: PictureSource, say: Callable[[str], None]) -> None:
    """Say what there is of one domain."""
    how = f" ({config.prepared})" if config.prepared else ""
    say(
        f"{section}: {len(images)} pictures of {images.size} px{how} from {config.source} ({taken(images.found)})"
    )
    for title, lines in (
        ("classes: ", classes(images.found) if images.classes else []),
        ("", prepared(images.traits)),
        ("alike ", duplicates(images.found, config.dedupe, section)),
        ("left out ", left_out(images.found)),
        ("skipped ", faults(images.skipped)),
    ):
        for line in lines:
            say(f"      {title}{line}")
    if images.attribution:
        say(f"      {images.attribution}")


def as_begun(spec: Spec, info: SweepInfo) -> Spec:
    """Read the spec of a sweep that has begun: older ones count avatars also where folders were read whole."""
    if info.left_out is not None or AVATARS in spec.data.sources:
        return spec
    return replace(spec, data=spec.data.model_copy(update={"count": None}))


def same_pictures(spec: Spec, info: SweepInfo, say: Callable[[str], None]) -> TrainingSets:
    """Prepare the pictures of a sweep that has begun; ``info`` says what they were.

    Raises:
        RequestError: if they are no longer those that it began with.
    """
    try:
        images = prepare_pictures(spec, say)
    except RequestError as error:
        raise RequestError(f"{error}. If the pictures were moved: {moved(spec)}") from None
    if images.hash != info.data_hash:
        raise RequestError(
            f"the pictures have changed since the sweep began ({len(images):,} with hash {images.hash[:12]}, then "
            f"{info.images:,} with {info.data_hash[:12]}): put the old ones back, say where they are now "
            f"({moved(spec)}), or start a new sweep"
        )
    return images


def moved(spec: Spec) -> str:
    """Say how a sweep is told where its pictures are now."""
    return "--set data.source=PATH" + (" or --set photos.source=PATH" if spec.photos else "")


def anchored(spec: Spec) -> Spec:
    """Make the paths of a spec absolute: workers have directories of their own, and a resume may start elsewhere."""

    def anchor(path: str) -> str:
        return path if path == AVATARS or "://" in path else str(Path(path).expanduser().absolute())

    def all_of(source: str | list[str]) -> str | list[str]:
        return [anchor(path) for path in source] if isinstance(source, list) else anchor(source)

    labels = spec.data.labels
    labels = anchor(labels) if labels not in (None, FOLDERS) else labels
    data = spec.data.model_copy(update={"source": all_of(spec.data.source), "labels": labels})
    photos, weights, content = spec.photos, spec.evaluate.weights, spec.plain.get(CONTENT_WEIGHTS)
    if photos is not None:
        update = {"source": all_of(photos.source), "landmarks": photos.landmarks and anchor(photos.landmarks)}
        photos = photos.model_copy(update=update)
    evaluate = spec.evaluate.model_copy(update={"weights": weights and anchor(weights)})
    plain = {**spec.plain, CONTENT_WEIGHTS: anchor(content)} if content else spec.plain
    return replace(spec, data=data, photos=photos, evaluate=evaluate, plain=plain)


def check_batch_size(spec: Spec, images: int, what: str = "pictures") -> None:
    """Refuse a batch larger than the set, before anything is trained.

    Args:
        spec: The sweep.
        images: How many pictures there are.
        what: What they are, for the error text.

    Raises:
        RequestError: naming both numbers.
    """
    largest = spec.resolve({}).train.batch_size
    searched = spec.space.get("train.batch_size")
    if isinstance(searched, Categorical):
        largest = max(searched.choices)
    elif searched is not None:
        largest = int(searched.high)
    if largest > images:
        raise RequestError(
            f"train.batch_size is {largest}, but there are only {images} {what}: add some or lower the batch size"
        )


def planned(spec: Spec, classes: int = 0) -> int:
    """Count the trials of a sweep: what its search asks for, or what its grid holds that may fulfil all wishes.

    Args:
        spec: The sweep.
        classes: How many classes its pictures have; 0 without labels.
    """
    cells = grid_order(spec.space, spec.search, refusal(spec, classes))
    return spec.search.trials if cells is None else min(spec.search.trials, len(cells))


def note_pictures(store: Store, sets: TrainingSets, notes: Iterable[str]) -> None:
    """Put on record what was not taken for pictures or cannot be used, and what is done otherwise than asked for.

    It takes the place of what an attempt to start the sweep has left.

    Raises:
        StorageError: if it cannot be written.
    """
    found: list[tuple[EventKind, dict[str, Any]]] = [
        *((EventKind.SKIPPED_FILE, {"path": one.path, "reason": one.reason}) for one in sets.skipped),
        *((EventKind.LEFT_OUT, asdict(item)) for _, side in sets.sides for item in side.found.left_out),
        *((EventKind.NOTE, {"reason": note}) for note in notes),
    ]
    store.replace("events", None, [{"kind": kind, "detail": detail} for kind, detail in found])


def facts_of(spec: Spec, sets: TrainingSets, tried: Mapping[str, Any], runner: str) -> SweepInfo:
    """Collect the facts of a sweep that are not in its spec.

    Args:
        spec: What was asked for.
        sets: Its pictures.
        tried: What `sweep.worker.ready.preflight.preflight` found.
        runner: Where trials run.
    """
    schedule = spec.schedule(len(sets))
    classes = sets.drawings.found.classes if sets.drawings.classes else ()
    installed = {name: found for name in PACKAGES if (found := _version(name))}
    return SweepInfo(
        name=spec.name,
        created=datetime.now(UTC),
        images=len(sets),
        data_hash=sets.hash,
        photos=len(sets.photos) if sets.photos else 0,
        drawings_hash=sets.drawings.hash if sets.photos else "",
        skipped=len(sets.skipped),
        left_out=sum(item.count for _, images in sets.sides for item in images.found.left_out),
        duplicates=sum(len(group) - 1 for _, images in sets.sides for group in images.found.alike),
        deduped=sum(len(images.look.left_out) for _, images in sets.sides),
        attribution=sets.attribution,
        prepared=spec.data.prepared,
        classes=classes,
        extractor=tried["extractor"],
        extractor_digest=tried["extractor_digest"],
        metric=spec.search.metric,
        subject_to=dict(spec.search.subject_to),
        trials=planned(spec, len(classes)),
        budget=schedule.budget,
        interval=schedule.interval,
        rungs=schedule.rungs,
        ladder=schedule.ladder,
        floor=tuple(Floor(**floor) for floor in tried["floor"]),
        baseline=tuple(Baseline(**baseline) for baseline in tried["baseline"]),
        runner=runner,
        device=tried["device"],
        versions={"sweep": __version__, "python": platform.python_version()} | installed,
    )


def _version(package: str) -> str | None:
    """Look up the version of a package; a machine that only runs locally may lack Ray."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
