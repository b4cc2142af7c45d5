"""Say what can be done with a sweep that has ended well."""

from pathlib import Path

from sweep.commands.folder.chosen import free_name
from sweep.runners.base import Options
from sweep.storage.called import called
from sweep.storage.opening import open_folder
from sweep.terminal.views import view_for


def suggest(name: str, options: Options) -> None:
    """Say how the report and the winner's generator of a sweep are had.

    Args:
        name: Of the sweep.
        options: With which it was run.
    """
    say, words = view_for(options.as_json).say, called(open_folder(options.storage) / name)
    say(f"compare the trials: sweep report {words}")
    say(f"export the winner:  sweep best {words} --export {free_export(name)}")


def free_export(name: str) -> Path:
    """Choose a folder for the export of a sweep that is not there yet."""
    return Path("export") / free_name(name, lambda one: (Path("export") / one).exists())
