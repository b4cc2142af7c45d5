"""Read the weights that a spec names: of an export, a file of tensors, or a trial of another sweep."""

from pathlib import Path

from pydantic import ValidationError

from ganlib.address import parted
from ganlib.config import Ancestor, TrialConfig
from ganlib.errors import RequestError, WorkError
from ganlib.export.files import CONFIG, ExportConfig
from ganlib.export.start import Origin, read_origin
from sweep.commands.exporting.choosing import of_number
from sweep.commands.lineage.fitting import keys_of
from sweep.commands.lineage.found import Found, sha256_of
from sweep.records.catalog import Sweep, open_sweep
from sweep.results import choice
from sweep.results.choice import Choice
from sweep.results.confirming.confirmation import read_confirmation
from sweep.results.ranking import board_of
from sweep.storage import layout
from sweep.storage.folder import Folder, MissingFileError


def read(value: str, storage: Folder) -> Found:
    """Read the weights that a value of ``model.init`` names: a file or an export before a sweep.

    Args:
        value: Of the spec.
        storage: Where a sweep is looked for that is given by its name.

    Raises:
        RequestError: if there is neither, or its generator is not kept.
        WorkError: if a file is damaged.
    """
    place = Path(value).expanduser()
    if "://" not in value and (place.is_file() or (place / CONFIG).is_file()):
        return of_file(read_origin(place), value)
    path, options = parted(value)
    name, _, last = path.rstrip("/").rpartition("/")
    if name and last.isascii() and last.isdecimal():
        sweep = _sweep(storage, f"{name}{options}")
        if sweep is not None:
            return of_sweep(sweep, int(last[:9]), value)
    sweep = _sweep(storage, value)
    if sweep is None:
        raise RequestError(
            f"'{value}' is neither an export (a folder that 'sweep best --export' wrote, or its model.safetensors) nor "
            f"a sweep in '{storage}' or at that path (SWEEP, its winner, or SWEEP/TRIAL)"
        )
    return of_sweep(sweep, None, value)


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
        raise choice.gone(sweep, board, chosen) from None
    discriminator = _discriminator(chosen)
    config = TrialConfig.model_validate_json(chosen.row["config"])
    ancestor = Ancestor(
        source=source,
        weights=sha256_of(generator),
        discriminator=sha256_of(discriminator) if discriminator else None,
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
