"""``sweep data``: prepare the pictures of a spec and describe them, without training."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganlib import written
from ganlib.errors import RequestError, WorkError
from sweep.cli.options import SpecCommand, spec_argument

if TYPE_CHECKING:
    from ganlib.config import DataConfig
    from ganlib.data import ImageSet
    from ganlib.domains.sets import TrainingSets
    from sweep.spec.specification import Spec

_SHOWN = 20  # skipped files that are listed for a person; --json lists all


@click.command("data", cls=SpecCommand)
@spec_argument
@click.option(
    "--out", type=click.Path(path_type=Path), help="Contact sheet to write  [default: <name>-data.png]"
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Override a value of the spec (repeatable).",
)
@click.option(
    "--alike",
    "alike",
    type=click.Path(path_type=Path),
    help="CSV file to write with all groups of equal and nearly equal pictures.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    spec: str, out: Path | None, overrides: tuple[str, ...], alike: Path | None, as_json: bool
) -> None:
    """Prepare the pictures of SPEC and describe them; trains nothing.

    Draws or decodes what is not in the cache yet, prints how many pictures there are, what they are like, which
    are duplicates and what was skipped, and writes a contact sheet of 64 of them; of translators beside 64 photographs,
    and the same drawings with the blurred edges that CartoonGAN is taught by.
    """
    from sweep import shipped
    from sweep.records.schemas import to_json
    from sweep.spec.specification import load

    if note := shipped.note(spec):
        click.echo(note, err=True)
    loaded = load(spec, overrides)
    sheet = out if out is not None else Path(f"{loaded.name}-data.png")
    _check_writable(sheet, "--out", ".png")
    if alike is not None:
        _check_writable(alike, "--alike", ".csv")
    started = time.perf_counter()
    with bar("preparing pictures") as progress:
        sets = _prepare(loaded, progress)
    seconds = time.perf_counter() - started
    _write_sheet([images for _, images in _shown(sets)], sheet)
    if alike is not None:
        _write(alike, lambda: _groups(sets).encode(), "--alike")
    facts = {"name": loaded.name} | _facts(loaded.data, sets.drawings)
    if sets.photos and loaded.photos:
        facts["photos"] = _facts(loaded.photos.at(loaded.data.size), sets.photos)
    if sets.edges:
        facts["edges"] = {"path": str(sets.edges.path), "bytes": sets.edges.path.stat().st_size}
    facts |= {"seconds": round(seconds, 3), "sheet": str(sheet)}
    click.echo(to_json(facts) if as_json else _text(facts, sets))


def _prepare(spec: "Spec", progress: Callable[[int, int], None] | None) -> "TrainingSets":
    """Prepare a spec's pictures, anew where packed pixels are not those that were written."""
    from ganlib.domains.sets import prepare_sets

    def damaged(images: "ImageSet") -> None:
        click.echo(f"warning: {images.path} was damaged; preparing it again", err=True)

    return prepare_sets(spec.data, spec.photos, spec.trains_on_edges, progress=progress, damaged=damaged)


def _shown(sets: "TrainingSets") -> list[tuple[str, "ImageSet"]]:
    """List what there is to look at."""
    return [*sets.sides, *([("edges", sets.edges)] if sets.edges else [])]


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Make a progress bar on stderr that appears with its first call; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = None

        def progress(done: int, total: int) -> None:
            nonlocal task
            if task is None:
                task = shown.add_task("", total=total)
            shown.update(task, completed=done, total=total)

        yield progress


def _check_writable(path: Path, option: str, suffix: str) -> None:
    """Check that the file can be written, before the work and not after it."""
    if path.suffix.lower() != suffix:
        raise RequestError(f"{option}: '{path}' must be the name of a {suffix} file")
    written.check_file(path, option)


def _write(path: Path, data: Callable[[], bytes], option: str) -> None:
    try:
        written.write(path, data())
    except OSError as error:
        raise WorkError(
            f"cannot write '{path}': {error.strerror or error}; give another with {option}"
        ) from error


def _groups(sets: "TrainingSets") -> str:
    """List all groups of alike pictures as CSV: section, group, what the picture is in it, its name."""
    import csv
    from io import StringIO

    from sweep.report.table import csv_cell

    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["section", "group", "is", "picture"])
    for section, images in sets.sides:
        for number, group in enumerate(images.found.alike):
            named = [
                ("kept", group.kept),
                *(("equal", one) for one in group.equal),
                *(("near", one) for one in group.near),
            ]
            rows.writerows([section, number, what, csv_cell(name)] for what, name in named)
    return text.getvalue()


def _write_sheet(sides: list["ImageSet"], path: Path) -> None:
    from ganlib.data import contact_sheet
    from ganlib.data.sheet import beside, png

    _write(path, lambda: png(beside([contact_sheet(images.pictures) for images in sides])), "--out")


def _facts(config: "DataConfig", images: "ImageSet") -> dict[str, Any]:
    from dataclasses import asdict

    from ganlib.data import telling

    return {
        "source": config.source,
        "count": len(images),
        "size": images.size,
        "found": telling.taken(images.found),
        "prepared": dict(images.traits),
        "background": config.background,
        "left_out": [asdict(item) for item in images.found.left_out],
        "channels": config.channels,
        "transparent": images.transparent,
        "resize": config.resize,
        "crop": config.crop,
        "dedupe": config.dedupe,
        "duplicates": len(images.look.left_out),
        "alike": [asdict(group) for group in images.found.alike],
        "alike_complete": images.found.complete,
        "labels": config.labels,
        "classes": dict(images.found.classes),
        "shapes": dict(images.look.inventory.shapes),
        "shorter_side": images.look.inventory.shorter,
        "grey": images.look.inventory.grey,
        "tiny": [dict(zip(("path", "width", "height"), item, strict=True)) for item in images.found.tiny],
        "skipped": [{"path": item.path, "reason": item.reason} for item in images.skipped],
        "hash": images.hash,
        "path": str(images.path),
        "bytes": images.path.stat().st_size,
        "attribution": images.attribution,
    }


def _text(facts: dict[str, Any], sets: "TrainingSets") -> str:
    lines = _side(facts, sets.drawings)
    if sets.photos:
        lines = [
            "# Drawings",
            *lines,
            "",
            "# Photographs",
            *_side(facts["photos"], sets.photos, "photos"),
            "",
        ]
    if edges := facts.get("edges"):
        lines += [f"edges        packed, {edges['bytes'] / 2**20:,.1f} MiB in {edges['path']}"]
    lines += [f"seconds      {facts['seconds']:.1f}", f"sheet        {facts['sheet']}"]
    return "\n".join(lines)


def _side(facts: dict[str, Any], images: "ImageSet", section: str = "data") -> list[str]:
    from ganlib.data import telling

    source = facts["source"] if isinstance(facts["source"], str) else ", ".join(facts["source"])
    skipped = facts["skipped"]
    alpha = f"RGBA, {facts['transparent']:,} with transparent pixels"
    colours = {1: "grey", 3: "RGB", 4: alpha}[facts["channels"]]
    nearest = ", by nearest neighbour" if facts["resize"] == "nearest" else ""
    lines = [
        f"source       {source}",
        f"found        {facts['found']}",
        f"pictures     {facts['count']:,} of {facts['size']} x {facts['size']} pixels, {colours}{nearest}",
        *(f"classes      {line}" for line in telling.classes(images.found)),
        *(f"looks        {line}" for line in telling.shapes(images.look)),
        *(f"prepared     {line}" for line in telling.prepared(images.traits)),
        *(f"tiny         {line}" for line in telling.tiny(images.found)),
        *(f"alike        {line}" for line in telling.duplicates(images.found, facts["dedupe"], section)),
        *(f"left out     {line}" for line in telling.left_out(images.found)),
        f"skipped      {len(skipped):,}",
        *(f"             {item['path']}: {item['reason']}" for item in skipped[:_SHOWN]),
    ]
    if len(skipped) > _SHOWN:
        lines.append(f"             and {len(skipped) - _SHOWN:,} more; --json lists all")
    lines += [
        f"packed       {facts['bytes'] / 2**20:,.1f} MiB in {facts['path']}",
        f"hash         {facts['hash']}",
        *(f"attribution  {line}" for line in (facts["attribution"] or "").splitlines()),
    ]
    return lines
