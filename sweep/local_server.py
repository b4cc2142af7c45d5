"""Serve pages on this machine's own address: what a served report and the page of a generator have in common.

A server listens on 127.0.0.1 and answers only requests that name this machine, so that no page from elsewhere can
read it by way of a name that points here (DNS rebinding), and only those that come from its own pages, or that a person
typed or followed. The port in a request may be another one: ``ssh -L`` gives it one.
"""

import select
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from ganlib.errors import RequestError
from sweep.formatting import size

HOST = "127.0.0.1"
NAMES = (HOST, "localhost", "::1")
"""Names of this machine that a request may use."""
TEXT = "text/plain; charset=utf-8"
HTML, JSON = "text/html; charset=utf-8", "application/json"
IN_NO_FRAME = {"Content-Security-Policy": "frame-ancestors 'none'"}
"""No other page can show one of ours in a frame."""
PATIENCE_SECONDS = 60.0
"""How long a connection may say nothing while a request is expected."""


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        name: The path without its first ``/`` and without the query.
        query: What follows the ``?``.
        body: What was sent with it; empty for most.
        kind: The media type of what was sent; empty where nothing was.
        gone: Tells whether the one who asked does not wait for the answer any more.
    """

    name: str
    query: str = ""
    body: bytes = b""
    kind: str = ""
    gone: Callable[[], bool] = field(default=lambda: False)


@dataclass(frozen=True)
class Answer:
    """What is answered.

    Attributes:
        data: The content.
        kind: Its media type.
        status: Whether it went well.
        headers: Further ones.
    """

    data: bytes
    kind: str = TEXT
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(text: str, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> Answer:
    """Make an answer of words, for a person."""
    return Answer(f"{text}\n".encode(), status=status)


class LocalServer:
    """Answers requests in threads, from ``with`` to its end.

    Args:
        port: 0 for any that is free.
        largest_body: How many bytes may be sent with a POST; 0 where there is nothing to be sent.

    Raises:
        RequestError: if the port is taken.
    """

    def __init__(self, port: int = 0, largest_body: int = 0) -> None:
        self.largest_body = largest_body
        try:
            self._http = _Threads((HOST, port), _handler(self))
        except OSError as error:
            raise RequestError(
                f"port {port} of {HOST} cannot be used: {error.strerror or error}; choose another with --port"
            ) from error
        self.port = self._http.server_port
        self.url = f"http://{HOST}:{self.port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def answer(self, asked: Asked) -> Answer:
        """Answer a request that is allowed."""
        raise NotImplementedError

    def wait(self) -> None:
        """Serve until Ctrl-C."""
        with suppress(KeyboardInterrupt):
            threading.Event().wait()

    def close(self) -> None:
        """Stop serving, also those whose connection is open: a browser opens some ahead of what it will ask for."""
        self._http.shutdown()
        self._http.server_close()
        self._http.hang_up()


class _Threads(ThreadingHTTPServer):
    """Leaves out what is no fault: a browser that does not wait for an answer."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: object, client_address: object) -> None:
        self._open.add(request)  # type: ignore[arg-type]
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def shutdown_request(self, request: object) -> None:
        self._open.discard(request)
        super().shutdown_request(request)  # type: ignore[arg-type]

    def hang_up(self) -> None:
        """End the connections that are open."""
        for connection in list(self._open):
            with suppress(OSError):  # its other end was faster
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _handler(server: LocalServer) -> type[BaseHTTPRequestHandler]:
    """Make the class that answers requests to a server."""

    class Handler(BaseHTTPRequestHandler):
        """Answers GET and HEAD, and POST where something may be sent."""

        timeout = PATIENCE_SECONDS

        def do_GET(self) -> None:
            self._send(self._found())

        def do_HEAD(self) -> None:
            self._send(self._found(), body=False)

        def do_POST(self) -> None:
            if not server.largest_body:
                self._send(refusal("Nothing can be sent here.", HTTPStatus.NOT_IMPLEMENTED))
            elif why := _guard(self.headers):
                self._send(refusal(why))
            else:
                self._send(self._taken())

        def _found(self) -> Answer:
            why = _guard(self.headers)
            return refusal(why) if why else server.answer(self._asked())

        def _taken(self) -> Answer:
            told = self.headers.get("Content-Length", "")
            if not told.isdecimal():
                return refusal("How much is sent must be told.", HTTPStatus.LENGTH_REQUIRED)
            if int(told) > server.largest_body:
                return refusal(
                    f"More than {size(server.largest_body)}; refused.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                )
            return server.answer(self._asked(_whole(self.rfile, int(told)), self.headers.get_content_type()))

        def _asked(self, body: bytes = b"", kind: str = "") -> Asked:
            name, _, query = self.path.partition("?")
            return Asked(name.removeprefix("/"), query, body, kind, self._gone)

        def _gone(self) -> bool:
            """Tell whether the browser has closed the connection: nothing else is sent behind a request."""
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

        def _send(self, answer: Answer, body: bool = True) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.data)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
            for name, value in (IN_NO_FRAME | dict(answer.headers)).items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(answer.data)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: the terminal is for the address and for errors."""

    return Handler


def _guard(headers: Message) -> str:
    """Say why a request is refused; empty where it is not."""
    host = headers.get("Host", "")
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        name = None
    if name not in NAMES:
        return f"This server answers to its own address only: {HOST} or localhost."
    origin = headers.get("Origin")
    site, mode = headers.get("Sec-Fetch-Site", "none"), headers.get("Sec-Fetch-Mode", "navigate")
    if (origin is not None and origin != f"http://{host}") or (
        site not in ("none", "same-origin") and mode != "navigate"
    ):
        return "This server answers to its own pages only."
    return ""


def _whole(stream: BufferedIOBase, length: int) -> bytes:
    """Read so many bytes.

    Raises:
        ConnectionError: if fewer came.
    """
    data = stream.read(length)
    if len(data) < length:
        raise ConnectionError("the request was cut off")
    return data
