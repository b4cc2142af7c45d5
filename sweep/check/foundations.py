"""Check the two files without which the records of a sweep say nothing, and what can be told where one is broken."""

from collections.abc import Iterator
from dataclasses import replace

from sweep.check.file_rules import broken_picture, broken_weights, half_written
from sweep.check.folder import Finding, reason
from sweep.records import ledger
from sweep.records.parts.sealed import DamagedPartError, check_seal, readable
from sweep.records.schemas import SCHEMAS
from sweep.records.sweep_info import NEEDED, BrokenInfoError, SweepInfo
from sweep.spec.problems import SpecError
from sweep.spec.specification import parse
from sweep.storage import layout
from sweep.storage.folder import Folder, MissingFileError
from sweep.storage.layout import INFO, SPEC
from sweep.storage.lease import living

_NO_MENDING = "; it cannot be made again from the rest: put a copy of it back"
_OF_SPEC = ", or the spec that the sweep was begun with and what 'sweep extend' changed since"


def foundations(folder: Folder) -> list[Finding]:
    """Find what is wrong with the facts and the spec of a sweep."""
    found = []
    try:
        SweepInfo.read(folder, NEEDED)
    except BrokenInfoError as error:
        found.append(Finding(INFO, f"is broken: {error.why}{_NO_MENDING}"))
    try:
        parse(folder.read(SPEC).decode(errors="replace"), SPEC)
    except MissingFileError:
        found.append(Finding(SPEC, f"is missing{_NO_MENDING}{_OF_SPEC}"))
    except SpecError as error:
        found.append(Finding(SPEC, f"is broken: {error.problems[0]}{_NO_MENDING}{_OF_SPEC}"))
    return found


def files(folder: Folder) -> Iterator[Finding]:
    """Check files that tell by themselves whether they are whole; nothing is mended where their sweep is not known."""
    for dataset in SCHEMAS:
        for name in filter(layout.is_part, folder.names(dataset)):
            path = f"{dataset}/{name}"
            try:
                with readable(folder, path):
                    check_seal(folder.read(path))
            except DamagedPartError as error:
                yield Finding(path, reason(error))
    for name in folder.names(layout.LEDGER):
        trial = layout.trial_of(name, layout.LEDGER_SUFFIX)
        if trial is not None:
            try:
                ledger.read(folder, trial)
            except ledger.DamagedLedgerError as error:
                yield Finding(layout.ledger(trial), reason(error))
    kept = (layout.SNAPSHOT_PREFIX, layout.DISCRIMINATOR_PREFIX)
    for path in _below(folder, layout.CHECKPOINTS):
        if path.rpartition("/")[2].startswith(kept) and (why := broken_weights(folder.read(path))):
            yield Finding(path, why)
    for path in _below(folder, layout.IMAGES):
        if path.endswith(".png") and (why := broken_picture(folder.read(path))):
            yield Finding(path, why)
    if living(folder) is None:
        yield from (replace(one, mend=None) for one in half_written(folder))


def _below(folder: Folder, place: str) -> Iterator[str]:
    """List the files in the folders in a folder."""
    for name in folder.names(place):
        yield from (f"{place}/{name}/{file}" for file in folder.names(f"{place}/{name}"))
