"""``sweep film [NAME]``: the pictures of a training as a moving picture."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweep.cli.options import Finite, name_argument, storage_option

if TYPE_CHECKING:
    from sweep.report.film.film import Film


@click.command(name="film")
@name_argument
@storage_option
@click.option("--trial", type=click.IntRange(min=0), metavar="N", help="Of this trial [default: the best].")
@click.option("--all", "together", is_flag=True, help="Of all trials side by side, the best first.")
@click.option(
    "--top", type=click.IntRange(1, 36), metavar="N", help="With --all: how many trials [default: 12]."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A .gif, .webp or .mp4 [default: NAME.gif, NAME-N.gif with --trial, NAME-all.gif with --all].",
)
@click.option(
    "--seconds",
    type=Finite(0.02, 10),
    help="For each picture [default: 0.1 to 0.6, so that all take about ten].",
)
@click.option(
    "--hold",
    type=Finite(0, 60),
    default=2.5,
    show_default=True,
    help="Seconds for which the last one stays.",
)
@click.option(
    "--rows", type=click.IntRange(1, 64), help="Rows of pictures [default: as many as are seen well]."
)
@click.option(
    "--frames",
    type=click.IntRange(1, 1000),
    default=60,
    show_default=True,
    help="Evaluations that are shown at most, evenly spread.",
)
def command(
    name: str | None,
    storage: str,
    trial: int | None,
    together: bool,
    top: int | None,
    out: Path | None,
    seconds: float | None,
    hold: float,
    rows: int | None,
    frames: int,
) -> None:
    """Make a film of the sweep NAME (the newest by default): the pictures of its best trial at every evaluation.

    With the kimg and the metric of each written in. Works while the sweep runs. With --all the trials stand side by
    side at the same kimg; one that has ended stays at its last pictures, with how it ended. An .mp4 needs ffmpeg
    (pip install 'sweep-gan[video]', or one on the PATH).
    """
    from ganlib.errors import RequestError
    from ganlib.export import moving
    from sweep.records.catalog import open_sweep
    from sweep.report.film.film import TOP, film_of_all, film_of_one
    from sweep.report.film.frames import COLOURS
    from sweep.report.results import Results
    from sweep.storage.opening import open_folder

    if together and trial is not None:
        raise RequestError("--all shows all trials, and --trial one: give one of them")
    if top is not None and not together:
        raise RequestError("--top belongs to --all")
    if out is not None:
        _check(out)
    sweep = open_sweep(open_folder(storage), name)
    if out is None:
        which = "-all" if together else "" if trial is None else f"-{trial}"
        out = Path(f"{sweep.name.replace('/', '-')}{which}.gif")
        _check(out)
    results = Results.read([sweep])
    film = (
        film_of_all(results, rows, top or TOP, frames)
        if together
        else film_of_one(results, trial, rows, frames)
    )
    pace = seconds or film.pace
    images = moving.in_few_colours(film.frames, COLOURS) if out.suffix.lower() == ".gif" else film.frames
    moving.save(out, images, pace, hold)
    click.echo(_told(film, pace, hold, out), err=True)
    click.echo(out)


def _check(out: Path) -> None:
    """Refuse a file that cannot be written, before anything is drawn."""
    from ganlib import written
    from ganlib.errors import RequestError
    from ganlib.export import moving

    suffix = out.suffix.lower()
    if suffix not in moving.SUFFIXES:
        raise RequestError(f"--out: '{out}' must be the name of a .gif, .webp or .mp4 file")
    written.check_file(out, "--out")
    if suffix == ".mp4":
        moving.ffmpeg()


def _told(film: "Film", pace: float, hold: float, out: Path) -> str:
    """Say in a line what the film is."""
    from sweep import formatting

    moments = film.moments
    span = f"{formatting.kimg(moments[0])} to {formatting.kimg(moments[-1])} kimg"
    words = [
        f"{formatting.count(film.trials, 'trial')}, {formatting.count(len(moments), 'evaluation')}",
        span if len(moments) > 1 else f"at {formatting.kimg(moments[0])} kimg: a film of one picture",
        formatting.duration(len(moments) * pace + hold),
        formatting.size(out.stat().st_size),
    ]
    if film.omitted:
        words.append(f"{formatting.count(film.omitted, 'trial')} not shown (--top)")
    if film.broken:
        words.append(f"{formatting.count(film.broken, 'grid')} missing or damaged")
    return ", ".join(words)
