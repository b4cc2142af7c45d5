"""The weights that the trials of a sweep begin with: found, compared with its networks, and copied into its folder.

The copy is what trials read, on whatever machine they run, and what a resume reads: neither the export nor the other
sweep has to stay where it was.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from ganlib.config import Ancestor, ModelConfig, TrialConfig
from ganlib.errors import RequestError, WorkError
from ganlib.export.generator import CONFIG, ExportConfig
from ganlib.export.start import Origin, read_origin, tensors_of
from ganlib.models.family import Family
from ganlib.models.start import misfits
from ganlib.names import FAMILIES, LOSSES
from sweep.commands.export import of_number
from sweep.records.catalog import Sweep, open_sweep
from sweep.results import choice
from sweep.results.choice import Choice
from sweep.results.confirmation import read_confirmation
from sweep.results.ranking import leaderboard
from sweep.spec.distributions import Categorical
from sweep.spec.specification import Spec
from sweep.storage import layout
from sweep.storage.folder import Folder, MissingFileError

INIT, FREEZE = "model.init", "model.freeze_d"
SHAPES = tuple(
    f"model.{name}"
    for name in ("family", "variant", "latent_dim", "width", "mapping_layers", "blocks", "upsample", "d_norm")
)
"""Keys of ``model`` that decide the shapes of weights, of the discriminator alone too."""
CORNERS = 300
"""Combinations of searched values that are looked at."""


@dataclass(frozen=True)
class Found:
    """Weights that a spec names, and where they come from.

    Attributes:
        ancestor: What is recorded of them.
        generator: The bytes of a safetensors file.
        discriminator: The bytes of another one; None where there is none.
        keys: The values of the keys that made the networks what they are, by path; empty where they are not known.
    """

    ancestor: Ancestor
    generator: bytes
    discriminator: bytes | None
    keys: Mapping[str, Any]

    @property
    def note(self) -> str | None:
        """What a person should know of them."""
        if self.discriminator is not None:
            return None
        return (
            f"{INIT}: the discriminator begins with fresh weights, because '{self.ancestor.source}' has a generator "
            "alone; SWEEP/TRIAL brings both"
        )


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
            wrong.append(f"{_place(spec, INIT)}{error}")
    wrong += _misfits(spec, found)
    if wrong:
        raise RequestError("\n".join(wrong))
    return found


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
    board = leaderboard(sweep.store, sweep.info.metric)
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
    return Found(
        ancestor, generator, discriminator, _keys(config.model, config.data.size, config.data.channels)
    )


def of_file(origin: Origin, source: str) -> Found:
    """Collect what is known of the weights of an export, or of a file without one."""
    config = origin.config
    if config is None:
        return Found(Ancestor(source=source, weights=origin.digest), origin.weights, None, {})
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
    return Found(ancestor, origin.weights, None, _keys(config.model, config.size, config.channels))


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


def _keys(model: ModelConfig, size: int, channels: int) -> dict[str, Any]:
    values = model.model_dump()
    return {path: values[path.partition(".")[2]] for path in SHAPES} | {
        "data.size": size,
        "data.channels": channels,
    }


def _misfits(spec: Spec, found: Mapping[str, Found]) -> list[str]:
    """Say which weights do not fit the networks that trials may have."""
    wrong = [message for value in found for message in _searched(spec, value)]
    seen: set[str] = set()
    for config in _configs(spec):
        one = found.get(config.model.init or "")
        if wrong or one is None:
            continue
        norm = config.model.d_norm or LOSSES[config.train.loss].load().norm
        key = f"{config.model.model_dump_json()} {norm}"
        if key not in seen:
            seen.add(key)
            wrong += [message for message in _misfit(spec, config, one, norm)]
    return list(dict.fromkeys(wrong))


def _configs(spec: Spec) -> Iterator[TrialConfig]:
    """Give the configurations at the ends of what is searched."""
    listed = any(path in spec.plain for path in spec.space)
    corners: Sequence[Mapping[str, Any]] = spec.configs if listed else spec.space.corners(CORNERS)[0]
    for params in corners or [{}]:
        yield spec.resolve(params)


def _searched(spec: Spec, value: str) -> Iterator[str]:
    """Refuse to search what decides the shapes of weights in trials that begin with given ones."""
    if any(path in spec.plain for path in spec.space):
        return  # a list of configurations, each of which is looked at
    for path in SHAPES[:-1]:
        distribution = spec.space.get(path)
        if distribution is not None and value in distribution.when.get(INIT, (value,)):
            yield (
                f"{_place(spec, path)}{path} is searched, and the weights of {INIT} fit one value alone: give it that "
                f"value, or search it only where trials begin with fresh weights"
            )


def _misfit(spec: Spec, config: TrialConfig, one: Found, norm: Any) -> Iterator[str]:  # noqa: ANN401
    model, data, place = config.model, config.data, _place(spec, INIT)
    family: Family = FAMILIES[model.family].load()
    here = _keys(model, data.size, data.channels)
    differing = [path for path, there in one.keys.items() if there != here[path] and path != SHAPES[-1]]
    if differing:
        yield "\n".join(
            f"{_place(spec, path)}{path} is {_word(here[path])}, and the weights of {INIT} ('{one.ancestor.source}') "
            f"are of {_word(one.keys[path])}: give {path} that value; nothing is stretched or cut to fit"
            for path in differing
        )
        return
    with torch.random.fork_rng(devices=[]):
        generator = family.generator(model, data.size, data.channels)
        discriminator = family.discriminator(model, data.size, norm, data.channels)
    source = one.ancestor.source
    if why := misfits(generator, tensors_of(one.generator, source)):
        yield f"{place}the generator of '{source}' does not fit the networks of this spec: {why}"
    if one.discriminator is not None and (
        why := misfits(discriminator, tensors_of(one.discriminator, source))
    ):
        yield (
            f"{place}the discriminator of '{source}' does not fit that of this spec: {why}. What normalises it follows "
            f"from model.d_norm ({_word(one.keys.get(SHAPES[-1]))} there, {_word(model.d_norm)} here) and train.loss "
            f"({norm} here). Give d_norm the value that it had there, or begin with an export, which has a generator "
            "alone"
        )
    if model.freeze_d and one.discriminator is None:
        yield (
            f"{_place(spec, FREEZE)}{FREEZE} is {model.freeze_d}, but '{source}' has no discriminator whose layers "
            "could be kept; leave it out, or begin with SWEEP/TRIAL of a sweep that keeps its discriminator"
        )
    try:
        list(family.first(discriminator, model.freeze_d) if model.freeze_d else ())
    except RequestError as error:
        yield f"{_place(spec, FREEZE)}{error}"


def _word(value: object) -> str:
    return "null" if value is None else str(value)


def _place(spec: Spec, path: str) -> str:
    """Name the line of the spec on which a key stands, and the key where it is that of the weights."""
    line = spec.lines.get(path)
    named = f"{path}: " if path == INIT else ""
    return f"{line}: {named}" if line else named


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
