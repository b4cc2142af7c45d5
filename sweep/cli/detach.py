"""``--detach``: the command that was given, by a driver that goes on by itself."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from sweep.storage.layout import CONFIRMATION, CONTINUED

detach_option = click.option(
    "--detach",
    is_flag=True,
    help="Return when trials run: in the background, with --address as a job of the cluster.",
)
PLACES = {"confirm": CONFIRMATION, "continue": CONTINUED}
"""Folders within a sweep's, of commands that run something there."""
OWN = ("detach", "address")
"""Options that a driver does not get as they are."""


def detach(
    storage: str,
    sweep: str,
    address: str | None,
    spec: str | None = None,
    **instead: Any,  # noqa: ANN401
) -> None:
    """Start the driver of the present command, look on until its trials run, and end with its exit code.

    Args:
        storage: The folder or URL that the sweep is in, or will be.
        sweep: The name of the sweep.
        address: Of the cluster; None to run in the background of this machine.
        spec: The text of the spec with everything that options say, for a driver that does not see the file of it.
        instead: Arguments and options that are not as they were given.
    """
    from sweep.commands.detaching import Seen, follow
    from sweep.commands.detaching.background import Background
    from sweep.commands.detaching.ray_job import RayJob
    from sweep.storage.called import called
    from sweep.storage.opening import open_folder
    from sweep.terminal.views import view_for

    context = click.get_current_context()
    view, folder = view_for(bool(context.params.get("as_json"))), open_folder(storage) / sweep
    inner = PLACES.get(context.info_name or "")
    place = folder / inner if inner else folder
    before = Seen.now(place)
    instead = {"storage": open_folder(storage).url} | instead
    if address is None:
        driver: Background | RayJob = Background(words(context, instead), folder)
    else:
        files = {}
        if spec is not None:
            files[f"{sweep}.yaml"] = spec
            instead |= {"spec": f"{sweep}.yaml", "overrides": (), "name": None, "tensorboard": False}
        with view.waiting(f"handing the sweep to the cluster at {address}"):
            driver = RayJob(words(context, instead), files, sweep, address)
    code = follow(driver, place, before, click.echo, view.say)
    if code == 0 and driver.ended() is None:
        found = called(folder)
        view.say(f"'sweep watch {found}' looks on, 'sweep stop {found}' stops it")
    sys.exit(code)


def words(context: click.Context, instead: Mapping[str, Any]) -> list[str]:
    """Write the words of a command line that means what was given, with every option.

    Args:
        context: Of the command.
        instead: Arguments and options that are to have other values, by the names of their parameters.
    """
    found = [context.info_name or ""]
    for parameter in context.command.params:
        value = instead.get(parameter.name or "", context.params.get(parameter.name or ""))
        if parameter.name in OWN or value is None or value is False:
            continue
        if isinstance(parameter, click.Argument):
            found.append(str(value))
        elif value is True:
            found.append(parameter.opts[0])
        else:
            for one in value if parameter.multiple else (value,):
                found += [parameter.opts[0], getattr(parameter.type, "written", str)(one)]
    return found
