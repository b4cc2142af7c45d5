"""What a sweep takes from outside, looked at before anything is prepared: pictures and weights."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from ganlib.config import DataConfig, EvaluateConfig
from ganlib.data import ImageSet, Skipped, find, prepare
from ganlib.data.folder import FileChunk, digests
from ganlib.data.sources import Source, open_sources, preparation
from ganlib.data.telling import classes, duplicates
from ganlib.errors import RequestError
from ganlib.names import EXTRACTORS
from sweep.spec.overrides import exists
from sweep.spec.specification import Spec

PREPARED = 2000
"""A dry run prepares up to so many pictures as the run would, which takes seconds."""
TRIED_SECONDS = 3.0
"""Of more, it opens some for so long."""


@dataclass(frozen=True)
class Pictures:
    """What is known of a sweep's pictures without preparing many.

    Attributes:
        count: How many there are; where they are not prepared, how many files look like pictures.
        prepared: Whether the set is ready, and ``count`` exact.
        tried: How many files were opened, where it is not.
        skipped: Those that will be left out, as far as they were looked at.
        alike: What is said of duplicates, where the set is ready.
        classes: What is said of the classes that labels name, where the set is ready.
        kinds: How many classes there are, where the set is ready; 0 without labels.
    """

    count: int
    prepared: bool
    tried: int = 0
    skipped: tuple[Skipped, ...] = field(default=())
    alike: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    kinds: int = 0


def check_inputs(spec: Spec) -> None:
    """Look for all that a sweep needs; cheap beside preparing pictures.

    Raises:
        RequestError: with all that is missing or cannot be used, a line each.
    """
    wrong = [problem for side in _sides(spec) for problem in _sources(side)[1]]
    wrong += _files(spec)
    if wrong:
        raise RequestError("\n".join(wrong))


def look(spec: Spec) -> tuple[dict[str, Pictures], list[str]]:
    """Look at pictures and weights: what is known of the pictures, by section, and all that is wrong."""
    found: dict[str, Pictures] = {}
    problems: list[str] = []
    for side in _sides(spec):
        sources, wrong = _sources(side)
        if not wrong:
            try:
                found[side.section] = _pictures(side, sources)
            except RequestError as error:
                wrong.append(str(error))
        problems += wrong
    return found, problems + _files(spec)


def _sides(spec: Spec) -> list[DataConfig]:
    """List the domains of a sweep."""
    return [spec.data, *([spec.photos.at(spec.data.size)] if spec.photos else [])]


def _files(spec: Spec) -> list[str]:
    """Find what is wrong with the other files that a spec names, and with weights."""
    wrong = _weights(spec.evaluate)
    content = spec.plain.get("train.content_weights")
    landmarks = spec.photos.landmarks if spec.photos else None
    for key, path in (("train.content_weights", content), ("photos.landmarks", landmarks)):
        if path is not None and not exists(path):
            wrong.append(_missing(key, path))
    return wrong


def _missing(key: str, path: str) -> str:
    return f"{key}: there is no file '{path}'{_nearest(path)} (looked in {Path.cwd()})"


def _sources(config: DataConfig) -> tuple[list[Source], list[str]]:
    found: list[Source] = []
    wrong: list[str] = []
    try:
        found = open_sources(config)
    except RequestError as error:
        wrong.append(str(error) + "".join(map(_nearest, config.sources)))
    try:
        preparation(config)
    except RequestError as error:
        wrong.append(str(error))
    return found, wrong


def _pictures(config: DataConfig, sources: list[Source]) -> Pictures:
    total = sum(map(len, sources))
    ready = find(config)
    if ready is None and all(source.avatars is not None for source in sources):
        return Pictures(total, prepared=False)  # drawn, not found: their number is what the spec says
    if ready is None and total <= PREPARED:
        ready = prepare(config)
    if ready is not None:
        return _of(ready, config)
    bad: list[Skipped] = [item for source in sources for item in source.skipped]
    how, tried, opened = preparation(config), 0, time.monotonic()
    files = [(source, file) for source in sources for file in source.files]
    for source, file in files[:: max(1, len(files) // 500)]:
        if source.bucket is not None:
            source.bucket.fetch([file])
        content = digests((file.path,))
        if source.bucket is not None:
            source.bucket.check([file], content)
        (picture,) = FileChunk((file.path,), tuple(content)).pictures(how)
        bad += [Skipped(file.shown, picture)] if isinstance(picture, str) else []
        tried += 1
        if time.monotonic() - opened > TRIED_SECONDS:
            break
    return Pictures(total, prepared=False, tried=tried, skipped=tuple(bad))


def _of(images: ImageSet, config: DataConfig) -> Pictures:
    alike = duplicates(images.found, config.dedupe, config.section)
    told = tuple(classes(images.found)) if images.classes else ()
    kinds = len(images.classes.names) if images.classes else 0
    return Pictures(len(images), True, 0, images.skipped, tuple(alike), told, kinds)


def _weights(config: EvaluateConfig) -> list[str]:
    """Find what is wrong with the extractor; one that does not come with the program is loaded."""
    if config.weights is None and EXTRACTORS[config.extractor].weights == "installed":
        return []
    if config.weights is not None and not exists(config.weights):
        return [_missing("evaluate.weights", config.weights)]
    from ganlib.metrics import load_extractor

    try:
        load_extractor(config.extractor, config.weights)
    except RequestError as error:
        return [f"evaluate.{'weights' if config.weights else 'extractor'}: {error}"]
    return []


def _nearest(name: str) -> str:
    """Find a path that does exist and was probably meant: without blanks or quotes at its ends, or with ``/``."""
    bare = name.strip().strip("\"'").strip()
    for other in (name.strip(), bare, bare.replace("\\", "/")):
        if other and other != name and exists(other):
            return f"; did you mean '{other}'? What stands behind '=' is the path as it is"
    return ""
