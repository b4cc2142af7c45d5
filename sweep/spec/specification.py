"""The specification of a sweep: the YAML file that a person writes, as typed and validated objects.

A spec has one section for each thing that can be configured. In ``model`` and ``train`` a distribution may
stand where a value could stand; such a key is searched. All problems of a spec are reported at once, each with its
file, line, key, rule and value.
"""

import codecs
import math
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ganlib.clock import budget_of, kimg_of
from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, PhotosConfig, TrialConfig
from ganlib.errors import RequestError
from ganlib.names import FAMILIES
from sweep import shipped
from sweep.mistaken import instead_of_spec
from sweep.spec import yaml_tree
from sweep.spec.distributions import Categorical
from sweep.spec.problems import Problem, SpecError, broken_rules
from sweep.spec.reader import read_draft
from sweep.spec.schedule import Schedule
from sweep.spec.sections import (
    SEARCHABLE,
    SECTIONS,
    AshaConfig,
    KeepConfig,
    ResourcesConfig,
    SearchConfig,
    promoting,
)
from sweep.spec.space import Space
from sweep.spec.values import build_trial, with_parts

_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

__all__ = [
    *("AshaConfig", "KeepConfig", "ResourcesConfig", "SearchConfig"),
    *("Problem", "Spec", "SpecError", "load", "parse"),
]


@dataclass(frozen=True)
class Spec:
    """The specification of one sweep, fully resolved: every default is filled in.

    Attributes:
        name: The name of the sweep and of its folder.
        data: The pictures; of a translator, the drawings.
        photos: The pictures that a translator starts from; None for other families.
        evaluate: How and how often generators are measured.
        collapse: When a trial is called dead.
        search: How configurations are chosen.
        asha: The rungs of early stopping; None for no early stopping.
        resources: The resources of each trial.
        keep: The files that are kept of ended trials.
        plain: The value of each key of ``model`` and ``train`` that is not searched, by path; a schedule has None where
            a part of it is searched.
        space: The distribution of each searched key, or part of a schedule (``train.lr_g.from``).
        configs: The points that are tried first, each from path to value. Where nothing is searched, there are no
            other trials: every point then names one set of keys, which are in ``plain`` too, and ``space`` has the
            values of the points as choices.
        track: The programs that are told how trials go; see `sweep.driver.trackers`.
        lines: Where the keys of the text stand, such as ``faces.yaml:7``, by path.
    """

    name: str
    data: DataConfig
    photos: PhotosConfig | None
    evaluate: EvaluateConfig
    collapse: CollapseConfig
    search: SearchConfig
    asha: AshaConfig | None
    resources: ResourcesConfig
    keep: KeepConfig
    plain: Mapping[str, Any]
    space: Space
    configs: Sequence[Mapping[str, Any]] = ()
    track: Sequence[str] = ()
    lines: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def resolve(self, params: Mapping[str, Any]) -> TrialConfig:
        """Make the configuration of one trial.

        Args:
            params: A value for each active key of the space, by path. A searched key without a value (its condition
                does not hold) takes the default of its field.

        Raises:
            RequestError: If a key is not searched or the values do not go together.
        """
        unknown = [path for path in params if path not in self.space]
        if unknown:
            raise RequestError(f"{', '.join(unknown)}: not searched by the sweep '{self.name}'")
        try:
            return build_trial(vars(self), {**self.plain, **params})
        except ValidationError as error:
            raise RequestError(
                f"the parameters {dict(params)} cannot be used: {broken_rules(error)}"
            ) from None

    @property
    def families(self) -> tuple[str, ...]:
        """List the families of networks that trials may have."""
        path = "model.family"
        searched = self.space.get(path)
        given = [self.plain[path]] if path in self.plain else []
        return tuple(
            dict.fromkeys([*given, *(searched.choices if isinstance(searched, Categorical) else ())])
        )

    @property
    def trains_on_edges(self) -> bool:
        """Whether some trials train on drawings with blurred edges."""
        return any(FAMILIES[family].edges for family in self.families)

    def promoting(self) -> AshaConfig | None:
        """Give the rungs where a trial may go on though all have ended; see `sweep.spec.sections.promoting`."""
        return promoting(self.asha, self.search.time)

    def schedule(self, images: int) -> Schedule:
        """Work out the times at which things happen in the sweep's trials.

        Args:
            images: Number of pictures in the data set; an epoch shows each once.
        """
        end = max(self._end(point, images) for point in self.configs or [{}])
        return Schedule.of(images, end, self.evaluate, self.asha)

    def _end(self, params: Mapping[str, Any], images: int) -> float:
        """Say where a trial with these parameters ends by ``train.epochs`` or ``train.kimg``, in kimg."""
        values = {**self.plain, **params}
        end = budget_of(values["train.epochs"], values["train.kimg"], images)
        return math.inf if end is None else end

    @property
    def keeps_stopped(self) -> bool:
        """Whether a trial that is stopped leaves a checkpoint to go on from."""
        return (self.asha is not None and self.asha.promotes) or self.keep.stopped == "all"

    def patience(self, images: int) -> float | None:
        """Say for how long a trial may be no better than before, in kimg; None for as long as it trains."""
        asha = self.asha
        return None if asha is None or asha.patience is None else kimg_of(asha.patience, asha.unit, images)

    def trial_budget(self, params: Mapping[str, Any], schedule: Schedule) -> float:
        """Say how long a trial with these parameters trains, in kimg: the schedule's budget, or less."""
        return min(schedule.budget, self._end(params, schedule.images))

    def trial_config(self, params: Mapping[str, Any], schedule: Schedule) -> TrialConfig:
        """Make the configuration of a trial with these parameters, with its budget in kimg and the schedule's ladder.

        Raises:
            RequestError: If a key is not searched or the values do not go together.
        """
        config = self.resolve(params)
        train = config.train.model_copy(update={"kimg": self.trial_budget(params, schedule), "epochs": None})
        return config.model_copy(update={"train": train, "ladder": schedule.ladder})

    def to_plain(self) -> dict[str, Any]:
        """Give the spec as plain JSON values with every key; a searched key has its distribution as a mapping."""
        sections = {section: self._section(section) for section in SECTIONS}
        configs = {"configs": [dict(point) for point in self.configs]} if self.configs else {}
        track = {"track": list(self.track)} if self.track else {}
        return {"name": self.name} | sections | configs | track

    def to_yaml(self) -> str:
        """Write the spec as YAML with every key; `parse` makes an equal `Spec` of the text."""
        lines = []
        for section, values in self.to_plain().items():
            if isinstance(values, dict):
                lines.append(f"{section}:")
                lines += [f"  {key}: {yaml_tree.inline(value)}" for key, value in values.items()]
            elif isinstance(values, list):
                lines += [f"{section}:", *(f"- {yaml_tree.inline(value)}" for value in values)]
            else:
                lines.append(f"{section}: {yaml_tree.inline(values)}")
        return "\n".join(lines) + "\n"

    def _section(self, section: str) -> dict[str, Any] | None:
        """Give one section as plain values and distributions; None for one that is left out."""
        if section not in SEARCHABLE:
            model = getattr(self, section)
            return None if model is None else model.model_dump(mode="json")
        values: dict[str, Any] = {}
        for name in SECTIONS[section].model_fields:
            path = f"{section}.{name}"
            if path in self.space and path not in self.plain:
                when = {other: _unlisted(those) for other, those in self.space[path].when.items()}
                values[name] = self.space[path].plain() | ({"when": when} if when else {})
            else:
                searched = {part: self.space[part].plain() for part in self.space}
                values[name] = with_parts(path, self.plain[path], searched)
        return values


def load(path: str | Path, overrides: Sequence[str] = ()) -> Spec:
    """Read a spec from a file.

    Args:
        path: A YAML file of at most `yaml_tree.MAX_BYTES` bytes, or the name of a shipped one (`sweep.shipped`), which
            goes before a folder of that name.
        overrides: ``PATH=VALUE``, each put over what the file says; VALUE is YAML and may be a distribution.

    Raises:
        SpecError: If anything is wrong in the spec; names every problem.
        RequestError: If the file cannot be read.
    """
    if (os.path.isdir(path) or not os.path.exists(path)) and (known := shipped.find(str(path))) is not None:
        path = known
    try:
        regular = stat.S_ISREG(Path(path).stat().st_mode)
        with Path(path).open("rb") if regular else nullcontext() as file:
            data = file.read(yaml_tree.MAX_BYTES + 1) if file else b""
    except FileNotFoundError:
        raise RequestError(f"{path}: there is no such file; {instead_of_spec(Path(path))}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RequestError(f"cannot read the spec {str(path)!r}: {reason}") from None
    if not regular:
        raise RequestError(f"{path} is not the file of a spec; {instead_of_spec(Path(path))}")
    name = str(path)
    if data.startswith(_ARCHIVES):
        folder = Path(path).name.split(".")[0]
        raise RequestError(
            f"{path} is an archive: unpack it into a folder, and give that ('unzip {path} -d {folder}', 'sweep run "
            f"{folder}')"
        )
    if len(data) > yaml_tree.MAX_BYTES:
        raise SpecError([Problem(name, 1, "", f"is larger than the limit of {yaml_tree.MAX_BYTES} bytes")])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        kind = "it is UTF-16 or UTF-32" if data.startswith(_UTF16) else "a spec is YAML"
        message = (
            f"is not UTF-8 text: byte 0x{data[error.start]:02x} at position {error.start}; "
            f"{kind}, save it as UTF-8"
        )
        raise SpecError([Problem(name, line, "", message)]) from None
    return parse(text, name, overrides)


def parse(text: str, file: str = "<spec>", overrides: Sequence[str] = ()) -> Spec:
    """Read a spec from text.

    Args:
        text: The YAML.
        file: The name of the file, for the problems; its stem is the name of a sweep that has no other.
        overrides: ``PATH=VALUE``, each put over what the text says; VALUE is YAML and may be a distribution.

    Raises:
        SpecError: If anything is wrong in the spec; names every problem.
    """
    draft = read_draft(text, file, overrides)
    return Spec(
        name=draft.name,
        plain=draft.plain,
        space=draft.space,
        configs=draft.configs,
        track=draft.track,
        lines=draft.lines,
        **draft.sections,
    )


def _unlisted(values: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever the values are
    """Write the values of a condition as a person would: a single value without a list around it."""
    return values[0] if len(values) == 1 and not isinstance(values[0], list) else list(values)
