"""Mistakes in a spec, each with its place and rule, collected so that a person reads all of them at once."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ganlib.errors import RequestError
from ganlib.registry import did_you_mean
from sweep.spec.hints import Wanted, hint, meant, pair

_LONGEST_VALUE = 80
_LONGEST_PATH = 120
_LONGEST_MESSAGE = 400
_MOST = 100


@dataclass(frozen=True)
class Problem:
    """One mistake in a spec.

    Attributes:
        file: The file with the mistake, or ``<--set>`` for a command-line override.
        line: 1-based line in that file, or the position of the override.
        path: The key, for example ``train.lr_g.low``; empty for the file as a whole.
        message: The rule that was broken and the value found, as a sentence without a full stop.
        value: The value found, as a plain object.
    """

    file: str
    line: int
    path: str
    message: str
    value: Any = None

    def __str__(self) -> str:
        path = f"{_shorten(_printable(self.path), _LONGEST_PATH)}: " if self.path else ""
        message = _shorten(_printable(self.message), _LONGEST_MESSAGE)
        return f"{_printable(self.file)}:{self.line}: {path}{message}"


class SpecError(RequestError):
    """A spec that cannot be used; its text is one line for each problem.

    Args:
        problems: At least one problem.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type["SpecError"], tuple[tuple[Problem, ...]]]:
        return SpecError, (self.problems,)


@dataclass
class Problems:
    """The list that all checks of one spec add to, so that `SpecError` is raised once, at the end.

    Attributes:
        found: The problems by their text, so that none is told twice.
    """

    found: dict[str, Problem] = field(default_factory=dict)

    def add(self, file: str, line: int, path: str, message: str, value: object = None) -> None:
        """Note a problem, unless an equal one has been noted.

        Args:
            file: The file with the mistake.
            line: The 1-based line in that file.
            path: The key; empty for the file as a whole.
            message: The broken rule and the value found.
            value: The value found, as a plain object.

        Raises:
            SpecError: If this is problem 100, since nobody reads more and a hostile file could hold thousands.
        """
        problem = Problem(file, line, path, message, value)
        self.found.setdefault(str(problem), problem)
        if len(self.found) == _MOST:
            rest = Problem(file, line, "", f"{_MOST} problems found; the rest of the file was not checked")
            raise SpecError([*self._sorted(), rest])

    def under(self, *paths: str) -> bool:
        """Say whether a problem was found at one of ``paths`` or below."""
        return any(
            problem.path == path or problem.path.startswith((f"{path}.", f"{path}["))
            for problem in self.found.values()
            for path in paths
        )

    def raise_if_any(self) -> None:
        """Raise all problems found so far as one error, in the order of the file.

        Raises:
            SpecError: If there is any problem.
        """
        if self.found:
            raise SpecError(self._sorted())

    def _sorted(self) -> list[Problem]:
        """Sort the problems by line, those of the command line after those of the file."""
        return sorted(self.found.values(), key=lambda problem: (problem.file.startswith("<--"), problem.line))


def show(value: object) -> str:
    """Write a value for a message: text in quotes, and at most 80 characters of it."""
    return _shorten(_literal(value), _LONGEST_VALUE)


def one_of(word: object, choices: Iterable[str]) -> str:
    """Say that a word is none of the choices: ``must be one of 'a', 'b'; got 'aa', did you mean 'a'?``."""
    names = list(choices)
    near = did_you_mean(word, names) if isinstance(word, str) else ""
    if isinstance(word, str) and not near and meant(word):
        near = f"; here it is {meant(word)}"
    return f"must be one of {', '.join(show(name) for name in names)}; got {show(word)}{near}"


def unknown_key(key: str, known: Iterable[str], elsewhere: Iterable[str] = ()) -> str:
    """Say that a key is unknown, with the nearest known key or else all known keys.

    Args:
        key: The key, as a person wrote it.
        known: The keys that may stand there.
        elsewhere: The paths of all keys, of which one may have been meant.
    """
    names, plain = list(known), _normal(key)
    same = [name for name in names if _normal(name) == plain]
    others = [path for path in elsewhere if _normal(path.rpartition(".")[2]) == plain]
    if same:
        return f"unknown key, did you mean '{same[0]}'?"
    if others:
        return f"unknown key here; it is {' or '.join(others)}"
    if word := meant(key):
        return f"unknown key here; it is {word}"
    if re.fullmatch(r"[0-9]+([eE][-+]?[0-9]+)?", key):
        return "unknown key: a comma ends a value; write decimals with a point, such as 0.001"
    return "unknown key" + (did_you_mean(plain, names) or f" (known keys: {', '.join(names)})")


def _normal(key: str) -> str:
    """Spell a key in small letters, with underscores in place of blanks and hyphens."""
    return re.sub(r"[\s_-]+", "_", key.strip().lower())


def sentences(errors: Iterable[ErrorDetails]) -> str:
    """Join what pydantic found wrong with one value to one sentence.

    A value that may have several types gives one error for each type; "or" joins the errors.
    """
    rules: list[str] = []
    got = better = ""
    for error in errors:
        rule, shown = _sentence(error)
        better = better or hint(_WANTED.get(error["type"], ""), error["input"])
        if error["type"] == "too_long":
            better = pair(error["input"], error.get("ctx", {}).get("max_length"))
        if rule not in rules:
            rules.append(rule)
            got = got or shown
    first, *rest = rules
    return first + "".join(" or " + rule.removeprefix("must be ") for rule in rest) + got + better


def broken_rules(error: ValidationError) -> str:
    """Join all that pydantic found wrong with the values of one trial."""
    return "; ".join(sentences([detail]) for detail in error.errors(include_url=False))


_WANTED: dict[str, Wanted] = {
    "int_type": "whole number",
    "int_from_float": "whole number",
    "float_type": "number",
    "bool_type": "bool",
    "list_type": "list",
    "tuple_type": "list",
    "string_type": "text",
    "literal_error": "choice",
}


_RULES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be finite",
    "string_type": "must be text",
    "string_unicode": "must be valid text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_short": "must not be empty",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
}


def _sentence(error: ErrorDetails) -> tuple[str, str]:
    """Split an error of pydantic into the rule that is broken and the words about the value found."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "literal_error":
        expected = re.split(r", | or ", str(context["expected"]))
        choices = [choice.strip("'") for choice in expected]
        if isinstance(value, str) and choices != expected:
            return one_of(value, choices), ""
        return f"must be one of {', '.join(choices)}", f", got {show(value)}"
    if kind == "value_error":
        return str(context["error"]), ""
    if kind == "missing":
        return "is missing; it has no default", ""
    rule = _RULES.get(kind, error["msg"][:1].lower() + error["msg"][1:])
    numbers = {key: show(_whole(number)) for key, number in context.items()}
    return rule.format(**numbers) if kind in _RULES else rule, f", got {show(value)}"


def _whole(number: object) -> object:
    """Convert a whole bound such as 1.0 to an int, which a message shows as ``1``."""
    return int(number) if isinstance(number, float) and number.is_integer() and abs(number) < 1e15 else number


def _literal(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_head(value)) + "]"
    if isinstance(value, dict):
        pairs = (f"{key}: {text}" for key, text in zip(value, _head(value.values()), strict=False))
        return "{" + ", ".join(pairs) + "}"
    return repr(value[: _LONGEST_VALUE + 1]) if isinstance(value, str) else repr(value)


def _head(values: Iterable[object]) -> Iterator[str]:
    """Write out the first items of a long collection; the others would be cut off later."""
    for number, value in enumerate(values):
        if number > _LONGEST_VALUE:
            return
        yield _literal(value)


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _printable(text: str) -> str:
    """Escape the control characters of keys and file names, which must not reach the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
