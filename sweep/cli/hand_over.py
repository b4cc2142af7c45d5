"""Hand over what came of a folder of pictures: the report, the exported generator, and what to do with them."""

from pathlib import Path

from sweep.cli.suggest import free_export
from sweep.commands.exporting.choosing import best_of
from sweep.commands.exporting.export import export
from sweep.records.catalog import open_sweep
from sweep.report.build import write_report
from sweep.results.ranking import board_of
from sweep.runners.base import Options
from sweep.storage.called import called
from sweep.storage.opening import open_folder
from sweep.terminal.views import view_for


def hand_over(name: str, options: Options) -> None:
    """Write the report and the winner's generator of a sweep, and say where they are.

    Args:
        name: Of the sweep, which has a winner.
        options: With which it was run.

    Raises:
        WorkError: if one of them cannot be written.
    """
    say = view_for(options.as_json).say
    folder = open_folder(options.storage)
    sweep = open_sweep(folder, name)
    board = board_of(sweep)
    chosen, notes = best_of(sweep, board)
    out = free_export(name)
    for note in [*notes, *export(sweep, chosen, out, False)]:
        say(f"note: {note}")
    written = write_report([sweep], None, folder, False)
    say(f"\nreport:           {Path(written[0]).absolute() if '://' not in str(written[0]) else written[0]}")
    say(f"generator:        {out.absolute()}")
    say(f"play with it:     sweep play {out}")
    say(f"more pictures:    sweep generate {out}")
    say(f"train it longer:  sweep extend {called(sweep.folder)} --time 30m")
