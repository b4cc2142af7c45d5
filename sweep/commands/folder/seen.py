"""Look at a folder of pictures, as far as choices depend on it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ganlib.config import DataConfig
from ganlib.data import ImageSet, Skipped, prepare
from ganlib.data.decode import Preparation
from ganlib.data.folder import FileChunk, digests
from ganlib.data.listing import File, Listing, in_one_form, scan
from ganlib.data.sources import preparation
from ganlib.data.telling import Found, left_out
from ganlib.data.unusable import some
from ganlib.errors import RequestError
from sweep import formatting

MOST = 4000
"""So many pictures are looked at, drawn at random where there are more."""
FEWEST = 32
"""Fewer pictures, copies not counted, are no set to learn from."""
ALLOWED: float = DataConfig.model_fields["max_skipped"].default
TOO_FEW = f"and a GAN learns from no fewer than {FEWEST} that differ: some hundreds are few, some thousands are good"


@dataclass(frozen=True)
class Seen:
    """What a folder of pictures is like.

    Attributes:
        folder: Its absolute path.
        count: How many picture files there are.
        looked: How many of them were looked at.
        shorter: Least, median and greatest length of their shorter side, in pixels.
        upright: Share of them that is taller than 10 to 9.
        oblong: Share of them that is not about square, upright or lying.
        grey: Share of them without colours.
        transparent: Share of them with transparent pixels.
        alike: Share of them that equals another or nearly so.
        folders: How many of all files lie in each first sub-folder, without those that equal others, which
            `data.dedupe` leaves out; the empty name for those in none.
        unreadable: How many of those that were to be looked at could not be opened.
        max_skipped: Share of the files that may be so.
    """

    folder: str
    count: int
    looked: int
    shorter: tuple[int, int, int]
    upright: float = 0.0
    oblong: float = 0.0
    grey: float = 0.0
    transparent: float = 0.0
    alike: float = 0.0
    folders: Mapping[str, int] | None = None
    unreadable: int = 0
    max_skipped: float = ALLOWED

    @property
    def distinct(self) -> int:
        """About how many pictures there are without those that equal others or cannot be opened."""
        readable = self.count * self.looked / max(1, self.looked + self.unreadable)
        return max(FEWEST, round(readable * (1 - self.alike)))


def look(
    folder: Path,
    size: int,
    say: Callable[[str], None],
    max_skipped: float = ALLOWED,
    labels: str | None = None,
) -> Seen:
    """Look at a folder of pictures; what is prepared for that is used by the sweep if it asks for the same.

    Args:
        folder: Of picture files, at any depth.
        size: At which they are looked at, in pixels.
        say: Told how far it is, now and then, and what cannot be used.
        max_skipped: Share of the files that may be so.
        labels: As in the spec, where the user gives them.

    Raises:
        RequestError: if there are too few pictures, many cannot be opened, or they have no such labels.
    """
    place = folder.expanduser().absolute()
    listing = scan(str(place), "the folder of pictures")
    count = len(listing.files)
    config = DataConfig.model_validate(
        {
            **{"source": str(place), "size": size, "count": MOST if count > MOST else None},
            **{"max_skipped": max_skipped, "labels": labels},
        }
    )
    if count < FEWEST:
        raise RequestError(f"'{folder}' has {_few(listing, preparation(config))}, {TOO_FEW}")
    say(f"looking at {min(count, MOST):,} of {count:,} pictures in {place} ...")
    images = prepare(config, progress=_told(say))
    if images.skipped:
        say(f"skipped {len(images.skipped):,}: {some(images.skipped, 20)}")
    seen = replace(of(place, listing.files, images), max_skipped=max_skipped)
    if round(seen.looked * (1 - seen.alike)) < FEWEST:
        readable = formatting.count(seen.looked if count <= MOST else count, "picture")
        same = f", of which {seen.alike:.0%} equal others or nearly so" if seen.alike else ""
        raise RequestError(f"'{folder}' has {readable}{same}, {TOO_FEW}")
    return seen


def _few(listing: Listing, how: Preparation) -> str:
    """Say what is in a folder that has few pictures, if any: how many can be opened, and what else there is."""
    bad = list(listing.skipped)
    for file in listing.files:
        (picture,) = FileChunk((file.path,), tuple(digests((file.path,)))).pictures(how)
        bad += [Skipped(file.shown, picture)] if isinstance(picture, str) else []
    readable = len(listing.files) + len(listing.skipped) - len(bad)
    told = [f"{len(bad):,}{' more' * bool(readable)} cannot be used: {some(bad, 3)}"] if bad else []
    told += [f"there: {line}" for line in left_out(Found(left_out=listing.left_out))]
    pictures = formatting.count(readable, "picture") if readable else "no pictures"
    return pictures + (f" ({'; '.join(told)})" if told else "" if readable else ": it is empty")


def of(place: Path, files: Sequence[File], images: ImageSet) -> Seen:
    """Sum up what was seen of some pictures of a folder.

    Args:
        place: The folder.
        files: All its picture files.
        images: Those that were looked at.
    """
    inventory, looked = images.look.inventory, max(1, len(images))
    shapes, seen = dict(inventory.shapes), max(1, sum(number for _, number in inventory.shapes))
    upright = ("narrower than 1:2", "1:2 to 2:3", "2:3 to 9:10")
    least, median, greatest = inventory.shorter
    return Seen(
        folder=str(place),
        count=len(files),
        looked=len(images),
        shorter=(least, median, greatest),
        upright=sum(shapes.get(name, 0) for name in upright) / seen,
        oblong=1 - shapes.get("about square", 0) / seen,
        grey=(inventory.grey or 0) / looked,
        transparent=images.traits.get("transparent", 0) / looked,
        alike=sum(len(group) - 1 for group in images.found.alike) / looked,
        folders=_without_copies(place, files, images),
        unreadable=len(images.look.skipped),
    )


def _without_copies(place: Path, files: Sequence[File], images: ImageSet) -> dict[str, int]:
    """Count the files in each first sub-folder that has others than copies, by what was seen of some of them."""
    forms = in_one_form(file.folder for file in files)
    at = {file.shown: forms[file.folder] for file in files}
    names = [name for group in images.found.alike for name in (*group.equal, *group.near)]
    # Nor do files count that cannot be opened; those that are no pictures by their names are not among ``files``.
    names += [skipped.path for skipped in images.skipped]
    copies = Counter(at[name] for name in names if name in at)
    looked: Counter[str] = Counter()
    for name, number in images.found.classes:
        looked[forms.get(name, name)] += number
    folders = Counter(at.values())
    return {
        name: max(1, round(number * (1 - copies[name] / looked[name]))) if name in looked else number
        for name, number in folders.items()
        if copies[name] < looked.get(name, 1)
    }


def _told(say: Callable[[str], None]) -> Callable[[int, int], None]:
    quarters: set[int] = set()

    def progress(done: int, total: int) -> None:
        quarter = 4 * done // max(1, total)
        if quarter not in quarters and total > MOST // 4:
            quarters.add(quarter)
            say(f"  {done:,} of {total:,}")

    return progress
