"""What goes into a set: faces to be drawn, or a folder of files. Both look alike to `ganlib.data.prepare`."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ganlib.config import DataConfig
from ganlib.data.avatars import AvatarChunk, attribution, check_style, recipe
from ganlib.data.folder import File, FileChunk, Skipped, printable, scan

AVATARS = "avatars"
"""The source that is not a folder; a folder of this name is written ``./avatars``."""

_CHUNK = 32  # pictures in one task: enough to hide what handing it over costs, few enough to share evenly


@dataclass(frozen=True)
class Source:
    """A sequence of inputs: either ``files``, or the faces that ``avatars`` covers.

    Attributes:
        name: As it stands in the configuration.
        recipe: What the pixels depend on, beside the preprocessing and the content of files.
        files: The picture files in order.
        avatars: All faces, as one chunk.
        skipped: What was left out when the files were listed.
        others: Which files were not taken for pictures, for an error text.
        attribution: Who made the pictures, where that is known.
    """

    name: str
    recipe: str
    files: tuple[File, ...] = ()
    avatars: AvatarChunk | None = None
    skipped: tuple[Skipped, ...] = ()
    others: str = ""
    attribution: str | None = None

    def __len__(self) -> int:
        return len(self.files) if self.avatars is None else len(self.avatars)

    def listing(self) -> str:
        """A text that differs whenever the inputs may differ; found without reading the files."""
        digest = hashlib.sha256(self.recipe.encode())
        if self.files:  # a relative path is another folder elsewhere
            digest.update(os.fsencode(os.path.abspath(self.files[0].path)))
        for file in self.files:
            digest.update(b"\0%s\0%d %d %d" % (file.relative, *file.state))
        return digest.hexdigest()

    def chunks(self, digests: Sequence[bytes | str]) -> Iterator[AvatarChunk | FileChunk]:
        """Every input in order, in pieces for the workers; ``digests`` belongs to ``files``."""
        for start in range(0, len(self), _CHUNK):
            stop = min(start + _CHUNK, len(self))
            if self.avatars is not None:
                yield AvatarChunk(self.avatars.style, self.avatars.seed, start, stop)
            else:
                paths = tuple(file.path for file in self.files[start:stop])
                yield FileChunk(paths, tuple(digests[start:stop]))


def open_source(name: str, config: DataConfig) -> Source:
    """List what a source holds.

    Raises:
        RequestError: when there is no such folder or avatar style.
    """
    if name == AVATARS:
        style = check_style(config.style)
        return Source(
            name,
            json.dumps([AVATARS, config.seed, config.count, recipe(style)]),
            avatars=AvatarChunk(style, config.seed, 0, config.count),
            attribution=attribution(style),
        )
    found = scan(name)
    others = ", ".join(f"{count} {suffix}" for suffix, count in found.others.most_common(5))
    return Source(printable(name), "files", found.files, skipped=found.skipped, others=others)
