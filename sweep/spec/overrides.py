"""Values from the command line (``--set PATH=VALUE``), put into the tree of a spec before the tree is checked.

A key that holds text (`sweep.spec.sections.TEXTS`: a name, a folder) takes what stands behind ``=`` unchanged, and so
does a wish (``search.subject_to.coverage=>= 0.5``). Of any other key, the value is YAML.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from sweep.spec.problems import Problems, show
from sweep.spec.sections import FIELDS, TEXTS
from sweep.spec.wishes.reading import SUBJECT_TO
from sweep.spec.yaml_tree import MAX_TEXT, Node, read

FILE = "<--set>"
_LISTS = ("data.source", "data.style", "photos.source", "photos.style", "resources.accelerator")
_MAY_BE_NOTHING = (
    "data.labels",
    "evaluate.weights",
    "photos.landmarks",
    "resources.accelerator",
    "search.time",
)


def apply(root: Node, overrides: Sequence[str], problems: Problems) -> set[str]:
    """Put each ``PATH=VALUE`` into ``root``, the later ones over the earlier.

    Args:
        root: The spec; its value is a mapping.
        overrides: For example ``train.epochs=4`` or ``train.lr_g={type: float, low: 1e-5, high: 1e-3}``.
            VALUE is YAML, except of keys that hold text, which take VALUE unchanged. An empty VALUE is null.
        problems: Gets what cannot be read; the line is the 1-based position of the override. Unknown keys are
            no problem here: the checks of the whole tree find them.

    Returns:
        The paths whose value was put into the tree.
    """
    paths: set[str] = set()
    for line, override in enumerate(overrides, start=1):
        path, equals, text = override.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            problems.add(
                FILE, line, "", f"needs PATH=VALUE such as {_example(override)}, got {show(override)}"
            )
            continue
        value = _value(text, ".".join(keys), line, problems)
        if value is not None and _put(root, keys, value, problems):
            paths.add(".".join(keys))
    return paths


def takes_text(path: str) -> bool:
    """Say whether a key takes what stands behind ``=`` unchanged."""
    return path in TEXTS or path.startswith(f"{SUBJECT_TO}.")


def exists(path: str) -> bool:
    """Say whether there is a file or folder at a path; ``~`` is the home directory."""
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long, no home directory, a NUL in it
        return False


def _example(override: str) -> str:
    """Guess the assignment that was meant by ``train.lr_g: 1e-4`` or ``train.lr_g 1e-4``."""
    path, _, text = re.sub(r"[:\s]\s*", "\0", override.strip(), count=1).partition("\0")
    return f"{path}={text}" if path in FIELDS and text else "train.epochs=4"


def _value(text: str, path: str, line: int, problems: Problems) -> Node | None:
    if takes_text(path):
        return _text(text, path, line, problems)
    if another := re.search(r"[\s,;](\w+\.\w+|name)=", text):
        message = f"give each key a --set of its own: --set {another[1]}=...; got {show(text)}"
        problems.add(FILE, line, path, message, text)
        return None
    quiet = Problems()
    node = read(text, FILE, quiet)
    for problem in quiet.found.values():
        where = path + (problem.path if problem.path.startswith("[") else f".{problem.path}".rstrip("."))
        problems.add(FILE, line, where, problem.message, problem.value)
    if quiet.found:
        return None
    node = node or Node(None, FILE, line, f" {text}".rstrip())
    if node.comment:
        message = f"YAML takes {show(node.comment.strip())} for a comment; put it in quotes, or leave it out"
        problems.add(FILE, line, path, message, text)
        return None
    _move(node, line)
    return node


def _text(text: str, path: str, line: int, problems: Problems) -> Node | None:
    """Make a node of the value of a key that holds text: a list or null only where no text can be meant."""
    if len(text) > MAX_TEXT:
        problems.add(FILE, line, path, f"is {len(text)} characters long; the limit is {MAX_TEXT}")
        return None
    if not text or (path in _MAY_BE_NOTHING and text in ("null", "~") and not Path(text).exists()):
        return Node(None, FILE, line)
    if path not in _LISTS or not (text.startswith("[") and text.endswith("]")) or exists(text):
        return Node(text, FILE, line)
    quiet = Problems()
    node = read(text, FILE, quiet, [""])
    if node is None or quiet.found:
        message = (
            f"there is no folder of this name, and as a list of folders it cannot be read: put each in quotes, "
            f'such as ["faces #2", "more, faces"]; got {show(text)}'
        )
        problems.add(FILE, line, path, message, text)
        return None
    _move(node, line)
    return node


def _move(node: Node, line: int) -> None:
    node.line = line
    below = list(node.value.values()) if isinstance(node.value, dict) else node.value
    for child in below if isinstance(below, list) else ():
        _move(child, line)


def _put(root: Node, keys: list[str], value: Node, problems: Problems) -> bool:
    node = root
    for key in keys[:-1]:
        name, _, place = key.partition("[")
        if not isinstance(node.value, dict):
            break
        if not place and (name not in node.value or node.value[name].value is None):
            node.value[name] = Node({}, value.file, value.line)
        node = node.value.get(name, Node(None, value.file, value.line))
        if place:
            number = int(place[:-1]) if place[:-1].isdecimal() else -1
            node = node.at(number)  # the list itself, where it has no such item
    if not isinstance(node.value, dict):
        message = (
            f"{show(node.plain())} stands above this key, where there is no section, schedule or distribution"
        )
        problems.add(value.file, value.line, ".".join(keys), message, value.plain())
        return False
    node.value[keys[-1]] = value
    return True
