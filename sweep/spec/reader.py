"""The reader of a spec: its text becomes checked parts, of which `sweep.spec.specification` makes a `Spec`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ganlib.registry import did_you_mean
from sweep.spec import overrides as command_line
from sweep.spec.fields import blame, check_section, check_whole
from sweep.spec.hints import NAME_RULE, as_name, is_name
from sweep.spec.problems import Problems, broken_rules, show, unknown_key
from sweep.spec.reading.configs import Point, read_configs
from sweep.spec.reading.space import read_space
from sweep.spec.sections import (
    FIELDS,
    MEASURED,
    NOT_SEARCHABLE,
    OPTIONAL,
    SEARCHABLE,
    SECTIONS,
    TEXTS,
    TRACKERS,
    default_of,
    steps_of,
)
from sweep.spec.space import GRID_LIMIT, Space
from sweep.spec.values import BAD, build_trial
from sweep.spec.wishes.reading import check_wishes
from sweep.spec.yaml_tree import Node, read

_CORNERS = 300
Parts = Mapping[str, Any]


@dataclass(frozen=True)
class Draft:
    """The checked parts of one spec.

    Attributes:
        name: The name of the sweep.
        sections: The object of each section that cannot be searched, by name; None for one of
            `OPTIONAL` that is left out.
        plain: The value of each key of ``model`` and ``train`` that is not searched, by path.
        space: The distribution of each searched key.
        configs: The points that are tried first, each from path to value.
        track: The programs that are told how trials go.
        lines: The file and line of each key of the text, such as ``faces.yaml:7``, by path.
    """

    name: str
    sections: dict[str, Any]
    plain: dict[str, Any]
    space: Space
    configs: list[Point]
    track: list[str]
    lines: dict[str, str]


def read_draft(text: str, file: str, overrides: Sequence[str]) -> Draft:
    """Read and check a spec.

    Args:
        text: The YAML.
        file: The name of the file, for the problems; its stem is the name of a sweep that has no other.
        overrides: ``PATH=VALUE`` of the command line, see `sweep.spec.overrides`.

    Raises:
        SpecError: If anything is wrong; names every problem.
    """
    problems = Problems()
    root = read(text, file, problems, TEXTS)
    if root is None or not isinstance(root.value, dict):
        if root is not None or not problems.found:
            problems.add(
                file, 1, "", "must be a spec: sections such as data, train and search, each with its keys"
            )
        problems.raise_if_any()
        raise AssertionError("unreachable: a spec without a root has a problem")
    fixed = command_line.apply(root, overrides, problems)
    draft = _Reader(root, fixed, problems).draft(file)
    problems.raise_if_any()
    return draft


class _Reader:
    """One pass over the tree of a spec. Its methods add to the problems and go on, so that a person reads all at once.

    Args:
        root: The tree; its value is a mapping.
        fixed: Paths that were given a value on the command line.
        problems: Gets everything that is wrong.
    """

    def __init__(self, root: Node, fixed: set[str], problems: Problems) -> None:
        self._entries: dict[str, Node] = root.value if isinstance(root.value, dict) else {}
        self._root = root
        self._fixed = fixed
        self._problems = problems

    def draft(self, file: str) -> Draft:
        """Read all sections; the draft can be used only if there is no problem afterwards."""
        for key, entry in self._entries.items():
            if key not in SECTIONS and key not in ("name", "configs", "track"):
                self._add(entry, key, _unknown_section(key))
        name = self._name(file)
        sections: dict[str, Any] = {}
        plain: dict[str, Any] = {}
        nodes: dict[str, Node] = {}
        for section in SECTIONS:
            node = self._entries.get(section)
            if section in OPTIONAL and (node is None or node.value is None):
                sections[section] = None
                continue
            values, below = check_section(section, node, self._problems)
            if section in SEARCHABLE:
                nodes |= below
                plain |= self._with_defaults(section, values)
            else:
                sections[section] = check_whole(section, values, node, self._problems)
        space = read_space(nodes, plain | _settled(sections), self._fixed, self._problems)
        plain |= {path: default_of(path) for path in nodes if path in FIELDS and path not in space}
        listed = not len(space)
        configs, space = read_configs(self._entries.get("configs"), space, plain, self._fixed, self._problems)
        self._check_trials(sections, plain, space, configs)
        self._check_budget(plain, sections, configs)
        self._check_sampler(sections["search"], space, configs)
        check_wishes(sections, plain, space, self._root, self._problems)
        if configs and listed and sections["search"] is not BAD:
            trials = min(sections["search"].trials, len(configs))
            sections["search"] = sections["search"].model_copy(update={"trials": trials})
        return Draft(name, sections, plain, space, configs, self._track(), self._lines())

    def _add(self, node: Node | None, path: str, message: str) -> None:
        node = node or Node(None, self._root.file, 1)
        self._problems.add(node.file, node.line, path, message, node.plain())

    def _lines(self) -> dict[str, str]:
        """Note where each key of the text stands."""
        found = {}
        for section, entry in self._entries.items():
            for key, below in entry.value.items() if isinstance(entry.value, dict) else ():
                found[f"{section}.{key}"] = f"{below.file}:{below.line}"
        return found

    def _name(self, file: str) -> str:
        node = self._entries.get("name")
        if node is not None:
            name = node.plain()
            if not is_name(name):
                self._add(node, "name", f"{NAME_RULE}; got {show(name)}{as_name(name)}")
            return str(name)
        default = "sweep" if file.startswith("<") else Path(file).stem
        if not is_name(default) and not self._problems.under("name"):
            message = f"is missing, and the file's name cannot be used for it: {show(default)}"
            self._add(None, "name", message)
        return default

    def _track(self) -> list[str]:
        """Read the programs that are told how trials go, each once."""
        node = self._entries.get("track")
        names = node.plain() if node is not None else None
        if names is None:
            return []
        if not isinstance(names, list):
            self._add(
                node, "track", f"must be a list of {', '.join(TRACKERS)}, such as [mlflow]; got {show(names)}"
            )
            return []
        for number, name in enumerate(names):
            if not isinstance(name, str) or name not in TRACKERS:
                hint = did_you_mean(str(name), list(TRACKERS))
                message = f"unknown tracker {show(name)}{hint} (choices: {', '.join(TRACKERS)})"
                self._add(self._root.at("track", number), f"track[{number}]", message)
        return list(dict.fromkeys(map(str, names)))

    def _with_defaults(self, section: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Key the values of a section by path, and add the defaults of the keys that are not in the file."""
        node = self._entries.get(section)
        given: Any = node.value if node is not None and isinstance(node.value, dict) else {}
        filled = {f"{section}.{key}": value for key, value in values.items()}
        for key in SECTIONS[section].model_fields:
            path = f"{section}.{key}"
            if key not in given and not self._problems.under(path):
                filled[path] = default_of(path)
        return filled

    def _check_trials(self, sections: Parts, plain: Parts, space: Space, configs: list[Point]) -> None:
        """Check that every combination of choices and ends of ranges makes a trial; of many, try a sample."""
        if self._problems.under(*MEASURED, *SEARCHABLE, "configs"):
            return
        for number, point in enumerate(configs):
            try:
                build_trial(sections, {**plain, **point})
            except ValidationError as error:
                self._add(self._root.at("configs", number), f"configs[{number}]", broken_rules(error))
        listed = any(path in plain for path in space)
        corners, complete = ([{}], False) if listed else space.corners(_CORNERS)
        for params in corners:
            try:
                build_trial(sections, {**plain, **params})
            except ValidationError as error:
                section = _SECTION_OF.get(error.title) or self._named(error.errors()[0]["msg"])
                blame(section, error, self._entries.get(section) or self._root, self._problems)
        for path in space:
            if complete and not any(path in params for params in corners):
                self._add(
                    self._root.at(*steps_of(path)), f"{path}.when", "can never hold: its keys exclude it"
                )

    def _named(self, message: str) -> str:
        """Find the section of which a rule between sections names a key; ``model`` where no such key is in the file."""
        words = set(re.findall(r"\w+", message))
        for section in ("train", "model", "photos", "data"):
            node = self._entries.get(section)
            if node is not None and isinstance(node.value, dict) and words & set(node.value):
                return section
        return "model"

    def _check_budget(self, plain: Parts, sections: Parts, configs: list[Point]) -> None:
        if self._problems.under("train", "asha", "evaluate", "configs"):
            return
        asha, evaluate = sections["asha"], sections["evaluate"]
        for number, point in enumerate(configs or [{}]):
            values = {**plain, **point}
            limits = (values["train.epochs"], values["train.kimg"], asha and asha.max)
            if all(limit is None for limit in limits):
                where, node = ("train", self._entries.get("train"))
                if configs:
                    where, node = f"configs[{number}]", self._root.at("configs", number)
                message = "a trial has no end; give train.epochs, train.kimg or asha.max"
                self._add(node, where, message)
            for path in NOT_SEARCHABLE:
                if asha and path in point:
                    node = self._root.at("configs", number, path)
                    self._add(node, f"configs[{number}].{path}", f"must be left out: {NOT_SEARCHABLE[path]}")
        if asha and asha.unit == evaluate.unit:
            every = f"{evaluate.every:g} {asha.unit} (evaluate.every)"
            if asha.grace < evaluate.every:
                message = (
                    f"must be at least {every}, the first evaluation: trials can only be compared where they "
                    f"are evaluated; got {asha.grace:g}"
                )
                self._add(self._root.at("asha", "grace"), "asha.grace", message)
            if asha.patience is not None and asha.patience < evaluate.every:
                message = (
                    f"must be at least {every}: a trial cannot get better between two evaluations; got "
                    f"{asha.patience:g}"
                )
                self._add(self._root.at("asha", "patience"), "asha.patience", message)

    def _check_sampler(self, search: Any, space: Space, configs: list[Point]) -> None:  # noqa: ANN401
        if search is BAD or self._problems.under("model", "train"):
            return
        node = self._root.at("search", "sampler")
        if search.sampler == "cmaes" and not any(d.is_numeric and not d.when for d in space.values()):
            message = "cmaes needs a float or int to search that is active in every trial; use tpe or random"
            self._add(node, "search.sampler", message)
        if search.sampler != "grid":
            return
        if configs:
            message = "a grid tries every combination by itself; leave out configs, or use another sampler"
            self._add(node, "search.sampler", message)
            return
        endless = [path for path, distribution in space.items() if distribution.grid_size() is None]
        for path in endless:
            message = "is continuous; the sampler grid needs a step (without log) or categorical choices"
            self._add(self._root.at(*steps_of(path)), path, message)
        if not endless and space.grid() is None:
            message = f"more than {GRID_LIMIT} combinations; search fewer values or use another sampler"
            self._add(node, "search.sampler", message)


_SECTION_OF = {model.__name__: section for section, model in SECTIONS.items()}


def _settled(sections: Mapping[str, Any]) -> dict[str, Any]:
    """Collect the keys of whole sections that a condition may name, with their values, by path."""
    return {
        f"{section}.{key}": value
        for section in MEASURED
        if sections[section] is not BAD and sections[section] is not None
        for key, value in sections[section].model_dump().items()
    }


def _unknown_section(key: str) -> str:
    owners = [path for path, (_, name) in FIELDS.items() if name == key]
    if owners:
        return f"unknown section; did you mean {' or '.join(owners)}?"
    section, _, name = key.partition(".")
    if key in FIELDS:
        return f"a key stands in its section: write {name} below {section}"
    return unknown_key(key, ["name", "configs", "track", *SECTIONS], FIELDS)
