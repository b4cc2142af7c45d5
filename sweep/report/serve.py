"""Serve the report on this machine's own address, made anew as results land (``sweep report --serve``).

The server listens on 127.0.0.1 and answers only requests that name this address, so that no page from elsewhere can
read the report by way of a name that points here. It gives out the report's own files by their names, and nothing else.
"""

import hashlib
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from ganlib.errors import RequestError, WorkError
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.report.build import BESIDE, make
from sweep.storage import layout

HOST = "127.0.0.1"
PAUSE_SECONDS = 2.0
"""Between two looks at the results; looking and making the page take what they take."""
_TYPES = {"html": "text/html; charset=utf-8", "png": "image/png", "csv": "text/csv; charset=utf-8"}


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
        try:
            self._http = ThreadingHTTPServer((HOST, port), _handler(self))
        except OSError as error:
            raise RequestError(
                f"port {port} of {HOST} cannot be used: {error.strerror or error}; choose another with --port"
            ) from error
        self._ending = threading.Event()
        self.files: dict[str, bytes] = {}
        self.state = ""
        self.url = f"http://{HOST}:{self._http.server_port}/"
        self.hosts = {f"{name}:{self._http.server_port}" for name in (HOST, "localhost")}

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


def fingerprint(sweeps: Sequence[Sweep]) -> str:
    """Digest results and notes; whenever a trial, or a run that confirms one, starts, is measured or ends, it changes.

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
    return digest.hexdigest()[:16]


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    """Make the class that answers requests to a server."""

    class Handler(BaseHTTPRequestHandler):
        """Answers GET and HEAD."""

        def do_GET(self) -> None:
            self._answer(*self._find())

        def do_HEAD(self) -> None:
            self._answer(*self._find(), body=False)

        def _find(self) -> tuple[HTTPStatus, str, bytes]:
            name = self.path.partition("?")[0].removeprefix("/") or layout.REPORT
            if self.headers.get("Host") not in server.hosts:
                return HTTPStatus.FORBIDDEN, "text/plain", b"This server answers to its own address only.\n"
            if name == "state":
                return HTTPStatus.OK, "text/plain", server.state.encode()
            if name in (layout.REPORT, *BESIDE) and name in server.files:
                return HTTPStatus.OK, _TYPES[name.rpartition(".")[2]], server.files[name]
            return HTTPStatus.NOT_FOUND, "text/plain", b"There is nothing here but the report.\n"

        def _answer(self, status: HTTPStatus, kind: str, data: bytes, body: bool = True) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: the terminal is for the address and for errors."""

    return Handler
