"""Guesses at what a person meant by a value that a key does not take, and how to write that value."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Literal

import yaml

Wanted = Literal["whole number", "number", "bool", "list", "text", "choice", ""]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SUFFIXES = {"k": 1e3, "K": 1e3, "m": 1e6, "M": 1e6}
_TRUE, _FALSE = {"yes", "on", "y", "true"}, {"no", "off", "n", "false"}
_DASH = "\u2010\u2011\u2012\u2212"
_RANGES = {
    "uniform": "float",
    "float": "float",
    "loguniform": "float",
    "log_uniform": "float",
    "int": "int",
    "randint": "int",
}
_INVISIBLE = re.compile("[\u00a0\u00ad\u2000-\u200f\u202a-\u202f\u205f-\u2064\u3000\ufeff]")
_NOTHING = {"none", "nil", "nan", "na", "n/a", "off", "-"}

TEMPORARY = ".tmp"
"""What no name ends with: such files and folders are passed over, as half written (`sweep.storage.folder`)."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAME_RULE = (
    "must be 1 to 64 letters, digits, '.', '_' or '-', start with a letter or digit, not contain '..' and not end with "
    f"'{TEMPORARY}'"
)


def hint(wanted: Wanted, value: object) -> str:
    """Suggest what to write in place of a value, as ``"; write 0.001"``.

    Args:
        wanted: What the key takes.
        value: The value found, as YAML reads it.

    Returns:
        The suggestion, to be put at the end of a sentence; empty where there is none.

    Example:
        >>> hint("number", "0,001")
        '; write 0.001: a point, not a comma'
        >>> hint("whole number", "2k")
        '; write 2000'
    """
    if isinstance(value, float) and wanted in ("whole number", "choice") and value.is_integer():
        return f"; write {int(value)}" if abs(value) < 1e15 else ""
    if isinstance(value, bool | int | float) and wanted == "text":
        return "; put it in quotes if it is a name"
    if wanted == "list" and isinstance(value, bool | int | float | str):
        return f"; write [{value}]" if isinstance(value, int | float) else _listed(value)
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if wanted == "bool":
        word = text.lower()
        return "; write true" if word in _TRUE else "; write false" if word in _FALSE else ""
    if wanted in ("number", "whole number", "choice"):
        return _number(text)
    return ""


def ascii_of(text: str) -> str:
    """Replace digits of other scripts, full-width signs and typographic dashes of a number by those of ASCII."""
    plain = "".join(map(_ascii, text))
    return re.sub(r"(^|[eE])[\u2013\u2014]", r"\1-", plain)


def _ascii(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if "\uff01" <= char <= "\uff5e":
        return chr(ord(char) - 0xFEE0)
    return "-" if char in _DASH else char


_MEANT = {
    "lr": "train.lr_g and train.lr_d",
    "learning_rate": "train.lr_g and train.lr_d",
    "beta1": "train.betas",
    "beta2": "train.betas",
    "nz": "model.latent_dim",
    "z_dim": "model.latent_dim",
    "image_size": "data.size",
    "resolution": "data.size",
    "path": "data.source",
    "folder": "data.source",
    "n_trials": "search.trials",
    "num_epochs": "train.epochs",
    "min": "low",
    "max": "high",
    "values": "choices",
    "uniform": "float",
    "loguniform": "float with log: true",
    "log_uniform": "float with log: true",
    "start": "from",
    "begin": "from",
    "initial": "from",
    "end": "to",
    "final": "to",
    "integer": "int",
    "choice": "categorical",
}


def meant(word: str) -> str:
    """Translate a word of other programs to the key or word of a spec; empty for an unknown word."""
    return _MEANT.get(re.sub(r"[\s_-]+", "_", word.strip().lower()), "")


def pair(value: object, most: object) -> str:
    """Suggest decimal points for a list that has twice as many whole numbers as it may have items.

    Args:
        value: The list found; ``[0, 5, 0, 9]`` may be ``[0,5, 0,9]``.
        most: How many items the list may have.

    Returns:
        The suggestion; empty where the value is no such list.
    """
    if not isinstance(value, list | tuple) or len(value) != 2 * (most if isinstance(most, int) else 0):
        return ""
    if not all(isinstance(item, int) for item in value):
        return ""
    decimals = (f"{whole}.{rest}" for whole, rest in zip(value[::2], value[1::2], strict=True))
    return f"; decimals take a point: [{', '.join(decimals)}]"


def yaml_place(error: yaml.MarkedYAMLError) -> tuple[int, str]:
    """Find the line to mend.

    The parser notices an unclosed quote at the end of the file, and a key without its colon on the next line.

    Returns:
        The 1-based line, and words about the line on which a bracket was opened and never closed, or none.
    """
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    began = error.context_mark.line + 1 if error.context_mark else line
    if error.context in ("while scanning a quoted scalar", "while scanning a simple key"):
        return began, ""
    is_flow = (error.context or "").startswith("while parsing a flow")
    return line, f" (opened on line {began})" if is_flow and began != line else ""


def yaml_hint(told: str, lines: Sequence[str]) -> str:
    """Advise what to do about a complaint of the YAML parser.

    Args:
        told: The complaint.
        lines: The lines of the file, up to the one that the complaint is about.

    Returns:
        The advice, to be put at the end of a sentence; empty where there is none.
    """
    for number, line in enumerate(lines, 1):
        if match := _INVISIBLE.search(line.partition(" #")[0]):
            return f"; line {number} has the invisible character U+{ord(match[0]):04X}: write a blank, or nothing"
    for sign, advice in _YAML:
        if sign in told:
            return f"; {advice}"
    return "; check the line before, too" if lines and lines[-1].strip() else ""


_YAML = [
    ("'\\t'", "write blanks, not tabs"),
    (
        "escape",
        "in double quotes a backslash begins an escape: put a Windows path in single quotes, 'C:\\pics', or write "
        "it with /",
    ),
    (
        "mapping values are not allowed",
        "a colon and a blank make a key: keys of a section stand on lines of their own, equally indented, and text "
        "with a colon in it needs quotes",
    ),
    ("cannot start any token", "text that begins with such a character needs quotes"),
    ("block scalar", "a condition that begins with > needs quotes, such as '>= 0.5'"),
    ("quoted scalar", "a quote is not closed"),
    (
        "while parsing a flow",
        "close every { and [; text with a colon, a comma or a bracket in it needs quotes",
    ),
    ("could not find expected ':'", "a key ends with a colon and a blank"),
    ("<block end>", "keys of a section stand on lines of their own, equally indented"),
    ("anchor", "text that begins with & or * needs quotes"),
    ("alias", "text that begins with & or * needs quotes"),
    ("directive", "text that begins with % needs quotes"),
]


def _listed(text: str) -> str:
    parts = [part for part in re.split(r"[,;\s]+", text.strip(" ()[]")) if part]
    return f"; write [{', '.join(parts)}]" if parts and all(map(str.isprintable, parts)) else ""


def _number(text: str) -> str:
    plain = ascii_of(text)
    if plain != text and re.fullmatch(_NUMBER, plain):
        return f"; write {plain}, in plain digits and signs"
    text = plain
    for pattern, told in _READINGS:
        match = re.fullmatch(pattern, text)
        if match:
            return told(match)
    if text.lower() in _NOTHING:
        return "; leave the key out for its default"
    return ""


def _power(match: "re.Match[str]") -> str:
    factor, base, exponent = (part if part else "1" for part in match.groups())
    try:
        return f"; write {float(factor) * float(base) ** float(exponent):g}"
    except (OverflowError, ZeroDivisionError, ValueError):
        return ""


def _fraction(match: "re.Match[str]") -> str:
    above, below = float(match[1]), float(match[2])
    return f"; write {above / below:.12g}" if below else ""


def _with_unit(match: "re.Match[str]") -> str:
    number, unit = match[1], match[2]
    if unit in _SUFFIXES:
        return f"; write {float(number) * _SUFFIXES[unit]:.15g}"
    return f"; write {number} alone, without a unit"


def _called(match: "re.Match[str]") -> str:
    kind = _RANGES.get(match[1].lower(), "float")
    log = ", log: true" if "log" in match[1].lower() else ""
    return f"; to search it, write {{type: {kind}, low: {match[2]}, high: {match[3]}{log}}}"


def _choices(match: "re.Match[str]") -> str:
    choices = ", ".join(re.split(r"\s*,\s*", match[0]))
    return f"; to search it, write {{type: categorical, choices: [{choices}]}}"


_READINGS: list[tuple[str, Callable[["re.Match[str]"], str]]] = [
    (_NUMBER, lambda match: f"; write {match[0]}, without quotes"),
    (
        r"([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)",
        lambda match: f"; write {match[1] or 0}.{match[2]}: a point, not a comma",
    ),
    (
        r"([-+]?\d{1,3}(?:[_' \u00a0\u202f]\d{3})+)",
        lambda match: f"; write {re.sub(r'[^0-9-]', '', match[1])}",
    ),
    (rf"{_NUMBER}(?:\s*,\s*{_NUMBER})+", _choices),
    (rf"({'|'.join(_RANGES)})\s*\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\)", _called),
    (rf"({_NUMBER})\s*%", lambda match: f"; write {float(match[1]) / 100:.12g}, not a percentage"),
    (rf"(?:({_NUMBER})\s*[x*\u00d7]\s*)?(\d+)\s*(?:\^|\*\*)\s*([-+]?\d{{1,3}})", _power),
    (rf"({_NUMBER})\s*/\s*({_NUMBER})", _fraction),
    (rf"({_NUMBER})\s*([^\W\d_]{{1,12}})", _with_unit),
    (
        rf"({_NUMBER})\s*(?:\.\.|to|-|\u2013|:)\s*({_NUMBER})",
        lambda match: f"; to search it, write {{type: float, low: {match[1]}, high: {match[2]}}}",
    ),
]


def as_name(text: object) -> str:
    """Suggest the nearest text that can be a name; empty where there is none."""
    if not isinstance(text, str):
        return ""
    plain = unicodedata.normalize("NFKD", text.replace("\u00df", "ss"))
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    name = re.sub(r"[^A-Za-z0-9_]+", "-", letters).strip("-_")[:64]
    return f", did you mean '{name}'?" if is_name(name) else ""


def is_name(name: object) -> bool:
    """Tell whether something can be the name of a sweep, which is that of a folder too."""
    fits = isinstance(name, str) and _NAME.fullmatch(name) is not None
    return fits and ".." not in str(name) and not str(name).endswith(TEMPORARY)
