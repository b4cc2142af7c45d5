"""``sweep score FOLDER``: the metrics of any generator's pictures."""

from pathlib import Path
from typing import Any

import click


@click.command(name="score")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--against",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER_OR_SPEC",
    help="Real pictures: a folder, or a spec, which then says how to measure too.",
)
@click.option("--extractor", metavar="NAME", help="Which network's features  [default: the spec's]")
@click.option("--weights", type=click.Path(), help="A local weights file for the extractor.")
@click.option(
    "--size",
    type=click.IntRange(min=8, max=4096),
    metavar="PX",
    help="Between two folders: resize all pictures to this side, as for training  [default: as they are]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    folder: Path, against: Path, extractor: str | None, weights: str | None, size: int | None, as_json: bool
) -> None:
    """Score the pictures in FOLDER against real ones: FID, KID, precision, recall, density, coverage, variety.

    Files are read as for training: upright, in sRGB, on the background, the central square. Numbers compare only if
    everything below "measured with" is the same.
    """
    from sweep.commands.score import score
    from sweep.records.schemas import to_json

    found = score(folder, against, extractor, weights, size)
    if not as_json:
        for note in found["notes"]:
            click.echo(f"note: {note}", err=True)
    click.echo(to_json(found, indent=2) if as_json else _text(found))


def _infinity(found: dict[str, Any]) -> str:
    from sweep import formatting

    if found["fid_infinity"] is None:
        from ganlib.metrics.distances.infinity import LEAST_PICTURES

        counts = found["identity"]["n_fake"], found["identity"]["n_real"]
        if min(counts) < LEAST_PICTURES:
            return f"not measurable with fewer than {LEAST_PICTURES} generated or real pictures"
        return f"closer to 0 than {counts[0]} generated and {counts[1]} real pictures can tell"
    return formatting.with_error(found["fid_infinity"], found["fid_infinity_se"])


def _value(found: dict[str, Any], name: str) -> str:
    """Say a metric, with its standard error where it has one."""
    from ganlib.names import METRICS
    from sweep import formatting

    error = METRICS[name].error
    return formatting.with_error(found[name], found[error] if error else None)


def _text(found: dict[str, Any]) -> str:
    from ganlib.names import METRICS
    from sweep import formatting

    identity = found["identity"]
    lines = [
        *(
            f"{metric.name(identity['extractor']):13} {_value(found, name)}"
            for name, metric in METRICS.items()
        ),
        f"FID infinity  {_infinity(found)}",
        *(
            f"{name:13} {formatting.number(found[name])}"
            for name in ("precision", "recall", "density", "coverage")
        ),
        f"Vendi score   {formatting.number(found['vendi'])} (real pictures: {formatting.number(found['real_vendi'])})",
    ]
    if found["floor"]:
        floor = found["floor"]
        told = (
            f"{metric.name(identity['extractor'])} {_value(floor, name)}" for name, metric in METRICS.items()
        )
        lines.append(f"floor         {', '.join(told)} (held-out real pictures)")
    if found["suspicion"]:
        lines.append(f"suspicious    {found['suspicion']}")
    lines.append("measured with")
    names = ("extractor", "extractor_digest", "resize", "n_fake", "n_real", "data_hash")
    return "\n".join([*lines, *(f"  {name:17} {identity[name]}" for name in names)])
