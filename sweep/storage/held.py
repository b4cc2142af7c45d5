"""A folder that is written to only while a condition holds, such as that its owner's lease does."""

from collections.abc import Callable
from pathlib import Path

from sweep.storage.folder import Folder, Stamp


class HeldFolder(Folder):
    """Another folder, whose files are changed only if ``check`` does not raise.

    Args:
        folder: The other folder.
        check: Called before every change.
    """

    def __init__(self, folder: Folder, check: Callable[[], None]) -> None:
        self.url, self._folder, self._check = folder.url, folder, check

    def __str__(self) -> str:
        return str(self._folder)

    def child(self, name: str) -> "HeldFolder":  # noqa: D102 - documented on Folder
        return HeldFolder(self._folder.child(name), self._check)

    def read(self, path: str) -> bytes:  # noqa: D102
        return self._folder.read(path)

    def write(self, path: str, data: bytes) -> None:  # noqa: D102
        self._check()
        self._folder.write(path, data)

    def create_exclusive(self, path: str, data: bytes) -> bool:  # noqa: D102
        self._check()
        return self._folder.create_exclusive(path, data)

    def exists(self, path: str = "") -> bool:  # noqa: D102
        return self._folder.exists(path)

    def names(self, path: str = "") -> list[str]:  # noqa: D102
        return self._folder.names(path)

    def stamps(self, path: str = "") -> dict[str, Stamp]:  # noqa: D102
        return self._folder.stamps(path)

    def rename(self, path: str, new: str) -> None:  # noqa: D102
        self._check()
        self._folder.rename(path, new)

    def delete(self, path: str) -> None:  # noqa: D102
        self._check()
        self._folder.delete(path)

    def sizes(self) -> dict[str, int]:  # noqa: D102
        return self._folder.sizes()

    def local(self, path: str = "") -> Path | None:  # noqa: D102
        return self._folder.local(path)
