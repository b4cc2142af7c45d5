"""Check what the records name: pictures, weights, checkpoints, the Optuna study."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from io import BytesIO
from pathlib import Path

from ganlib.digests import is_whole
from ganlib.errors import WorkError
from sweep.check.folder import Finding, Found, reason
from sweep.formatting import trial_numbers
from sweep.records.status import RESUMABLE, Status
from sweep.results.judging import judgements
from sweep.search.trial_source import outcome
from sweep.storage import layout
from sweep.storage.folder import TEMPORARY, Folder, MissingFileError
from sweep.storage.layout import STUDY


def pictures(records: Found) -> Iterator[Finding]:
    """Check that every sample on record has its picture, and that the picture can be decoded."""
    for number in records.trials:
        for sample in records.rows("samples", number):
            path = sample["path"]
            try:
                why = broken_picture(records.folder.read(path))
            except MissingFileError:
                why = f"is missing: the samples of trial {number} at {sample['kimg']:g} kimg"
            if why:
                yield Finding(path, why)


def broken_picture(data: bytes) -> str | None:
    """Say why bytes are no whole PNG, which has a check sum in every chunk; None if they are one."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data), formats=("PNG",)) as picture:
            picture.load()
    except Exception as error:  # a damaged picture makes the decoder raise anything
        return f"is no whole picture: {error}"
    return None


def weights(records: Found) -> Iterator[Finding]:
    """Check that snapshots are whole, and that measured trials have theirs, unless the spec keeps none."""
    for number, row in records.trials.items():
        place = layout.checkpoints(number)
        names = [name for name in records.folder.names(place) if name.startswith(layout.SNAPSHOT_PREFIX)]
        kimg = row["result_kimg"]
        if Status(row["status"]).to_the_end and kimg is not None and records.spec.keep.finished != "none":
            name = layout.snapshot_name(kimg)
            if name not in names:
                yield Finding(f"{place}/{name}", f"is missing: the generator of trial {number}")
        discriminators = layout.DISCRIMINATOR_PREFIX
        names += [name for name in records.folder.names(place) if name.startswith(discriminators)]
        for name in names:
            if why := broken_weights(records.folder.read(f"{place}/{name}")):
                yield Finding(f"{place}/{name}", why)


def initial(records: Found) -> Iterator[Finding]:
    """Check that the weights that trials begin with are there, and are those on record."""
    for ancestor in records.info.ancestors.values():
        for digest in filter(None, (ancestor.weights, ancestor.discriminator)):
            path = layout.initial(digest)
            try:
                found = hashlib.sha256(records.folder.read(path)).hexdigest()
            except MissingFileError:
                yield Finding(path, f"is missing: trials begin with it ({ancestor.source})")
                continue
            if found != digest:
                yield Finding(path, "is damaged: its SHA-256 is not its name")


def judged(records: Found) -> Iterator[Finding]:
    """Check that judgements of pictures can be read, and are of trials that there are."""
    for path in judgements.others(records.folder):
        yield Finding(
            path,
            "does not count: the judgements of a session have a name such as 20260101T090000Z-12ab3c.jsonl",
        )
    for _, path in judgements.sessions(records.folder):
        try:
            told = judgements.parse(records.folder.read(path), path)
        except WorkError as error:
            yield Finding(path, reason(error))
            continue
        unknown = {shown.trial for one in told for shown in (one.first, one.second)} - set(records.trials)
        if unknown:
            yield Finding(path, f"judges {trial_numbers(unknown)}, which is not there")


def broken_weights(data: bytes) -> str | None:
    """Say why bytes are not the weights that `ganlib.export.files.pack_weights` wrote; None if they are."""
    size = int.from_bytes(data[:8], "little")
    try:
        digest = json.loads(data[8 : 8 + size])["__metadata__"]["sha256"]
    except (ValueError, KeyError, TypeError):
        return "is no safetensors file of this program"
    whole = hashlib.sha256(data[8 + size :]).hexdigest() == digest
    return None if whole else "is damaged: its content does not match its digest"


def checkpoints(records: Found) -> Iterator[Finding]:
    """Check that checkpoints and histories of unfinished trials are whole, and that measured trials have none."""
    for number, row in records.trials.items():
        if records.running:
            continue  # it writes and drops them as we look
        place = layout.checkpoints(number)
        due = records.remembered(number).due  # dropped once it is measured
        needed = due or row["status"] in RESUMABLE or number in records.waiting
        kept = records.spec.keep.finished if Status(row["status"]).to_the_end else records.spec.keep.stopped
        for name in records.folder.names(place):
            path = f"{place}/{name}"
            if not name.endswith((layout.CHECKPOINT_SUFFIX, layout.HISTORY_SUFFIX)):
                continue
            if not needed and kept != "all" and not row["still_improving"]:
                what = f"is of trial {number}, which has ended: nothing can go on from it"
                yield Finding(path, what, partial(records.folder.delete, path))
                continue
            if not is_whole(records.folder.read(path)):
                what = "is damaged; the one before it is used"
                yield Finding(path, what, partial(records.folder.delete, path))


def study(records: Found) -> Iterator[Finding]:
    """Check that the Optuna study says of every trial what the records say."""
    from optuna import load_study
    from optuna.storages import RDBStorage

    path = records.folder.local(STUDY)
    if path is None:
        return  # on S3 it is written anew at every resume
    if records.info.plan is not None:
        return  # its trials come from a plan
    past = [outcome(records.remembered(number), records.info.rungs) for number in sorted(records.trials)]

    def mend() -> None:
        from sweep.search.study import Study

        spec = records.spec
        Study.rebuild(path, spec.name, spec.space, spec.search, past, spec.configs).close()

    if not path.exists():
        yield Finding(STUDY, "is missing", mend)
        return
    if torn := _torn(path):
        yield Finding(STUDY, torn, mend)
        return
    try:
        storage = RDBStorage("sqlite:///study.db", engine_kwargs={"creator": partial(sqlite3.connect, path)})
        try:
            trials = load_study(study_name=records.spec.name, storage=storage).get_trials(deepcopy=False)
        finally:
            storage.remove_session()
            storage.engine.dispose()
    except Exception as error:  # SQLite, SQLAlchemy and Optuna each have their own
        yield Finding(STUDY, f"cannot be read: {str(error).splitlines()[0]}", mend)
        return
    expected: dict[str, str] = {
        Status.FINISHED: "COMPLETE",
        Status.STOPPED: "PRUNED",
        Status.EXPIRED: "PRUNED",
        Status.COLLAPSED: "PRUNED",
        Status.FAILED: "FAIL",
    }
    if len(trials) < len(past):
        yield Finding(STUDY, f"has {len(trials)} trials, the records {len(past)}", mend)
    for known, trial in zip(past, trials, strict=False):
        state = expected.get(known.state, "RUNNING")
        if trial.state.name != state:
            yield Finding(STUDY, f"trial {known.number} is {trial.state.name}, by the records {state}", mend)
        elif records.spec.space.stored(known.params) != trial.params:
            yield Finding(STUDY, f"trial {known.number} has other parameters than the records", mend)
        elif state == "COMPLETE" and trial.value != known.value:
            yield Finding(
                STUDY, f"trial {known.number} has {trial.value}, by the records {known.value}", mend
            )


def _torn(path: Path) -> str | None:
    """Say why a file is no whole SQLite database; None if it is one."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (page,) = connection.execute("PRAGMA page_size").fetchone()
            (said,) = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        return f"cannot be read: {error}"
    if path.stat().st_size % page:
        return "is torn: its last page is not whole"
    return None if said == "ok" else f"is damaged: {said.splitlines()[0]}"


def leftovers(records: Found) -> Iterator[Finding]:
    """Find half-written files of processes that were killed."""
    if not records.running:
        yield from half_written(records.folder)


def half_written(folder: Folder) -> Iterator[Finding]:
    """Find the temporary files in a folder where nobody writes."""
    root = folder.local()
    if root is None:
        return
    for directory, _, names in os.walk(root):
        for name in sorted(names):
            if name.endswith(TEMPORARY):
                file = Path(directory) / name
                path = file.relative_to(root).as_posix()
                yield Finding(path, "was left half-written by a process that was killed", file.unlink)
