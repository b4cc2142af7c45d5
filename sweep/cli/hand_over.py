"""Hand over what came of a sweep: the report, the exported generator, and what to do with them."""

import shlex
from collections.abc import Callable
from pathlib import Path

from sweep.commands.exporting.choosing import best_of
from sweep.commands.exporting.export import export
from sweep.commands.folder.chosen import free_name
from sweep.records.catalog import open_sweep
from sweep.report.build import write_report
from sweep.results.ranking import board_of
from sweep.runners.base import Options
from sweep.storage.opening import open_folder
from sweep.terminal.views import view_for


def hand_over(name: str, storage: str, say: Callable[[str], None]) -> None:
    """Write the report and the winner's generator of a sweep, and say where they are.

    Args:
        name: Of the sweep, which has a winner.
        storage: Where it lies.
        say: Told of each.

    Raises:
        WorkError: if one of them cannot be written.
    """
    folder = open_folder(storage)
    sweep = open_sweep(folder, name)
    board = board_of(sweep)
    chosen, notes = best_of(sweep, board)
    out = _free(name)
    for note in [*notes, *export(sweep, chosen, out, False)]:
        say(f"note: {note}")
    written = write_report([sweep], None, folder, False)
    say(f"\nreport:           {Path(written[0]).absolute() if '://' not in str(written[0]) else written[0]}")
    say(f"generator:        {out.absolute()}")
    say(f"play with it:     sweep play {out}")
    say(f"more pictures:    sweep generate {out}")
    say(f"train it longer:  sweep extend {name} --time 30m")


def suggest(name: str, options: Options) -> None:
    """Say how the report and the winner's generator of a sweep are had.

    Args:
        name: Of the sweep.
        options: With which it was run.
    """
    say, storage = view_for(options.as_json).say, options.storage
    words = shlex.quote(name) + ("" if storage == "runs" else f" --storage {shlex.quote(storage)}")
    say(f"compare the trials: sweep report {words}")
    say(f"export the winner:  sweep best {words} --export {_free(name)}")


def _free(name: str) -> Path:
    """Choose a folder for the export of a sweep that is not there yet."""
    return Path("export") / free_name(name, lambda one: (Path("export") / one).exists())
