"""A sweep's specification: the YAML file that a person writes, as typed and validated objects.

A spec has one section for each thing that can be configured. In ``model`` and ``train`` a distribution may
stand where a value could stand; those keys are searched. Everything that is wrong with a spec is reported at
once, each problem with its file, line, key, rule and value.
"""

import codecs
import math
import stat
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ganlib.clock import budget_of
from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, TrialConfig
from ganlib.errors import RequestError
from sweep.mistaken import instead_of_spec
from sweep.spec import yaml_tree
from sweep.spec.problems import Problem, SpecError, sentences
from sweep.spec.reader import build_trial, read_draft
from sweep.spec.schedule import Schedule
from sweep.spec.sections import SEARCHABLE, SECTIONS, AshaConfig, KeepConfig, ResourcesConfig, SearchConfig
from sweep.spec.space import Space

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

__all__ = [
    *("AshaConfig", "KeepConfig", "ResourcesConfig", "SearchConfig"),
    *("Problem", "Spec", "SpecError", "load", "parse"),
]


@dataclass(frozen=True)
class Spec:
    """One sweep, fully resolved: every default is filled in.

    Attributes:
        name: The name of the sweep and of its folder.
        plain: The value of each key of ``model`` and ``train`` that is not searched, by path.
        space: The distribution of each key that is.
        configs: The points that are tried first, each from path to value. Where nothing is searched, they are
            all: each names the same keys, which are in ``plain`` too, and ``space`` has their values.
        asha: None for no early stopping.
        track: Which programs are told how trials go; see `sweep.driver.trackers`.
    """

    name: str
    data: DataConfig
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

    def resolve(self, params: Mapping[str, Any]) -> TrialConfig:
        """The configuration of one trial.

        Args:
            params: A value for each active key of the space, by path. A key that is searched and has no value
                here (its condition does not hold) takes its field's default.

        Raises:
            RequestError: if a key is not searched or the values do not go together.
        """
        unknown = [path for path in params if path not in self.space]
        if unknown:
            raise RequestError(f"{', '.join(unknown)}: not searched by the sweep '{self.name}'")
        try:
            return build_trial(self.data, self.evaluate, self.collapse, {**self.plain, **params})
        except ValidationError as error:
            message = "; ".join(sentences([detail]) for detail in error.errors(include_url=False))
            raise RequestError(f"the parameters {dict(params)} cannot be used: {message}") from None

    def schedule(self, images: int) -> Schedule:
        """Work out when things happen in the sweep's trials.

        Args:
            images: How many pictures the data set has; an epoch shows each once.
        """
        end = max(self._end(point, images) for point in self.configs or [{}])
        return Schedule.of(images, end, self.evaluate, self.asha)

    def _end(self, params: Mapping[str, Any], images: int) -> float:
        """Where the trial with these parameters ends by its own keys, in kimg."""
        values = {**self.plain, **params}
        end = budget_of(values["train.epochs"], values["train.kimg"], images)
        return math.inf if end is None else end

    def trial_budget(self, params: Mapping[str, Any], schedule: Schedule) -> float:
        """Say how long the trial with these parameters trains, in kimg: it may end before the others."""
        return min(schedule.budget, self._end(params, schedule.images))

    def trial_config(self, params: Mapping[str, Any], schedule: Schedule) -> TrialConfig:
        """Make the configuration with these parameters, its budget in kimg, with the evaluations' ladder."""
        config = self.resolve(params)
        train = config.train.model_copy(update={"kimg": self.trial_budget(params, schedule), "epochs": None})
        return config.model_copy(update={"train": train, "ladder": schedule.ladder})

    def to_plain(self) -> dict[str, Any]:
        """The spec as plain JSON values with every key, a distribution where one stands."""
        sections = {section: self._section(section) for section in SECTIONS}
        configs = {"configs": [dict(point) for point in self.configs]} if self.configs else {}
        track = {"track": list(self.track)} if self.track else {}
        return {"name": self.name} | sections | configs | track

    def to_yaml(self) -> str:
        """The spec as YAML with every key; `parse` gives an equal `Spec` for it."""
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
        """One section as plain values and distributions; None where there is none."""
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
                values[name] = self.plain[path]
        return values


def load(path: str | Path, overrides: Sequence[str] = ()) -> Spec:
    """Read a spec from a file.

    Args:
        path: A YAML file.
        overrides: ``PATH=VALUE``, each put over what the file says; VALUE is YAML and may be a distribution.

    Raises:
        SpecError: with everything that is wrong in it.
        RequestError: if the file cannot be read.
    """
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
    """Read a spec from text; ``file`` is the name for problems and, without its suffix, the default name.

    Raises:
        SpecError: with everything that is wrong in it.
    """
    draft = read_draft(text, file, overrides)
    return Spec(
        name=draft.name,
        plain=draft.plain,
        space=draft.space,
        configs=draft.configs,
        track=draft.track,
        **draft.sections,
    )


def _unlisted(values: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever the values are
    """One value stands for itself, as a person would write it."""
    return values[0] if len(values) == 1 and not isinstance(values[0], list) else list(values)
