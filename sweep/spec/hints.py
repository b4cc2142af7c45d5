"""What a person meant by a value that a key does not take, and how to write it."""

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


def hint(wanted: Wanted, value: object) -> str:
    """What to write instead, as ``"; write 0.001"``; empty where nobody knows.

    Args:
        wanted: What the key takes.
        value: What was found, as YAML reads it.

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
    """Digits of other scripts, full-width signs and typographic dashes of a number as ASCII has them."""
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
    "integer": "int",
    "choice": "categorical",
}


def meant(word: str) -> str:
    """What other programs' word for something is called here; empty if it is none."""
    return _MEANT.get(re.sub(r"[\s_-]+", "_", word.strip().lower()), "")


def pair(value: object, most: object) -> str:
    """For a list with too many whole numbers: as decimals with commas would look."""
    if not isinstance(value, list | tuple) or len(value) != 2 * (most if isinstance(most, int) else 0):
        return ""
    if not all(isinstance(item, int) for item in value):
        return ""
    decimals = (f"{whole}.{rest}" for whole, rest in zip(value[::2], value[1::2], strict=True))
    return f"; decimals take a point: [{', '.join(decimals)}]"


def yaml_place(error: yaml.MarkedYAMLError) -> tuple[int, str]:
    """The line to mend, 1-based, and where what is not closed there was opened.

    A quote that is not closed is noticed at the end of the file, a key without its colon on the next line.
    """
    found = error.problem_mark or error.context_mark
    line = found.line + 1 if found else 1
    began = error.context_mark.line + 1 if error.context_mark else line
    if error.context in ("while scanning a quoted scalar", "while scanning a simple key"):
        return began, ""
    is_flow = (error.context or "").startswith("while parsing a flow")
    return line, f" (opened on line {began})" if is_flow and began != line else ""


def yaml_hint(told: str, lines: Sequence[str]) -> str:
    """What to do about a complaint of the YAML parser.

    Args:
        told: The complaint.
        lines: The file up to the line that it is about.
    """
    for number, line in enumerate(lines, 1):
        if found := _INVISIBLE.search(line.partition(" #")[0]):
            return f"; line {number} has the invisible character U+{ord(found[0]):04X}: write a blank, or nothing"
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
        found = re.fullmatch(pattern, text)
        if found:
            return told(found)
    if text.lower() in _NOTHING:
        return "; leave the key out for its default"
    return ""


def _power(found: "re.Match[str]") -> str:
    factor, base, exponent = (part if part else "1" for part in found.groups())
    try:
        return f"; write {float(factor) * float(base) ** float(exponent):g}"
    except (OverflowError, ZeroDivisionError, ValueError):
        return ""


def _fraction(found: "re.Match[str]") -> str:
    above, below = float(found[1]), float(found[2])
    return f"; write {above / below:.12g}" if below else ""


def _with_unit(found: "re.Match[str]") -> str:
    number, unit = found[1], found[2]
    if unit in _SUFFIXES:
        return f"; write {float(number) * _SUFFIXES[unit]:.15g}"
    return f"; write {number} alone, without a unit"


def _called(found: "re.Match[str]") -> str:
    kind = _RANGES.get(found[1].lower(), "float")
    log = ", log: true" if "log" in found[1].lower() else ""
    return f"; to search it, write {{type: {kind}, low: {found[2]}, high: {found[3]}{log}}}"


def _choices(found: "re.Match[str]") -> str:
    choices = ", ".join(re.split(r"\s*,\s*", found[0]))
    return f"; to search it, write {{type: categorical, choices: [{choices}]}}"


_READINGS: list[tuple[str, Callable[["re.Match[str]"], str]]] = [
    (_NUMBER, lambda found: f"; write {found[0]}, without quotes"),
    (
        r"([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)",
        lambda found: f"; write {found[1] or 0}.{found[2]}: a point, not a comma",
    ),
    (
        r"([-+]?\d{1,3}(?:[_' \u00a0\u202f]\d{3})+)",
        lambda found: f"; write {re.sub(r'[^0-9-]', '', found[1])}",
    ),
    (rf"{_NUMBER}(?:\s*,\s*{_NUMBER})+", _choices),
    (rf"({'|'.join(_RANGES)})\s*\(\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\)", _called),
    (rf"({_NUMBER})\s*%", lambda found: f"; write {float(found[1]) / 100:.12g}, not a percentage"),
    (rf"(?:({_NUMBER})\s*[x*\u00d7]\s*)?(\d+)\s*(?:\^|\*\*)\s*([-+]?\d{{1,3}})", _power),
    (rf"({_NUMBER})\s*/\s*({_NUMBER})", _fraction),
    (rf"({_NUMBER})\s*([^\W\d_]{{1,12}})", _with_unit),
    (
        rf"({_NUMBER})\s*(?:\.\.|to|-|\u2013|:)\s*({_NUMBER})",
        lambda found: f"; to search it, write {{type: float, low: {found[1]}, high: {found[2]}}}",
    ),
]
