"""Open the sources of a set, faces to be drawn or folders of files, which look alike to `ganlib.data.prepare`."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ganlib.config import AVATAR_COUNT, AVATARS, DataConfig
from ganlib.data.alpha import GREY
from ganlib.data.avatars import AvatarChunk, attribution, check_style, recipe
from ganlib.data.buckets.bucket import Bucket, is_bucket
from ganlib.data.decode import Preparation, colour
from ganlib.data.folder import FileChunk
from ganlib.data.formats import NAMES
from ganlib.data.labels.sources import labelled
from ganlib.data.listing import DRAWN, OTHER, File, LeftOut, Skipped, printable, scan
from ganlib.data.look import faces
from ganlib.data.unusable import some
from ganlib.errors import RequestError

_CHUNK = 32  # pictures in one task: enough to hide what handing it over costs, few enough to share evenly

LEAST = 2
"""Pictures of a set, at least."""


@dataclass(frozen=True)
class Source:
    """A sequence of inputs: either ``files``, or the faces that ``avatars`` covers.

    Attributes:
        name: As it stands in the configuration.
        recipe: What the pixels depend on, beside the preprocessing and the content of files.
        files: The picture files in order.
        avatars: All faces, as one chunk.
        skipped: What was left out when the files were listed.
        left_out: What else there is, and why it does not belong to the set.
        attribution: Who made the pictures, where that is known.
        section: The section of the spec that names it, for error texts.
        bucket: Where the files come from, which are fetched when they are wanted; None where they are on a disk.
    """

    name: str
    recipe: str
    files: tuple[File, ...] = ()
    avatars: AvatarChunk | None = None
    skipped: tuple[Skipped, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    attribution: str | None = None
    section: str = "data"
    bucket: Bucket | None = None

    def __len__(self) -> int:
        return len(self.files) if self.avatars is None else len(self.avatars)

    @property
    def listed(self) -> int:
        """Count the inputs that there were before some of them were drawn."""
        return len(self) + sum(item.count for item in self.left_out if item.reason == DRAWN)

    def name_of(self, index: int) -> str:
        """Name one of the inputs, counted from 0, for people."""
        return f"avatar {index}" if self.avatars is not None else self.files[index].shown

    @property
    def labels(self) -> list[str]:
        """List the class of each input by name; of avatars the style."""
        if self.avatars is not None:
            return [self.avatars.style] * len(self)
        return [file.label for file in self.files]

    def listing(self) -> str:
        """Make a text that differs whenever the inputs may differ, without reading the files."""
        digest = hashlib.sha256(self.recipe.encode())
        if self.files:  # a relative path is another folder elsewhere
            digest.update(os.fsencode(os.path.abspath(self.files[0].path)))
        for file in self.files:
            digest.update(b"\0%s\0%d %d %d" % (file.relative, *file.state))
        return digest.hexdigest()

    def chunks(self, digests: Sequence[bytes | str]) -> Iterator[AvatarChunk | FileChunk]:
        """Yield every input in order, in pieces for the workers; ``digests`` belongs to ``files``."""
        for start in range(0, len(self), _CHUNK):
            stop = min(start + _CHUNK, len(self))
            if self.avatars is not None:
                yield AvatarChunk(self.avatars.style, self.avatars.seed, start, stop)
            else:
                paths = tuple(file.path for file in self.files[start:stop])
                yield FileChunk(paths, tuple(digests[start:stop]))


def preparation(config: DataConfig) -> Preparation:
    """Read how a data section wants its pictures prepared.

    Raises:
        RequestError: when its background is no colour, or it wants faces and none can be looked for.
    """
    if config.crop == "faces":
        faces.check(config.section)
    return Preparation(
        config.size,
        colour(config.background, config.section),
        nearest=config.resize == "nearest",
        crop=config.crop,
        grey=config.channels == GREY,
    )


def open_sources(config: DataConfig, cache: Path | None = None) -> list[Source]:
    """List what all sources hold; of folders, as many files as ``config.count`` asks for.

    Args:
        config: The section.
        cache: Where objects of buckets are kept; `ganlib.data.cache_dir` by default.

    Raises:
        WorkError: when a bucket cannot be listed.
        RequestError: when one of them does not exist or holds no pictures, or there are too few; all that is wrong is
            told at once.
    """
    names = config.sources
    if not names:
        raise RequestError(
            f"{config.section}.source: no pictures in an empty list; give folders of pictures, or 'avatars'"
        )
    sources, problems = [], []
    for name in names:
        try:
            opened = _open(name, config, cache)
        except RequestError as error:
            problems.append(str(error))
            continue
        problems += [no_pictures(source) for source in opened if not source]
        sources += opened
    if problems:
        raise RequestError("\n".join(problems))
    if config.labels is not None:
        sources = labelled(sources, config)
    return sources if config.count is None or AVATARS in names else _drawn(sources, config.count, config.seed)


def no_pictures(source: Source, skipped: Sequence[Skipped] = ()) -> str:
    """Say that a source is of no use, and what there is in it."""
    others = Counter(
        {item.suffix or "without suffix": item.count for item in source.left_out if item.reason == OTHER}
    )
    rest = [f"{item.count} {item.suffix} {item.reason}" for item in source.left_out if item.reason != OTHER]
    told = [f"{count} {suffix}" for suffix, count in others.most_common(5)] + rest
    skipped = skipped or source.skipped
    return (
        f"{source.section}.source: no pictures in '{source.name}' ({NAMES}, at any depth"
        + (f"; other files there: {', '.join(told)}" if told else "")
        + (f"; unusable: {some(skipped)}" if skipped else "")
        + ")"
    )


def check_count(count: int, config: DataConfig) -> None:
    """Refuse fewer than `LEAST` pictures.

    Raises:
        RequestError: which names where they are from, and how many there are.
    """
    if count >= LEAST:
        return
    told = ", ".join(f"'{name}'" for name in config.sources)
    limit = f", of which {config.section}.count is {config.count}" if config.count == count else ""
    raise RequestError(
        f"{config.section}.source: {count} picture{'s' * (count != 1)} in {told}{limit}; at least {LEAST} are needed, "
        "because pictures are compared with each other, and thousands are good"
    )


def _open(name: str, config: DataConfig, cache: Path | None) -> list[Source]:
    """Open one name of a section: a folder, a bucket, or the avatars, a source for each of their styles."""
    if name == AVATARS:
        styles = config.styles
        if not styles:
            raise RequestError(f"{config.section}.style: an empty list; name at least one style of avatars")
        if config.count is not None and config.count < len(styles):
            raise RequestError(
                f"{config.section}.count is {config.count}, and {config.section}.style names {len(styles)} styles: "
                f"give a count of at least {len(styles)}, or fewer styles"
            )
        return [
            _avatars(check_style(style, config.section), count, config)
            for style, count in zip(styles, _shared(config.count or AVATAR_COUNT, len(styles)), strict=True)
        ]
    key = f"{config.section}.source"
    bucket = Bucket.open(name, key, cache) if is_bucket(name, key) else None
    found = scan(name, key) if bucket is None else bucket.scan()
    return [
        Source(
            printable(name) if bucket is None else bucket.shown,
            "files",
            found.files,
            skipped=found.skipped,
            left_out=found.left_out,
            section=config.section,
            bucket=bucket,
        )
    ]


def _avatars(style: str, count: int, config: DataConfig) -> Source:
    return Source(
        AVATARS,
        json.dumps([AVATARS, config.seed, count, recipe(style)]),
        avatars=AvatarChunk(style, config.seed, 0, count),
        attribution=attribution(style),
        section=config.section,
    )


def _shared(count: int, parts: int) -> list[int]:
    """Share a number of pictures among parts as evenly as can be, the first ones getting more."""
    return [count // parts + (part < count % parts) for part in range(parts)]


def _drawn(sources: Sequence[Source], count: int, seed: int) -> list[Source]:
    """Draw ``count`` files by a number that each has from the seed and its name, so that fewer are among more."""
    total = sum(map(len, sources))
    if count > total:
        section = sources[0].section
        raise RequestError(
            f"{section}.count is {count:,}, but there are only {total:,} pictures in"
            f" {', '.join(repr(source.name) for source in sources)}: lower it, or take all of them "
            f"({section}.count: null)"
        )

    def rank(input: tuple[int, File]) -> bytes:
        return hashlib.sha256(b"%d %d %s" % (seed, input[0], input[1].relative)).digest()

    inputs = [(index, file) for index, source in enumerate(sources) for file in source.files]
    chosen = set(sorted(inputs, key=rank)[:count])
    drawn = []
    for index, source in enumerate(sources):
        left = [file for file in source.files if (index, file) not in chosen]
        suffixes = Counter(file.suffix for file in left)
        examples = {file.suffix: file.shown for file in reversed(left)}
        told = (LeftOut(DRAWN, key, n, examples[key]) for key, n in sorted(suffixes.items()))
        files = tuple(file for file in source.files if (index, file) in chosen)
        drawn.append(replace(source, files=files, left_out=(*source.left_out, *told)))
    return drawn
