"""A folder on a local or shared disk."""

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ganlib.disk import passing, sync_folder, write_new, write_whole
from sweep.storage.folder import TEMPORARY, Folder, Stamp, explained, relative_parts

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""What says that nothing is there: also below a file, such as `.DS_Store`, and of a name that nothing can have."""


class LocalFolder(Folder):
    """A folder on a local or shared disk."""

    def __init__(self, path: Path) -> None:
        self._root = Path(os.path.abspath(path.expanduser()))
        self.url = str(self._root)

    def _at(self, path: str) -> Path:
        return self._root.joinpath(*relative_parts(path))

    def child(self, name: str) -> "LocalFolder":  # noqa: D102 - documented on Folder
        return LocalFolder(self._at(name))

    def local(self, path: str = "") -> Path:  # noqa: D102
        return self._at(path)

    def read(self, path: str) -> bytes:  # noqa: D102
        target = self._at(path)
        with explained("read", str(target)):
            try:
                return target.read_bytes()
            except OSError as error:
                if error.errno != errno.ESTALE:
                    raise
                return target.read_bytes()  # NFS: replaced by another machine since it was opened

    def write(self, path: str, data: bytes) -> None:  # noqa: D102
        target = os.path.join(self.url, *relative_parts(path))  # as `_at`, at a tenth of its time
        with explained("write", target):
            try:
                write_whole(target, data, TEMPORARY)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                write_whole(target, data, TEMPORARY)

    def create_exclusive(self, path: str, data: bytes) -> bool:  # noqa: D102
        target = self._at(path)
        with explained("create", str(target)), _made(target, data) as temporary:
            try:
                os.link(temporary, target)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                    raise
                return _create_without_links(target, data)
            sync_folder(target.parent)
        return True

    def exists(self, path: str = "") -> bool:  # noqa: D102
        target = os.path.join(self.url, *relative_parts(path))
        there = False
        with explained("look for", target), _if_there():
            os.stat(target)
            there = True
        return there

    def names(self, path: str = "") -> list[str]:  # noqa: D102
        target, found = self._at(path), list[str]()
        with explained("list", str(target)), _if_there():
            found = os.listdir(target)
        return sorted(name for name in found if not name.endswith(TEMPORARY))

    def stamps(self, path: str = "") -> dict[str, Stamp]:  # noqa: D102
        target, found = self._at(path), {}
        with explained("look into", str(target)):
            for entry in _entries(target):
                try:
                    status = entry.stat()
                except FileNotFoundError:  # deleted since
                    continue
                found[entry.name] = Stamp(status.st_mtime_ns, status.st_size)
        return {name: found[name] for name in sorted(found) if not name.endswith(TEMPORARY)}

    def rename(self, path: str, new: str) -> None:  # noqa: D102
        source, target = self._at(path), self._at(new)
        with explained("rename", str(source)):
            os.replace(source, target)
            sync_folder(target.parent)

    def delete(self, path: str) -> None:  # noqa: D102
        target = self._at(path)
        with explained("delete", str(target)), contextlib.suppress(FileNotFoundError):
            if target.is_dir() and not target.is_symlink():
                _remove_tree(target)
            else:
                target.unlink()

    def sizes(self) -> dict[str, int]:  # noqa: D102
        return {entry.name: _bytes(entry) for entry in _entries(self._root)}


def _entries(place: Path | str) -> list["os.DirEntry[str]"]:
    """List a folder, and nothing for one that is deleted: a running sweep replaces files as we look."""
    found: list[os.DirEntry[str]] = []
    with _if_there(), os.scandir(place) as entries:
        found = list(entries)
    return found


def _remove_tree(target: Path) -> None:
    """Delete a folder and all below it; of what somebody else deletes meanwhile, nothing is said."""
    if sys.version_info >= (3, 12):
        shutil.rmtree(target, onexc=_pass_over_absent)
    else:
        shutil.rmtree(target, onerror=lambda function, path, told: _pass_over_absent(function, path, told[1]))


def _pass_over_absent(function: Any, path: str, error: BaseException) -> None:  # noqa: ANN401 - as `shutil` calls it
    """Go on with the other entries where one is not there any more; `shutil.rmtree` would end at it before 3.13."""
    if not isinstance(error, FileNotFoundError):
        raise error


@contextlib.contextmanager
def _if_there() -> Iterator[None]:
    """Leave off where nothing is there."""
    try:
        yield
    except OSError as error:
        if error.errno not in _ABSENT:
            raise


def _bytes(entry: "os.DirEntry[str]") -> int:
    """Add up the bytes of a file, or of all files below a folder."""
    if entry.is_dir(follow_symlinks=False):
        return sum(map(_bytes, _entries(entry.path)))
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def _made(target: Path, data: bytes) -> Iterator[Path]:
    """Yield the `passing` name of a file that is on the device, beside where it belongs."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with passing(target, TEMPORARY) as temporary:
        write_new(temporary, data)
        yield temporary


def _create_without_links(target: Path, data: bytes) -> bool:
    """Create a file on file systems without hard links; only its existence is atomic, its content is not."""
    try:
        write_new(target, data)
    except FileExistsError:
        return False
    return True
