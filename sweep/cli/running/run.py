"""``sweep run SPEC`` or ``sweep run PICTURES/``."""

import sys
import time as clock

import click

from sweep.cli import detach as detaching
from sweep.cli.options import (
    LENGTH,
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
@click.option(
    "--time",
    type=LENGTH,
    metavar="TIME",
    help="Fit trials and rungs into a time on this machine, such as 30m or 2h, and end then.",
)
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
    time: float | None,
    tensorboard: bool,
    or_resume: bool,
    detach: bool,
    dry_run: bool,
    no_measure: bool,
    as_json: bool,
) -> None:
    """Run the sweep that the file SPEC describes, or learn from a folder of pictures.

    Trials run under Ray on all of this machine, or on the cluster at --address; where there is no GPU they run
    on the CPU. Ctrl-C once, or 'sweep stop' from anywhere: running trials write a checkpoint and end; 'sweep resume'
    goes on.

    Of a folder of pictures, size, network, space and length are chosen by what is in it, and written with reasons into
    the sweep's folder (chosen.yaml): for a quarter of an hour, or --time. Shipped specs go by their names: sweep run
    quickstart.
    """
    from dataclasses import replace

    from ganlib.errors import RequestError
    from sweep.commands.folder.asked import Asked, choose
    from sweep.runners.base import Options
    from sweep.terminal.views import view_for

    asked = Asked(spec, name, overrides, storage, time, local, clock.monotonic())
    if no_measure and not dry_run:
        raise RequestError("--no-measure belongs to --dry-run")
    if detach and dry_run:
        raise RequestError("--detach runs the sweep, and --dry-run does not: give one of them")
    if time is not None and address is not None:
        raise RequestError(
            "--time measures this machine, and trials run on those of --address: --set search.time=2h ends a sweep in "
            "time anywhere"
        )
    view = view_for(as_json)
    if detach and address is None:
        driven = asked.sweep_name(or_resume)
        detaching.detach(storage, driven, None, name=driven)
    chosen = choose(asked, address is None and not no_measure, or_resume, view.say)
    if no_measure and (time is not None or asked.is_pictures):
        click.echo("note: nothing is fitted into a time, since nothing is measured", err=True)
    loaded = chosen.spec
    if tensorboard and "tensorboard" not in loaded.track:
        loaded = replace(loaded, track=[*loaded.track, "tensorboard"])
    if detach or dry_run:
        from sweep.commands.planning.sharing import settled

        loaded = settled(loaded, address, lambda line: click.echo(line, err=True), not no_measure)
    if detach:
        from sweep.commands.before import anchored

        detaching.detach(storage, loaded.name, address, anchored(loaded).to_yaml())
    if dry_run:
        from sweep.commands.planning.dry_run import describe
        from sweep.commands.planning.findings import investigate

        describe(loaded, as_json, investigate(loaded, not no_measure, local, storage))
        return
    from sweep.commands.or_resume import start_or_resume
    from sweep.commands.run import start

    options = Options(storage, local, address, as_json, chosen.text)
    code = (start_or_resume if or_resume else start)(loaded, options)
    if code == 0 and chosen.text:
        from sweep.cli.hand_over import hand_over

        hand_over(loaded.name, options)
    elif code == 0:
        from sweep.cli.suggest import suggest

        suggest(loaded.name, options)
    sys.exit(code)
