"""``--set PATH=VALUE``: values from the command line put into the tree of a spec before it is checked."""

from collections.abc import Sequence

from sweep.problems import Problems, show
from sweep.yamltree import Node, read

FILE = "<--set>"


def apply(root: Node, overrides: Sequence[str], problems: Problems) -> set[str]:
    """Put each ``PATH=VALUE`` into ``root``, the later ones over the earlier.

    Args:
        root: The spec; its value is a mapping.
        overrides: For example ``train.epochs=4`` or ``train.lr_g={type: float, low: 1e-5, high: 1e-3}``.
            VALUE is YAML, and nothing at all is null.
        problems: Gets what cannot be read; the position of the override is the line. Whether the path is
            a known key is for the checks of the whole tree to say.

    Returns:
        The paths that were given.
    """
    paths: set[str] = set()
    for line, override in enumerate(overrides, start=1):
        path, equals, text = override.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            problems.add(FILE, line, "", f"needs PATH=VALUE such as train.epochs=4, got {show(override)}")
            continue
        value = _value(text, ".".join(keys), line, problems)
        if value is not None and _put(root, keys, value, problems):
            paths.add(".".join(keys))
    return paths


def _value(text: str, path: str, line: int, problems: Problems) -> Node | None:
    if path == "name":
        return Node(text, FILE, line)  # 2024 is a fine name, and not a number
    quiet = Problems()
    node = read(text, FILE, quiet)
    for problem in quiet.found.values():
        where = path + (problem.path if problem.path.startswith("[") else f".{problem.path}".rstrip("."))
        problems.add(FILE, line, where, problem.message, problem.value)
    if quiet.found:
        return None
    node = node or Node(None, FILE, line)
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
        if not isinstance(node.value, dict):
            break
        if key not in node.value or node.value[key].value is None:
            node.value[key] = Node({}, value.file, value.line)
        node = node.value[key]
    if not isinstance(node.value, dict):
        message = f"{show(node.plain())} stands above this key, where there is no section or distribution"
        problems.add(value.file, value.line, ".".join(keys), message, value.plain())
        return False
    node.value[keys[-1]] = value
    return True
