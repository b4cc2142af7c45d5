"""Serve the report on this machine's own address, made anew as results land (``sweep report --serve``).

It gives out the report's own files by their names, and nothing else.
"""

import hashlib
import threading
from collections.abc import Sequence
from http import HTTPStatus
from typing import Self

from ganlib.errors import WorkError
from sweep.local_server import HTML, TEXT, Answer, Asked, LocalServer, refusal
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.report.build import BESIDE, make
from sweep.storage import layout, lease

PAUSE_SECONDS = 2.0
"""Between two looks at the results; looking and making the page take what they take."""
_TYPES = {
    "html": HTML,
    "png": "image/png",
    "csv": "text/csv; charset=utf-8",
    "tex": TEXT,
    "md": TEXT,
}


class Server(LocalServer):
    """Serves the report of some sweeps until it is closed.

    Args:
        sweeps: What to report on.
        port: 0 for any that is free.
        full: Embed every picture in full size.

    Raises:
        RequestError: if the port is taken.
        WorkError: if the results cannot be read.
    """

    def __init__(self, sweeps: Sequence[Sweep], port: int = 0, full: bool = False) -> None:
        super().__init__(port)
        self.sweeps, self._full = sweeps, full
        self._ending = threading.Event()
        self.files: dict[str, bytes] = {}
        self.state = ""

    def __enter__(self) -> Self:
        try:
            self.look()
        except BaseException:
            self._http.server_close()
            raise
        return super().__enter__()

    def look(self) -> bool:
        """Make the report anew if the results have changed.

        Returns:
            Whether they have.

        Raises:
            WorkError: if the results cannot be read.
        """
        self.sweeps = [sweep.again() for sweep in self.sweeps]
        state = fingerprint(self.sweeps)
        if state == self.state:
            return False
        self.files = make(self.sweeps, self._full, live=state)
        self.state = state
        return True

    def run(self) -> None:
        """Look for new results until Ctrl-C; a moment in which they cannot be read passes."""
        try:
            while not self._ending.wait(PAUSE_SECONDS):
                try:
                    self.look()
                except WorkError:
                    continue
        except KeyboardInterrupt:
            return

    def answer(self, asked: Asked) -> Answer:
        """Give out the state of the results, or one of the report's files."""
        name = asked.name or layout.REPORT
        if name == "state":
            return Answer(self.state.encode())
        if name in (layout.REPORT, *BESIDE) and name in self.files:
            return Answer(self.files[name], _TYPES[name.rpartition(".")[2]])
        return refusal("There is nothing here but the report.", HTTPStatus.NOT_FOUND)

    def close(self) -> None:
        """Stop serving."""
        self._ending.set()
        super().close()


def fingerprint(sweeps: Sequence[Sweep]) -> str:
    """Digest facts, results, judgements and notes: it changes with each, and when a trial or a driver starts or ends.

    So it does with runs that confirm a trial or train it on.

    Raises:
        WorkError: if the trials cannot be read.
    """
    digest = hashlib.sha256()
    for sweep in sweeps:
        digest.update(repr((sweep.info, sweep.note, lease.living(sweep.folder) is not None)).encode())
        for folder in (sweep.folder, sweep.folder / layout.CONFIRMATION, sweep.folder / layout.CONTINUED):
            rows = Store(folder).table(
                "trials", ["status", "attempt", "kimg", "best_value", "result", "verdict"]
            )
            digest.update(repr((sweep.name, rows.to_pylist())).encode())
        for who in sweep.folder.names(layout.JUDGEMENTS):
            digest.update(repr((who, sweep.folder.stamps(layout.judgements(who)))).encode())
    return digest.hexdigest()[:16]
