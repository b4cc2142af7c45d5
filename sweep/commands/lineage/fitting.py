"""Whether weights fit the networks that trials of a spec have: shapes, layers to freeze, classes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganlib.config import ModelConfig, TrialConfig
from ganlib.errors import RequestError
from ganlib.export.start import tensors_of
from ganlib.initial import initial_weights
from ganlib.models.family import Family
from ganlib.models.start import misfits
from ganlib.names import FAMILIES, LOSSES
from sweep.commands.lineage.found import INIT, Found, place_of
from sweep.spec.specification import Spec

FREEZE = "model.freeze_d"
SHAPES = tuple(
    f"model.{name}"
    for name in ("family", "variant", "latent_dim", "width", "mapping_layers", "blocks", "upsample", "d_norm")
)
"""Keys of ``model`` that decide the shapes of weights, of the discriminator alone too."""
CORNERS = 300
"""Combinations of searched values that are looked at."""


def keys_of(model: ModelConfig, size: int, channels: int) -> dict[str, Any]:
    """Collect the values of the keys that decide the shapes of weights, by path."""
    values = model.model_dump()
    return {path: values[path.partition(".")[2]] for path in SHAPES} | {
        "data.size": size,
        "data.channels": channels,
    }


def misfits_of(spec: Spec, found: Mapping[str, Found]) -> list[str]:
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
                f"{place_of(spec, path)}{path} is searched, and the weights of {INIT} fit one value alone: give it "
                f"that value, or search it only where trials begin with fresh weights"
            )


def _misfit(spec: Spec, config: TrialConfig, one: Found, norm: Any) -> Iterator[str]:  # noqa: ANN401
    model, data, place = config.model, config.data, place_of(spec, INIT)
    family: Family = FAMILIES[model.family].load()
    here = keys_of(model, data.size, data.channels)
    differing = [path for path, there in one.keys.items() if there != here[path] and path != SHAPES[-1]]
    if differing:
        yield "\n".join(
            f"{place_of(spec, path)}{path} is {_word(here[path])}, and the weights of {INIT} ('{one.ancestor.source}') "
            f"are of {_word(one.keys[path])}: give {path} that value; nothing is stretched or cut to fit"
            for path in differing
        )
        return
    source = one.ancestor.source
    if why := _classes_missing(one, data.labels is not None):
        yield f"{place_of(spec, 'data.labels' if one.classes is not None else INIT)}{why}"
        return
    with initial_weights():
        told = len(one.classes or ())
        generator = family.generator(model, data.size, data.channels, told)
        discriminator = family.discriminator(model, data.size, norm, data.channels, told)
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
            f"{place_of(spec, FREEZE)}{FREEZE} is {model.freeze_d}, but '{source}' has no discriminator whose layers "
            "could be kept; leave it out, or begin with SWEEP/TRIAL of a sweep that keeps its discriminator"
        )
    try:
        list(family.first(discriminator, model.freeze_d) if model.freeze_d else ())
    except RequestError as error:
        yield f"{place_of(spec, FREEZE)}{error}"


def _classes_missing(one: Found, labelled: bool) -> str:
    """Say why weights do not go with a spec that has labels, or has none; empty where they do."""
    source = one.ancestor.source
    if labelled and one.classes is None:
        return (
            f"a file without its export ('{source}') does not say which classes it was told, as data.labels needs: "
            "begin with the folder of an export, or SWEEP/TRIAL"
        )
    if labelled and not one.classes:
        return (
            f"data.labels tells classes, and the weights of {INIT} ('{source}') were told none: leave one out"
        )
    if one.classes and not labelled:
        return (
            f"the weights of {INIT} ('{source}') were told the classes {', '.join(one.classes)}: give data.labels, or "
            "begin with weights that were told none"
        )
    return ""


def _word(value: object) -> str:
    return "null" if value is None else str(value)
