"""The command line: one file a subcommand, each with a click command named ``command``.

A subcommand's file is imported only when it is called, so that ``sweep --help`` starts in a blink. Errors that
are meant for people end in one message and an exit code: 2 for a wrong request, 1 for work that failed.
"""

import os
import signal
import sys
from importlib import import_module
from itertools import pairwise

import click
from click.shell_completion import CompletionItem

from ganlib.errors import RequestError, WorkError
from sweep import __version__
from sweep.runners.stopping import POLITE, as_interrupt, handling
from sweep.terminal.outlet import outlets

GROUPS = {
    "running": {
        "run": "Run a sweep, of a spec or of a folder of pictures.",
        "init": "Write a spec for a folder of pictures.",
        "plan": "Foretell what a sweep costs; find what fits a given time.",
        "stop": "Stop a running sweep, from any machine; it can be resumed.",
        "resume": "Go on with a sweep that was interrupted.",
        "extend": "Add trials to a sweep, and go on with it.",
        "confirm": "Train the best configurations again, with fresh seeds.",
        "continue": "Train the winner on, or another trial.",
    },
    "looking": {
        "ls": "List the sweeps in a storage folder.",
        "show": "Show one sweep: trials, rungs, verdicts, events.",
        "watch": "Look on while a sweep runs.",
        "best": "Rank the trials of a sweep; export the winner.",
        "judge": "Judge pictures of the best trials by eye, blind, in pairs.",
        "report": "Write the comparison report of a sweep.",
        "film": "Make a film of the pictures of a training.",
        "check": "Check that everything of a sweep is whole; mend it.",
    },
    "keeping": {
        "note": "Note something of a sweep, and tag it.",
        "rm": "Remove sweeps.",
        "cache": "List what the cache holds; clear it.",
    },
    "pictures": {
        "data": "Prepare and describe the pictures of a spec, without training.",
        "generate": "Make pictures with an exported generator.",
        "play": "Play with an exported generator, on a page in the browser.",
        "score": "Score a folder of pictures against real ones.",
    },
}
"""Of each folder beside this file: its commands and what they do, in the order in which they are used."""
COMMANDS = {name: group for group, summaries in GROUPS.items() for name in summaries}
"""The folder of each command."""
COMPLETING = "_SWEEP_COMPLETE"
"""The variable by which a shell asks for completions (`sweep.cli.completing`)."""
TITLES = {"running": "Run", "looking": "Look", "keeping": "Keep", "pictures": "Pictures"}


class LazyGroup(click.Group):
    """A group that knows the names and summaries of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the file of a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"sweep.cli.{COMMANDS[cmd_name]}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries of `GROUPS` into the help text."""
        widest = max(map(len, COMMANDS))
        for group, summaries in GROUPS.items():
            with formatter.section(TITLES[group]):
                formatter.write_dl([(name.ljust(widest), summary) for name, summary in summaries.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of commands, and options, for a shell."""
        summaries = {name: words for group in GROUPS.values() for name, words in group.items()}
        found = [
            CompletionItem(name, help=words)
            for name, words in summaries.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command for a typing error."""
        from ganlib.registry import did_you_mean

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], list(COMMANDS))
            if args[0].lower().endswith((".yaml", ".yml")):
                hint = f"; a spec is run with 'sweep run {args[0]}'"
            ctx.fail(f"there is no command '{args[0]}'{hint} (commands: {', '.join(COMMANDS)})")
        if args:
            refuse_empty(ctx, args)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Turn errors for people into messages and exit codes."""
        try:
            return super().invoke(ctx)
        except RequestError as error:
            click.echo(f"error: {harmless(str(error))}", err=True)
            ctx.exit(2)
        except WorkError as error:
            click.echo(f"error: {harmless(str(error))}", err=True)
            ctx.exit(1)
        except OSError as error:
            from sweep.storage.folder import BARRED, reason_of

            if error.filename is None or error.errno not in BARRED:
                raise
            click.echo(f"error: cannot use '{harmless(str(error.filename))}': {reason_of(error)}", err=True)
            ctx.exit(2)


def refuse_empty(ctx: click.Context, args: list[str]) -> None:
    """Refuse empty arguments: an empty path would mean the current folder, an empty address none."""
    for before, arg in pairwise(args):
        option, equals, value = arg.partition("=")
        if not arg.strip():
            what = f"the value of {before}" if before.startswith("-") else f"an argument of '{args[0]}'"
        elif option.startswith("--") and equals and not value.strip():
            what = f"the value of {option}"
        else:
            continue
        ctx.fail(f"{what} is empty; give one, or leave it out (a variable of the shell that is not set?)")


def harmless(text: str) -> str:
    """Replace what could steer a terminal by its escape; a name or a path may hold anything."""
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="sweep")
def cli() -> None:
    """Hyperparameter sweeps of small image GANs.

    Start with: sweep run path/to/pictures, or sweep run quickstart
    """


def main() -> None:
    """Run the console script ``sweep``."""
    if COMPLETING in os.environ:  # a shell reads bytes, as click writes them
        cli(prog_name="sweep", complete_var=COMPLETING)
    # A signal that comes when all is done, as the second of `timeout`, must not change the exit code.
    with outlets(), handling(as_interrupt, POLITE, after=signal.SIG_IGN):
        sys.exit(cli(prog_name="sweep"))
