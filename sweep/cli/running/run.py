"""``sweep run SPEC``."""

import sys

import click

from sweep.cli import detach as detaching
from sweep.cli.options import (
    SpecCommand,
    address_option,
    json_option,
    local_option,
    set_option,
    spec_argument,
    storage_option,
)


@click.command(name="run", cls=SpecCommand)
@spec_argument
@local_option
@address_option
@storage_option
@click.option("--name", help="Name of the sweep [default: the spec's].")
@set_option
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard event files for each trial.")
@click.option(
    "--or-resume", is_flag=True, help="Go on with the sweep if it has begun: for job systems that repeat."
)
@detaching.detach_option
@click.option("--dry-run", is_flag=True, help="Show what would be run, and about how long; train nothing.")
@click.option("--no-measure", is_flag=True, help="A dry run that does not time a few steps.")
@json_option
def command(
    spec: str,
    local: bool,
    address: str | None,
    storage: str,
    name: str | None,
    overrides: tuple[str, ...],
    tensorboard: bool,
    or_resume: bool,
    detach: bool,
    dry_run: bool,
    no_measure: bool,
    as_json: bool,
) -> None:
    """Run the sweep that the file SPEC describes.

    Trials run under Ray on all of this machine, or on the cluster at --address; where there is no GPU they run
    on the CPU. Ctrl-C once, or 'sweep stop' from anywhere: running trials write a checkpoint and end; 'sweep resume'
    goes on.
    """
    from dataclasses import replace

    from ganlib.errors import RequestError
    from sweep.commands.dry_run import first_configurations
    from sweep.commands.planning.sharing import settled
    from sweep.spec.specification import load

    if no_measure and not dry_run:
        raise RequestError("--no-measure belongs to --dry-run")
    if detach and dry_run:
        raise RequestError("--detach runs the sweep, and --dry-run does not: give one of them")
    named = (*overrides, f"name={name}") if name is not None else overrides
    loaded = load(spec, named)
    if tensorboard and "tensorboard" not in loaded.track:
        loaded = replace(loaded, track=[*loaded.track, "tensorboard"])
    if detach:
        from sweep.commands.before import anchored

        detaching.detach(storage, loaded.name, address, anchored(loaded).to_yaml())
    loaded = settled(
        loaded, lambda: first_configurations(loaded), address, lambda line: click.echo(line, err=True)
    )
    if dry_run:
        from sweep.commands.dry_run import describe, investigate

        describe(loaded, as_json, investigate(loaded, not no_measure, local, storage))
        return
    from sweep.commands.or_resume import start_or_resume
    from sweep.commands.run import start
    from sweep.runners.base import Options

    begin = start_or_resume if or_resume else start
    sys.exit(begin(loaded, Options(storage, local, address, as_json)))
