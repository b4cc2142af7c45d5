"""The reader of YAML text, whose tree knows the lines of its values, and the writer of plain values as YAML text.

Only what a spec needs is read: mappings with text keys, lists, and the scalars of the YAML 1.2 core schema
(https://yaml.org/spec/1.2.2/#103-core-schema), so that ``1e-4`` is a number and ``no`` is text. Tags, aliases, repeated
keys and numbers that are not finite are problems. Size, depth and the number of values are bounded, so that a hostile
file costs little time and memory.
"""

import itertools
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from sweep.spec.hints import yaml_hint, yaml_place
from sweep.spec.problems import Problems

MAX_BYTES = 2**20
_MAX_DEPTH = 30
_MAX_NODES = 10_000
MAX_TEXT = 4096
_LARGEST_INT = 2**63

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

Scalar = None | bool | int | float | str


@dataclass
class Node:
    """A value of a YAML file, with its place in the file.

    Attributes:
        value: A scalar, a list of nodes, or a mapping of nodes.
        file: The file, or ``<--set>``.
        line: 1-based line of the value; for a section or list under a key, the line of the key.
        comment: The comment behind the value on the value's last line, blanks and ``#`` included; empty without one.
    """

    value: "Scalar | list[Node] | dict[str, Node]"
    file: str
    line: int
    comment: str = field(default="", compare=False)

    def plain(self) -> Any:  # noqa: ANN401 - whatever the file holds
        """Convert the node to plain values, without their places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def at(self, *keys: str | int) -> "Node":
        """Follow a path of keys and indexes to a node; where a step leads nowhere, return the last node before."""
        node = self
        for key in keys:
            below = node.value
            if isinstance(below, dict) and key in below:
                node = below[str(key)]
            elif isinstance(below, list) and isinstance(key, int) and 0 <= key < len(below):
                node = below[key]
            else:
                break
        return node


class _GiveUpError(Exception):
    """A problem, noted already, after which the rest of the text cannot be read."""


class _NotFiniteError(ValueError):
    """A number of the text that is infinite or not a number."""


def read(text: str, file: str, problems: Problems, texts: Collection[str] = ()) -> Node | None:
    """Read one YAML document.

    Args:
        text: YAML, with or without a byte order mark.
        file: The name of the file, for the nodes and the problems.
        problems: Gets everything that is wrong; a value with a problem is left out of the tree.
        texts: Paths of keys that hold text or a list of texts, as which ``2024`` and ``true`` are read there.

    Returns:
        The root of the tree; None where the document is empty or the text is not YAML.
    """
    if len(text) > MAX_BYTES:
        problems.add(file, 1, "", f"is {len(text)} characters long; the limit is {MAX_BYTES}")
        return None
    try:
        return _Reader(text.removeprefix("\ufeff"), file, problems, texts).document()
    except _GiveUpError:
        return None
    except yaml.MarkedYAMLError as error:
        what = ", ".join(part for part in (error.context, error.problem) if part)
        at, opened = yaml_place(error)
        lines = list(itertools.islice(text.splitlines(), at))
        problems.add(file, at, "", f"is not valid YAML: {what}{opened}{yaml_hint(what, lines)}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.add(file, line, "", f"has a character that YAML does not allow: {_codepoint(error)}")
    except (yaml.YAMLError, ValueError, OverflowError, IndexError) as error:
        # The scanner converts escapes such as "\UFFFFFFFF" and %YAML versions with bare chr() and int().
        problems.add(file, 1, "", f"is not valid YAML: {error}")
    return None


def _codepoint(error: yaml.reader.ReaderError) -> str:
    return f"U+{ord(error.character) if isinstance(error.character, str) else error.character:04X}"


class _Reader:
    """The builder of a tree from parser events, which still tell ``!!str 5`` from ``5``, as PyYAML's nodes do not."""

    def __init__(self, text: str, file: str, problems: Problems, texts: Collection[str]) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        self._text = text
        self._end = 0  # where the last event ended
        self._texts = texts
        self._file = file
        self._problems = problems
        self._nodes = 0

    def document(self) -> Node | None:
        """Build the tree of the only document; None where the text has none."""
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        root = self._node(next(self._events), "", 0)
        next(self._events)  # the end of the document
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._add(after, "", "has more than one document; a spec is one")
        return root

    def _add(self, event: Any, path: str, message: str, value: object = None) -> None:  # noqa: ANN401
        self._problems.add(self._file, event.start_mark.line + 1, path, message, value)

    def _node(self, event: Any, path: str, depth: int, key_line: int | None = None) -> Node | None:  # noqa: ANN401
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            self._add(event, "", f"has more than {_MAX_NODES} values")
            raise _GiveUpError
        if depth > _MAX_DEPTH:
            self._add(event, "", f"is nested more than {_MAX_DEPTH} levels deep")
            raise _GiveUpError
        if isinstance(event, yaml.AliasEvent):
            message = (
                f"YAML aliases are not allowed, got *{event.anchor}; write the value out, or text in quotes"
            )
            self._add(event, path, message)
            return None
        if event.anchor is not None:
            self._add(event, path, f"YAML anchors are not allowed, got &{event.anchor}; write text in quotes")
        value: Any
        if isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(path, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(path, depth)
        else:
            value = self._scalar(event, path)
        if event.tag is not None:
            self._add(event, path, f"YAML tags are not allowed, got {event.tag}")
            return None
        is_scalar = isinstance(event, yaml.ScalarEvent)
        if is_scalar:
            self._ends(event)
        line = event.start_mark.line + 1 if is_scalar or key_line is None else key_line
        return None if value is _BAD else Node(value, self._file, line, self._comment())

    def _ends(self, event: Any) -> None:  # noqa: ANN401
        self._end = event.end_mark.index

    def _comment(self) -> str:
        stop = self._text.find("\n", self._end)
        behind = self._text[self._end : stop if stop >= 0 else None].rstrip()
        return behind if behind.lstrip().startswith("#") else ""

    def _mapping(self, path: str, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        first_line: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if not self._is_key(event):
                self._add(event, path, "a key must be short plain text")
                if isinstance(event, yaml.CollectionStartEvent):
                    self._node(event, path, depth + 1)
                self._node(next(self._events), path, depth + 1)
                continue
            key = str(event.value)
            below = f"{path}.{key}" if path else key
            if key in first_line:
                self._add(event, below, f"is given twice, first on line {first_line[key]}")
            first_line.setdefault(key, line)
            node = self._node(next(self._events), below, depth + 1, line)
            if node is not None:
                entries[key] = node
        self._ends(event)
        return entries

    @staticmethod
    def _is_key(event: Any) -> bool:  # noqa: ANN401
        return isinstance(event, yaml.ScalarEvent) and event.tag is None and len(event.value) <= MAX_TEXT

    def _sequence(self, path: str, depth: int) -> "list[Node] | object":
        items: list[Node | None] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, f"{path}[{len(items)}]", depth + 1))
        self._ends(event)
        whole = [item for item in items if item is not None]
        return whole if len(whole) == len(items) else _BAD

    def _scalar(self, event: yaml.ScalarEvent, path: str) -> object:
        if len(event.value) > MAX_TEXT:
            self._add(event, path, f"is {len(event.value)} characters long; the limit is {MAX_TEXT}")
            return _BAD
        if event.style is not None:
            return event.value
        key, is_item, _ = path.partition("[")
        if key in self._texts and event.value and (is_item or event.value not in _NULL):
            return event.value
        try:
            return resolve(event.value)
        except _NotFiniteError:
            self._add(event, path, f"must be finite, got {event.value}", event.value)
        except ValueError:
            self._add(event, path, f"is too large a number, got {event.value[:30]}", event.value)
        return _BAD


_BAD = object()


def resolve(text: str) -> Scalar:
    """Convert an unquoted scalar to its value in the YAML 1.2 core schema.

    Raises:
        ValueError: If the text is a number that is not finite, or an integer of 64 bits or more.
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        number = int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        if abs(number) >= _LARGEST_INT:
            raise ValueError(text)
        return number
    if _NOT_FINITE.fullmatch(text):
        raise _NotFiniteError(text)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise _NotFiniteError(text)
        return value + 0.0  # -0.0 becomes 0.0
    return text


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Quote text that PyYAML (YAML 1.1) would leave bare and `resolve` would read as another value."""
    try:
        bare = value.isprintable() and resolve(value) == value
    except ValueError:
        bare = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if bare else '"')


_Dumper.add_representer(str, _text)


def inline(value: object) -> str:
    """Write a plain value as YAML on one line, from which `read` makes an equal value."""
    text: str = yaml.dump(
        [value],
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=True,
        width=float("inf"),
    )
    return text.strip()[1:-1]
