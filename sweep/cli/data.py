"""``sweep data``: prepare the pictures of a spec and describe them, without training."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganlib import written
from ganlib.errors import RequestError, WorkError
from sweep.cli.run import SpecCommand

if TYPE_CHECKING:
    from ganlib.config import DataConfig
    from ganlib.data import ImageSet

_SHOWN = 20  # skipped files that are listed for a person; --json lists all


@click.command("data", cls=SpecCommand)
@click.argument("spec", type=click.Path(path_type=Path))
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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(spec: Path, out: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Prepare the pictures of SPEC and describe them; trains nothing.

    Draws or decodes what is not in the cache yet, prints how many pictures there are and what was skipped,
    and writes a contact sheet of 64 of them.
    """
    from sweep.records.schemas import to_json
    from sweep.spec.specification import load

    loaded = load(spec, overrides)
    sheet = out if out is not None else Path(f"{loaded.name}-data.png")
    _check_writable(sheet)
    started = time.perf_counter()
    with _bar() as progress:
        images = _prepare(loaded.data, progress)
    seconds = time.perf_counter() - started
    _write_sheet(images, sheet)
    facts = _facts(loaded.name, loaded.data, images, sheet, seconds)
    click.echo(to_json(facts) if as_json else _text(facts, images))


def _prepare(config: "DataConfig", progress: Callable[[int, int], None] | None) -> "ImageSet":
    """Prepare a set, anew if its packed pixels are not those that were written."""
    from ganlib.data import drop, prepare, verify

    images = prepare(config, progress=progress)
    if not verify(images):
        click.echo(f"warning: {images.path} was damaged; preparing it again", err=True)
        drop(images)
        images = prepare(config, progress=progress)
    return images


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None] | None]:
    """Make a progress bar on stderr that appears with its first call; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("preparing pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = None

        def progress(done: int, total: int) -> None:
            nonlocal task
            if task is None:
                task = bar.add_task("", total=total)
            bar.update(task, completed=done, total=total)

        yield progress


def _check_writable(sheet: Path) -> None:
    """Check that the file can be written, before the work and not after it."""
    if sheet.is_dir() or sheet.suffix.lower() != ".png":
        raise RequestError(f"--out: '{sheet}' must be the name of a .png file")
    if not sheet.parent.is_dir():
        raise RequestError(f"--out: there is no folder '{sheet.parent}'")
    written.check([sheet])


def _write_sheet(images: "ImageSet", path: Path) -> None:
    from ganlib.data import contact_sheet

    try:
        buffer = BytesIO()
        contact_sheet(images.pictures).save(buffer, "PNG")
        written.write(path, buffer.getvalue())
    except OSError as error:
        raise WorkError(
            f"cannot write the contact sheet '{path}': {error.strerror or error}; give another with --out"
        ) from error


def _facts(
    name: str, config: "DataConfig", images: "ImageSet", sheet: Path, seconds: float
) -> dict[str, Any]:
    from dataclasses import asdict

    from ganlib.data import telling

    return {
        "name": name,
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
        "skipped": [{"path": item.path, "reason": item.reason} for item in images.skipped],
        "hash": images.hash,
        "path": str(images.path),
        "bytes": images.path.stat().st_size,
        "attribution": images.attribution,
        "seconds": round(seconds, 3),
        "sheet": str(sheet),
    }


def _text(facts: dict[str, Any], images: "ImageSet") -> str:
    from ganlib.data import telling

    source = facts["source"] if isinstance(facts["source"], str) else ", ".join(facts["source"])
    skipped = facts["skipped"]
    colours = "RGB" if facts["channels"] == 3 else f"RGBA, {facts['transparent']:,} with transparent pixels"
    nearest = ", by nearest neighbour" if facts["resize"] == "nearest" else ""
    lines = [
        f"source       {source}",
        f"found        {facts['found']}",
        f"pictures     {facts['count']:,} of {facts['size']} x {facts['size']} pixels, {colours}{nearest}",
        *(f"prepared     {line}" for line in telling.prepared(images.traits)),
        *(f"left out     {line}" for line in telling.left_out(images.found)),
        f"skipped      {len(skipped):,}",
        *(f"             {item['path']}: {item['reason']}" for item in skipped[:_SHOWN]),
    ]
    if len(skipped) > _SHOWN:
        lines.append(f"             and {len(skipped) - _SHOWN:,} more; --json lists all")
    lines += [
        f"packed       {facts['bytes'] / 2**20:,.1f} MiB in {facts['path']}",
        f"hash         {facts['hash']}",
        f"seconds      {facts['seconds']:.1f}",
        f"sheet        {facts['sheet']}",
    ]
    lines += [f"attribution  {line}" for line in (facts["attribution"] or "").splitlines()]
    return "\n".join(lines)
