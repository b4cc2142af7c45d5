"""Servers on this machine: only for those who are here, and only as much as they may send."""

import http.client
import socket
from collections.abc import Iterator

import pytest

from ganlib.errors import RequestError
from sweep.local_server import Answer, Asked, LocalServer


class Echo(LocalServer):
    """Says what was asked."""

    def answer(self, asked: Asked) -> Answer:
        if asked.name == "gone":
            return Answer(str(asked.gone()).encode())
        return Answer(f"{asked.name}|{asked.query}|{len(asked.body)}".encode())


@pytest.fixture(scope="module")
def server() -> Iterator[Echo]:
    with Echo(largest_body=100) as serving:
        yield serving


def ask(
    server: LocalServer, path: str = "/a?b=c", body: bytes | None = None, **headers: str
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET" if body is None else "POST", path, body, named)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_it_answers_those_who_are_here(server: Echo) -> None:
    assert ask(server) == (200, "a|b=c|0")
    for host in ("localhost", "127.0.0.1:9999", "[::1]:80", f"LOCALHOST:{server.port}"):
        assert ask(server, Host=host)[0] == 200  # another port: through ssh -L
    assert ask(server, "/gone") == (200, "False")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::1", "", "evil@127.0.0.2"])
def test_it_answers_to_its_own_name_only(server: Echo, host: str) -> None:
    status, text = ask(server, Host=host)
    assert status == 403
    assert "its own address only" in text


def test_it_answers_no_page_of_another_origin(server: Echo) -> None:
    own = f"127.0.0.1:{server.port}"
    elsewhere = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}
    assert ask(server, body=b"x", Host=own, Origin=f"http://{own}") == (200, "a|b=c|1")
    assert (
        ask(server, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200
    )  # a link was followed
    for body in (None, b"x"):
        assert ask(server, body=body, **elsewhere)[0] == 403
        assert ask(server, body=body, Host=own, Origin="http://evil.example")[0] == 403
        assert ask(server, body=body, Host=own, Origin="http://localhost:1")[0] == 403


def test_no_more_is_taken_than_is_allowed(server: Echo) -> None:
    assert ask(server, body=b"x" * 100) == (200, "a|b=c|100")
    assert ask(server, body=b"x" * 101) == (413, "More than 100 B; refused.\n")
    assert ask(server, body=b"x", Content_Length="-1")[0] == 411
    with Echo() as closed:
        assert ask(closed, body=b"x")[0] == 501


def test_those_who_hang_up_are_noticed_and_break_nothing(
    server: Echo, capfd: pytest.CaptureFixture[str]
) -> None:
    for sent in (
        b"GET /a HTTP/1.0\r\nHost: localhost\r\n\r\n",
        b"POST /a HTTP/1.0\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx",
    ):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(20)
            while connection.recv(1 << 16):
                pass
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /gone HTTP/1.0\r\nHost: localhost\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(20)
        assert b"".join(iter(lambda: connection.recv(1 << 16), b"")).endswith((b"True", b"False"))
    assert ask(server)[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_taken_port_is_told(server: Echo) -> None:
    with pytest.raises(RequestError, match="choose another with --port"):
        Echo(server.port)


def test_a_server_that_ends_leaves_nobody_waiting() -> None:
    """A browser opens connections ahead of what it will ask for, and asks by one of those."""
    with Echo() as serving:
        ahead = socket.create_connection(("127.0.0.1", serving.port), timeout=20)
        assert ask(serving) == (200, "a|b=c|0")  # after that it has taken the connection
    with ahead:
        assert ahead.recv(1) == b""
