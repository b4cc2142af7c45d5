"""The weights that the trials of a sweep begin with: found, compared with its networks, and copied into its folder.

The copy is what trials read, on whatever machine they run, and what a resume reads: neither the export nor the other
sweep has to stay where it was.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from ganlib.config import Ancestor, TrialConfig
from ganlib.errors import RequestError, WorkError
from ganlib.export.files import CONFIG, ExportConfig
from ganlib.export.start import Origin, read_origin
from sweep.commands.exporting.choosing import of_number
from sweep.commands.lineage.fitting import keys_of, misfits_of, place_of
from sweep.commands.lineage.found import INIT, Found
from sweep.records.catalog import Sweep, open_sweep
from sweep.results import choice
from sweep.results.choice import Choice
from sweep.results.confirmation import read_confirmation
from sweep.results.ranking import board_of
from sweep.spec.distributions import Categorical
from sweep.spec.specification import Spec
from sweep.storage import layout
from sweep.storage.folder import Folder, MissingFileError


def values_of(spec: Spec) -> list[str]:
    """List the values of ``model.init`` that trials of a sweep may have."""
    searched = spec.space.get(INIT)
    values = [
        spec.plain.get(INIT),
        *(searched.choices if isinstance(searched, Categorical) else ()),
        *(point.get(INIT) for point in spec.configs),
    ]
    return list(dict.fromkeys(value for value in values if value is not None))


def find(spec: Spec, storage: Folder) -> dict[str, Found]:
    """Find all weights that a spec names, and make sure that its trials can begin with them.

    Args:
        spec: The sweep.
        storage: Where a sweep is looked for that is given by its name.

    Raises:
        RequestError: with all that is wrong, a line each.
        WorkError: if a file is damaged.
    """
    found: dict[str, Found] = {}
    wrong: list[str] = []
    for value in values_of(spec):
        try:
            found[value] = _find(value, storage)
        except RequestError as error:
            wrong.append(f"{place_of(spec, INIT)}{error}")
    wrong += misfits_of(spec, found)
    if wrong:
        raise RequestError("\n".join(wrong))
    return found


def check_classes(spec: Spec, found: Iterable[Found], classes: Sequence[str]) -> None:
    """Make sure that weights were told the classes that the pictures have, in one order.

    Raises:
        RequestError: naming both.
    """
    for one in found:
        if one.classes and one.classes != tuple(classes):
            raise RequestError(
                f"{place_of(spec, INIT)}the weights of '{one.ancestor.source}' were told the classes "
                f"{', '.join(one.classes)}, and these pictures have {', '.join(classes)}: a class is a number of the "
                "network, so that names and their number must agree"
            )


def wrong_with(spec: Spec, storage: Folder) -> list[str]:
    """Say what is wrong with the weights that a spec names, a line each."""
    try:
        find(spec, storage)
    except (RequestError, WorkError) as error:
        return str(error).splitlines()
    return []


def write(folder: Folder, found: Mapping[str, Found]) -> dict[str, Ancestor]:
    """Copy weights into a sweep's folder; returns what is recorded of them."""
    for one in found.values():
        for data in filter(None, (one.generator, one.discriminator)):
            path = layout.initial(_sha(data))
            if not folder.exists(path):
                folder.write(path, data)
    return {value: one.ancestor for value, one in found.items()}


def hand_on(origin: Folder, folder: Folder, ancestors: Mapping[str, Ancestor]) -> None:
    """Copy the weights that a sweep's trials begin with into another folder, of a sweep with the same ancestors."""
    for ancestor in ancestors.values():
        for digest in filter(None, (ancestor.weights, ancestor.discriminator)):
            path = layout.initial(digest)
            if not folder.exists(path):
                folder.write(path, origin.read(path))


def of_sweep(sweep: Sweep, trial: int | None, source: str) -> Found:
    """Read the weights of a sweep's trial, or of its winner: those of its result, the best generator that it had.

    Args:
        sweep: Whose they are.
        trial: Which; None for what ``sweep best --export`` takes, where that is kept.
        source: What the spec says.

    Raises:
        RequestError: if there is no such trial, or its generator is not kept.
    """
    board = board_of(sweep)
    if trial is not None:
        chosen = of_number(sweep, board, trial)[0]
    else:
        choices = choice.best(sweep, board, read_confirmation(sweep))
        chosen = next((one for one in choices if one.kept), choices[0])
    try:
        generator = chosen.folder.read(chosen.path)
    except MissingFileError:
        raise RequestError(
            f"the generator of {chosen.where} of '{sweep.name}' is not there any more ('keep' in its spec says what "
            "stays)"
        ) from None
    discriminator = _discriminator(chosen)
    config = TrialConfig.model_validate_json(chosen.row["config"])
    ancestor = Ancestor(
        source=source,
        weights=_sha(generator),
        discriminator=_sha(discriminator) if discriminator else None,
        sweep=sweep.name,
        trial=chosen.of,
        where=chosen.where,
        kimg=chosen.kimg,
        data_hash=sweep.info.data_hash,
        attribution=sweep.info.attribution,
        parent=config.ancestor,
    )
    classes = tuple(name for name, _ in sweep.info.classes)
    keys = keys_of(config.model, config.data.size, config.data.channels)
    return Found(ancestor, generator, discriminator, classes, keys)


def of_file(origin: Origin, source: str) -> Found:
    """Collect what is known of the weights of an export, or of a file without one."""
    config = origin.config
    if config is None:
        return Found(Ancestor(source=source, weights=origin.digest), origin.weights, None, None, {})
    about = config.about
    kimg = about.get("kimg")
    trial = about.get("trial")
    ancestor = Ancestor(
        source=source,
        weights=origin.digest,
        trial=trial if isinstance(trial, int) else None,
        kimg=float(kimg) if isinstance(kimg, int | float) else None,
        parent=_parent(config),
        **{
            name: str(about.get(key) or "")
            for name, key in (
                ("sweep", "sweep"),
                ("where", "from"),
                ("data_hash", "data_hash"),
                ("attribution", "attribution"),
            )
        },
    )
    keys = keys_of(config.model, config.size, config.channels)
    return Found(ancestor, origin.weights, None, tuple(config.classes), keys)


def _parent(config: ExportConfig) -> Ancestor | None:
    told = config.about.get("ancestor")
    try:
        return None if told is None else Ancestor.model_validate(told)
    except ValidationError as error:
        raise WorkError(f"{CONFIG} of an export tells of no ancestor: {error.errors()[0]['msg']}") from None


def _find(value: str, storage: Folder) -> Found:
    """Find what a value of ``model.init`` means: a file or an export before a sweep."""
    place = Path(value).expanduser()
    if "://" not in value and (place.is_file() or (place / CONFIG).is_file()):
        return of_file(read_origin(place), value)
    name, _, last = value.rstrip("/").rpartition("/")
    if name and last.isascii() and last.isdecimal():
        sweep = _sweep(storage, name)
        if sweep is not None:
            return of_sweep(sweep, int(last[:9]), value)
    sweep = _sweep(storage, value)
    if sweep is None:
        raise RequestError(
            f"'{value}' is neither an export (a folder that 'sweep best --export' wrote, or its model.safetensors) nor "
            f"a sweep in '{storage}' or at that path (SWEEP, its winner, or SWEEP/TRIAL)"
        )
    return of_sweep(sweep, None, value)


def _sweep(storage: Folder, name: str) -> Sweep | None:
    try:
        return open_sweep(storage, name)
    except RequestError:
        return None


def _discriminator(chosen: Choice) -> bytes | None:
    try:
        return chosen.folder.read(
            f"{layout.checkpoints(chosen.number)}/{layout.discriminator_name(chosen.kimg)}"
        )
    except MissingFileError:
        return None


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
