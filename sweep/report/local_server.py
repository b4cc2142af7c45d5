"""Answer a browser on this machine's own address, and nobody else.

The server listens on 127.0.0.1 and answers only requests that name this address, so that no page from elsewhere can
read what it gives out by way of a name that points here (DNS rebinding). What changes something is taken only from the
server's own pages (their ``Origin``) and as JSON, which no form of another page can send; and no other page can show
one of ours in a frame.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ganlib.errors import RequestError

HOST = "127.0.0.1"
HTML, JSON, TEXT = "text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"
LARGEST_BODY = 4096
"""Bytes of a request's body."""


@dataclass(frozen=True)
class Answer:
    """What a request is answered with."""

    data: bytes
    kind: str = TEXT
    status: HTTPStatus = HTTPStatus.OK


class LocalServer(ThreadingHTTPServer):
    """A server on 127.0.0.1; see `serve_forever` and `shutdown`.

    Args:
        port: 0 for any that is free.
        get: Answers to the name behind the address's ``/``, such as ``report.html``; empty for the page itself.
        post: Answers to a name and a body of JSON; None where nothing can be changed.

    Raises:
        RequestError: If the port cannot be used.
    """

    def __init__(
        self,
        port: int,
        get: Callable[[str], Answer],
        post: Callable[[str, bytes], Answer] | None = None,
    ) -> None:
        self.get, self.post = get, post
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise RequestError(
                f"port {port} of {HOST} cannot be used: {error.strerror or error}; choose another with --port"
            ) from error
        self.url = f"http://{HOST}:{self.server_port}/"
        self.hosts = {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as its base has them
        """Pass over a browser that has gone away in the middle of an answer."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD, and POST where the server takes it."""

    server: LocalServer

    def do_GET(self) -> None:
        self._send(self._found())

    def do_HEAD(self) -> None:
        self._send(self._found(), body=False)

    def do_POST(self) -> None:
        if self.server.post is None:
            self.send_error(HTTPStatus.NOT_IMPLEMENTED)
            return
        self._send(self._refusal() or self._changed(self.server.post))

    def _found(self) -> Answer:
        if self.headers.get("Host") not in self.server.hosts:
            return self._foreign()
        return self.server.get(self._name())

    def _name(self) -> str:
        return self.path.partition("?")[0].removeprefix("/")

    def _foreign(self) -> Answer:
        port = self.server.server_port
        words = f"This server answers to its own address only, with its own port; over ssh: -L {port}:{HOST}:{port}\n"
        return Answer(words.encode(), status=HTTPStatus.FORBIDDEN)

    def _refusal(self) -> Answer | None:
        """Say why a request may not change anything; None if it may."""
        host = self.headers.get("Host")
        if host not in self.server.hosts:
            return self._foreign()
        if self.headers.get("Origin") != f"http://{host}":
            return Answer(b"Only this server's own page may do that.\n", status=HTTPStatus.FORBIDDEN)
        if self.headers.get_content_type() != JSON:
            return Answer(b"Only JSON is taken.\n", status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        return None

    def _changed(self, post: Callable[[str, bytes], Answer]) -> Answer:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            return Answer(b"That is too long.\n", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return post(self._name(), self.rfile.read(int(length)))

    def _send(self, answer: Answer, body: bool = True) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Content-Security-Policy", "frame-ancestors 'none'")
        self.end_headers()
        if body:
            self.wfile.write(answer.data)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal is for the address and for errors."""
