"""List the inputs of a set that give no picture, and refuse too many of them."""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from ganlib.config import DataConfig
from ganlib.data.listing import Skipped
from ganlib.errors import RequestError

if TYPE_CHECKING:
    from ganlib.data.sources import Source

_INLINE = 5


def unusable(sources: "Sequence[Source]", undecodable: Iterable[tuple[int, str]]) -> tuple[Skipped, ...]:
    """List what is not in the set, by name: files that could not be opened, then those that could not be decoded."""
    missing = dict(undecodable)
    skipped = [item for source in sources for item in source.skipped]
    first = 0
    for source in sources:
        here = range(first, first + len(source))
        files = ((source.files[index - first], missing[index]) for index in missing if index in here)
        skipped += (Skipped(file.shown, reason) for file, reason in files)
        first = here.stop
    return tuple(skipped)


def check_share(
    sources: "Sequence[Source]", undecodable: Collection[tuple[int, str]], config: DataConfig
) -> None:
    """Refuse more unusable files than ``config.max_skipped`` allows.

    What cannot be used by its name is known of all files there are, what cannot be decoded only of those that were
    drawn: it is taken for as large a share of the others.

    Raises:
        RequestError: which names them.
    """
    named = sum(len(source.skipped) for source in sources)
    drawn, listed = sum(map(len, sources)), sum(source.listed for source in sources)
    total = listed + named
    bad = named + len(undecodable) * listed / max(1, drawn)
    section, most = config.section, config.max_skipped
    if bad <= most * total:
        return
    told = f"{named + len(undecodable):,} of {total:,} files"
    if undecodable and drawn < listed:
        told = f"{len(undecodable):,} of {drawn:,} files that were drawn"
        told += (
            f", and by {'its name' if named == 1 else 'their names'} {named:,} of all {total:,},"
            if named
            else ""
        )
    enough = math.ceil(20 * bad / total) / 20
    raise RequestError(
        f"{section}: {told} cannot be used ({_above(bad / total, most)}; {section}.max_skipped allows "
        f"{100 * most:.10g}%). Repair or remove them, or allow more (--set {section}.max_skipped={enough:g}): "
        f"{some(unusable(sources, undecodable))}"
    )


def some(skipped: Sequence[Skipped], most: int = 50) -> str:
    """List files and reasons for an error text, a line each if there are more than a few."""
    shown = [f"{item.path} ({item.reason})" for item in skipped[:most]]
    if len(skipped) > most:
        shown.append(f"and {len(skipped) - most:,} more ('sweep data --json' lists all)")
    return ", ".join(shown) if len(shown) <= _INLINE else "\n  " + "\n  ".join(shown)


def _above(share: float, most: float) -> str:
    """Write a share in per cent, with so many digits that it is seen to be more than another."""
    texts = (f"{100 * share:.{digits}f}" for digits in range(10))
    return next((text for text in texts if float(text) > 100 * most), f"{100 * share}") + "%"
