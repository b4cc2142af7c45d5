"""A driver in the background of this machine: it outlives the terminal and the connection it was started from."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

from ganlib.data.cache import cache_dir
from sweep.storage.folder import Folder
from sweep.storage.layout import DRIVER_LOG, INFO


class Background:
    """A driver as a process of a session of its own.

    Args:
        words: The command, without ``sweep``.
        folder: Of the sweep; the output is written there, or into the cache where the folder is on S3.

    Attributes:
        described: Its process number and host.
        output: The file with all that it says.
    """

    def __init__(self, words: Sequence[str], folder: Folder) -> None:
        local = folder.local()
        log = local / DRIVER_LOG if local is not None else cache_dir() / "drivers" / f"{folder.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        self._folder, self._log, self._from = folder, log, log.stat().st_size if log.exists() else 0
        self._last: str | None = None
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sweep", *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
        self.described, self.output = f"pid {self._process.pid} on {socket.gethostname()}", str(log)

    def ended(self) -> int | None:
        """Give its exit code; None while it runs. What was refused leaves no folder that holds its output alone."""
        code = self._process.poll()
        if code is not None and self._last is None and not self._folder.exists(INFO):
            self._last = self.said()
            self._log.unlink(missing_ok=True)
            with suppress(OSError):  # unless it is empty
                self._log.parent.rmdir()
        return code

    def said(self) -> str:
        """Read all that it has said so far."""
        if self._last is not None:
            return self._last
        with self._log.open("rb") as file:
            file.seek(self._from)
            return file.read().decode(errors="replace")
