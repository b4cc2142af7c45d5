"""Tell how far the preparation of pictures has come."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Is called with (done, total), in pictures."""


class PictureProgress:
    """The progress of a set in the making, in pictures: reading a file is half its work, decoding the other half.

    Args:
        progress: Called with (done, total); None tells nobody.
        total: How many pictures are made.
        files: How many of them are files, which are read first.
    """

    def __init__(self, progress: Progress | None, total: int, files: int) -> None:
        self._progress, self._total, self._files = progress, total, files
        self._read = self._made = 0
        self._tell(0)

    def files_read(self, count: int) -> None:
        """Count files that were read."""
        self._read += count
        self._tell(self._read // 2)

    def made(self, count: int) -> None:
        """Count pictures that were made."""
        self._made += count
        half = self._files // 2
        self._tell(half + self._made * (self._total - half) // self._total)

    def finished(self) -> None:
        """Tell that all is done, where less had to be made."""
        if self._made < self._total:
            self._tell(self._total)

    def _tell(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done, self._total)
