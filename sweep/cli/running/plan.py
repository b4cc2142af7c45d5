"""``sweep plan SPEC``."""

import click

from sweep.cli.options import (
    LENGTH,
    SpecCommand,
    address_option,
    local_option,
    set_option,
    spec_argument,
)


@click.command(name="plan", cls=SpecCommand)
@spec_argument
@local_option
@address_option
@click.option(
    "--budget",
    metavar="TIME",
    type=LENGTH,
    help="Propose trials and rungs that fit, such as 2h, 90m or 1h30m.",
)
@set_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    spec: str,
    local: bool,
    address: str | None,
    budget: float | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Foretell what the sweep of the file SPEC costs, here or on a cluster: time, devices, memory and disk.

    A few steps of a few configurations and the parts of an evaluation are timed, in as many processes as trials would
    run at a time, or in turn in one process where trials would share it, in about a quarter of a minute. The range is
    that of the plays of the sweep in which trials come in another order: nine of ten lie in it. With --address one
    machine of each kind that the cluster has is timed, at the same time. Nothing is trained and nothing is written.
    """
    from dataclasses import asdict

    from sweep import durations, shipped
    from sweep.commands.planning import budget as fitting
    from sweep.commands.planning.findings import plan_of
    from sweep.commands.planning.plan import lines
    from sweep.commands.planning.sharing import settled
    from sweep.records.schemas import to_json
    from sweep.spec.specification import load

    def say(line: str) -> None:
        click.echo(line, err=True)

    if note := shipped.note(spec):
        say(note)
    study = settled(load(spec, overrides), address, say)
    plan, images = plan_of(study, local, address, say)
    fit = fitting.Fit(study, images, plan.costs, budget or 0.0, plan.others)
    found = list(fitting.proposals(fit)) if budget else []
    if as_json:
        fitting_in = {"budget": budget, "proposals": [asdict(one) for one in found]} if budget else {}
        click.echo(to_json({"name": study.name, "images": images} | plan.plain() | fitting_in, indent=2))
        return
    wishes = ", ".join(wish.words for wish in study.search.wishes)
    click.echo(
        "\n".join(
            [
                *([f"subject to {wishes}"] if wishes else []),
                *lines(plan, images),
                *(fitting.told(found, durations.text(budget)) if budget else []),
            ]
        )
    )
