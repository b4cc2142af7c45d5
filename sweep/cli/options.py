"""Options and arguments that several commands share."""

import functools
import math
import os
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from sweep.cli import detach as detaching
from sweep.cli.completing import specs, sweep_names
from sweep.storage.layout import RUNS

name_argument = click.argument("name", required=False, shell_complete=sweep_names)
"""The name of a sweep; the newest by default."""
spec_argument = click.argument("spec", shell_complete=specs)
storage_option = click.option(
    "--storage",
    default=RUNS,
    show_default=True,
    metavar="DIR_or_URL",
    help="Folder or s3:// URL of all sweeps.",
)


def _one_place(context: click.Context, option: click.Parameter, value: Any) -> Any:  # noqa: ANN401 - either option's
    """Refuse --local beside --address: the callback of either option sees the one that was parsed before."""
    given = {**context.params, option.name or "": value}
    if given.get("local") and given.get("address"):
        from ganlib.errors import RequestError

        raise RequestError("--local runs without Ray, so that --address has no meaning; give one of them")
    return value


local_option = click.option(
    "--local",
    is_flag=True,
    callback=_one_place,
    help="In this process, without Ray, one trial after another unless they share a GPU: for debugging.",
)
address_option = click.option(
    "--address", metavar="HOST:PORT", callback=_one_place, help="Attach to a running Ray cluster."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Override a value of the spec (repeatable).",
)
moved_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="data.source=PATH",
    help="Where the sweep's pictures lie now, if their folder was moved; other keys stay as they are.",
)


if TYPE_CHECKING:
    _Time = click.ParamType[float, str | float]
else:
    _Time = click.ParamType  # it has no parameters before click 8.5


class Finite(click.FloatRange):
    """The value of an option that is a number within limits, which NaN, by comparing with nothing, would pass."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """Read a number, and refuse one that is not finite."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number


class LengthOfTime(_Time):
    """The value of an option such as ``1h30m``, in seconds."""

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a length of time."""
        from sweep import durations

        try:
            return value if isinstance(value, float) else durations.seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def written(self, value: float) -> str:
        """Write it as it is read."""
        from sweep import durations

        return durations.text(value)


LENGTH = LengthOfTime()


class SpecCommand(click.Command):
    """A command that takes a spec; says where a value of the spec goes that was given as an argument or option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, and add to a complaint how to write what was meant."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            paths = paths_of(error.option_name)
            if paths:
                ctx.fail(
                    f"there is no option '{error.option_name}'; write --set {'=VALUE or --set '.join(paths)}=VALUE"
                )
            raise
        except click.UsageError as error:
            value = next((arg for arg in given if is_override(arg) and not _belongs(arg, given)), None)
            blanks = _with_blanks(given)
            if "extra argument" in error.message and blanks:
                ctx.fail(f"put a name with blanks in quotes: '{blanks}'")
            if "extra argument" in error.message and value is not None:
                ctx.fail(f"write --set before each value of the spec: --set {value!r}")
            if "extra argument" in error.message and "--set" in given:
                ctx.fail(
                    f"{error.message}: a value of --set is one word, PATH=VALUE, in quotes where it has blanks"
                )
            raise


def paths_of(option: str) -> list[str]:
    """List the keys of a spec that an unknown option such as ``--epochs`` may mean."""
    from sweep.spec.sections import FIELDS

    name = option.strip("-").replace("-", "_").lower()
    return [path for path in FIELDS if name in (path, path.partition(".")[2])]


def is_override(text: str) -> bool:
    """Tell whether an argument looks like a value of a spec, ``train.lr_g=1e-4``."""
    path, equals, _ = text.partition("=")
    return bool(equals) and len(path.split(".")) > 1 and re.fullmatch(r"[\w.\[\]]+", path) is not None


def _with_blanks(args: list[str]) -> str:
    """Find the file whose name a shell has cut at its blanks; empty if there is none."""
    cuts = [(start, stop) for start in range(len(args)) for stop in range(start + 2, len(args) + 1)]
    names = (" ".join(args[start:stop]) for start, stop in cuts)
    return next((name for name in names if len(name) < 1000 and os.path.isfile(name)), "")


def _belongs(arg: str, given: list[str]) -> bool:
    where = given.index(arg)
    return where > 0 and given[where - 1] == "--set"


def goes_on(work: Callable[..., int]) -> Callable[..., None]:
    """Make the function of a command from ``work(sweep, options, **own)``, which returns the exit code."""

    @functools.wraps(work)
    def command(
        name: str | None,
        local: bool,
        address: str | None,
        storage: str,
        overrides: tuple[str, ...],
        as_json: bool,
        detach: bool,
        **own: Any,  # noqa: ANN401 - whatever options the command has of its own
    ) -> None:
        from ganlib.address import parted
        from sweep.commands.moved import move_pictures
        from sweep.records.catalog import open_sweep
        from sweep.runners.base import Options
        from sweep.storage.opening import open_folder
        from sweep.terminal.views import view_for

        place = open_folder(storage)
        sweep = open_sweep(place, name)
        if place / sweep.name != sweep.folder:  # it was named by its path
            path, options = parted(sweep.folder.url)
            storage = path.removesuffix(f"/{sweep.name}") + options
        if detach:
            detaching.detach(storage, sweep.name, address, name=sweep.name)
        move_pictures(sweep.folder, overrides, view_for(as_json).say)
        sys.exit(work(sweep, Options(storage, local, address, as_json), **own))

    for option in (
        *(json_option, detaching.detach_option, moved_option),
        *(storage_option, address_option, local_option),
    ):
        command = option(command)
    return name_argument(command)
