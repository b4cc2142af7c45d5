"""Complete names of sweeps, tags and specs in a shell, which asks at each press of the key: nothing heavy is imported.

The shell asks by running ``sweep`` with a variable set (https://click.palletsprojects.com/en/stable/shell-completion/).
What goes wrong completes nothing: there is no place for a message.
"""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from ganlib.errors import RequestError, WorkError

SPECS = (".yaml", ".yml")
DEEP, MOST = 2, 500
"""How far below a folder specs are looked for, and how many names are read at most."""


def sweep_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a sweep in ``--storage``, or a path."""
    if "/" in incomplete:
        return [CompletionItem(incomplete, type="dir")]
    given = context.params.get(parameter.name or "") or ()
    taken = {given} if isinstance(given, str) else set(given)
    return [CompletionItem(name) for name in _sweeps(context, incomplete) if name not in taken]


def sweep_tags(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a tag that a sweep in ``--storage`` has."""
    from sweep.storage.note import read
    from sweep.storage.opening import open_folder

    try:
        storage = open_folder(_storage(context))
        tags = {tag for name in _sweeps(context, "") for tag in read(storage.child(name)).tags}
    except (RequestError, WorkError, OSError):
        return []
    return [CompletionItem(tag) for tag in sorted(tags) if tag.startswith(incomplete)]


def specs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the path of a spec: those in the folder and in folders below it; any file where there is none."""
    folder = os.path.dirname(incomplete)
    found = [path for path in _specs_below(folder) if path.startswith(incomplete)]
    return [CompletionItem(path) for path in found] or [CompletionItem(incomplete, type="file")]


def _storage(context: click.Context) -> str:
    return context.params.get("storage") or "runs"


def _sweeps(context: click.Context, begin: str) -> list[str]:
    from sweep.storage.layout import INFO
    from sweep.storage.opening import open_folder

    try:
        storage = open_folder(_storage(context))
        names = [name for name in storage.names() if name.startswith(begin) and not name.startswith(".")]
        return [name for name in names if storage.exists(f"{name}/{INFO}")]
    except (RequestError, WorkError, OSError):
        return []


def _specs_below(folder: str) -> list[str]:
    """List specs below a folder, as paths that begin as the folder was written."""
    found = []
    root = Path(folder or ".")
    for path in islice(_files(root, DEEP), MOST):
        if path.suffix.lower() in SPECS:
            found.append(os.path.join(folder, path.relative_to(root)))
    return sorted(found)


def _files(folder: Path, deep: int) -> Iterator[Path]:
    """List the files of a folder and of folders below it, the near ones first; hidden ones and sweeps are left out."""
    from sweep.storage.layout import INFO

    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    shown = [entry for entry in entries if not entry.name.startswith(".")]
    yield from (entry for entry in shown if entry.is_file())
    for entry in shown:
        if deep > 1 and entry.is_dir() and not (entry / INFO).exists():
            yield from _files(entry, deep - 1)
