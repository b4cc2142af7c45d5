"""Serve the report on this machine's own address, made anew as results land (``sweep report --serve``).

`sweep.report.local_server` says to whom. It gives out the report's own files by their names, and nothing else.
"""

import hashlib
import threading
from collections.abc import Sequence
from http import HTTPStatus
from types import TracebackType

from ganlib.errors import WorkError
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.report.build import BESIDE, make
from sweep.report.local_server import HTML, Answer, LocalServer
from sweep.storage import layout

PAUSE_SECONDS = 2.0
"""Between two looks at the results; looking and making the page take what they take."""
_TYPES = {"html": HTML, "png": "image/png", "csv": "text/csv; charset=utf-8"}


class Server:
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
        self.sweeps, self._full = sweeps, full
        self._http = LocalServer(port, self._find)
        self._ending = threading.Event()
        self.files: dict[str, bytes] = {}
        self.state = ""
        self.url = self._http.url

    def __enter__(self) -> "Server":
        try:
            self.look()
        except BaseException:
            self._http.server_close()
            raise
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def look(self) -> bool:
        """Make the report anew if the results have changed.

        Returns:
            Whether they have.

        Raises:
            WorkError: if the results cannot be read.
        """
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

    def close(self) -> None:
        """Stop serving."""
        self._ending.set()
        self._http.shutdown()
        self._http.server_close()

    def _find(self, name: str) -> Answer:
        name = name or layout.REPORT
        if name == "state":
            return Answer(self.state.encode())
        if name in (layout.REPORT, *BESIDE) and name in self.files:
            return Answer(self.files[name], _TYPES[name.rpartition(".")[2]])
        return Answer(b"There is nothing here but the report.\n", status=HTTPStatus.NOT_FOUND)


def fingerprint(sweeps: Sequence[Sweep]) -> str:
    """Digest results, judgements and notes; whenever one comes, or a trial or a run that confirms one starts or ends, it
    changes.

    Raises:
        WorkError: if the trials cannot be read.
    """
    digest = hashlib.sha256()
    for sweep in sweeps:
        digest.update(repr(sweep.note).encode())
        for folder in (sweep.folder, sweep.folder / layout.CONFIRMATION):
            rows = Store(folder).table(
                "trials", ["status", "attempt", "kimg", "best_value", "result", "verdict"]
            )
            digest.update(repr((sweep.name, rows.to_pylist())).encode())
        for who in sweep.folder.names(layout.JUDGEMENTS):
            digest.update(repr((who, sweep.folder.stamps(layout.judgements(who)))).encode())
    return digest.hexdigest()[:16]
