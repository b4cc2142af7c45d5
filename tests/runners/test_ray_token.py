"""Ray's token authentication: a run leaves no token behind, and a cluster that asks for one is told apart."""

import json
import os
import secrets
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganlib.errors import RequestError
from sweep.runners import ray_token
from sweep.runners.ray_cluster import check_answers, connect

RAY = Path(sys.executable).with_name("ray")

HTTP = """
    import socket, sys
    connection, _ = socket.socket(fileno=int(sys.argv[1])).accept()
    connection.send(b"HTTP/1.1 400 Bad Request")
"""

ATTACH = """
    import json, os, sys
    import ray
    from ray._private import services
    from ganlib.errors import RequestError
    from sweep.runners.ray_cluster import check_reachable, connect

    address, right = sys.argv[1:]
    said = []
    for environment in ({}, {"RAY_AUTH_TOKEN": "another"}, {"RAY_AUTH_TOKEN_PATH": right}):
        os.environ.update(environment)
        try:
            connect(address)
            said.append(ray.get(ray.remote(lambda: 1).remote()) > 0)
        except RequestError as error:
            said.append(str(error))
        for name in environment:
            del os.environ[name]
    ray.shutdown()
    services.find_node_ids = set  # as on a machine where no node runs
    os.environ["RAY_AUTH_TOKEN_PATH"] = right
    try:
        check_reachable(address)
    except RequestError as error:
        said.append(str(error))
    print(json.dumps(said))
"""

START_HERE = """
    import json, os
    import ray
    import psutil
    from sweep.runners.ray_cluster import connect

    connect(None)
    secret = os.environ["RAY_AUTH_TOKEN"]
    assert ray.get(ray.remote(lambda: os.environ["RAY_AUTH_TOKEN"]).remote()) == secret
    ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    heard = [c.laddr.ip for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.pid in ours]
    ray.shutdown()
    print(json.dumps([heard, [name for name in os.environ if name.startswith("RAY_AUTH")]]))
"""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A home without a token, and an environment that says nothing of one."""
    for name in (ray_token.MODE, ray_token.TOKEN, ray_token.PATH):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    ray_token._reread()
    yield home
    monkeypatch.undo()
    ray_token._reread()


def test_an_own_token_is_taken_back(bare: Path) -> None:
    ray_token.give_own()
    assert os.environ[ray_token.MODE] == "token"
    first = os.environ[ray_token.TOKEN]
    assert len(first) == 64
    ray_token.take_back()
    assert not {ray_token.MODE, ray_token.TOKEN} & os.environ.keys()
    ray_token.give_own()
    assert os.environ[ray_token.TOKEN] != first
    ray_token.take_back()
    assert not list(bare.iterdir())


@pytest.mark.parametrize(
    "said", [{ray_token.MODE: "disabled"}, {ray_token.TOKEN: "mine"}, {ray_token.PATH: "/a/file"}]
)
def test_what_the_user_says_stays(bare: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, str]) -> None:
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    ray_token.give_own()
    ray_token.take_back()
    assert dict(os.environ) == before


def test_a_token_that_is_asked_for_and_not_there_ends_no_process(
    bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ray itself ends the process in these cases."""
    monkeypatch.setenv(ray_token.MODE, "token")
    ray_token._reread()
    with pytest.raises(RequestError, match="RAY_AUTH_MODE is 'token', but no token is here"):
        ray_token.show(lambda: True, "127.0.0.1:1")
    monkeypatch.setenv(ray_token.PATH, str(tmp_path / "none"))
    with pytest.raises(RequestError, match="RAY_AUTH_TOKEN_PATH names a file that cannot be read"):
        ray_token.show(lambda: True, "127.0.0.1:1")
    (tmp_path / "none").touch()
    with pytest.raises(RequestError, match="RAY_AUTH_TOKEN_PATH names an empty file"):
        ray_token.show(lambda: True, "127.0.0.1:1")


def test_something_else_at_the_address_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(HTTP), str(server.fileno())], pass_fds=[server.fileno()]
        ) as other:
            with pytest.raises(OSError, match="something else than Ray's head"):
                check_answers(address)
            assert other.wait() == 0


def run(script: str, *arguments: object, home: Path) -> list[object]:
    """What a program prints that has a home of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(home), "RAY_USAGE_STATS_ENABLED": "0"},
        cwd=Path(__file__).parents[2],
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "gcs_client" not in done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(loaded, list)
    return loaded


@pytest.mark.slow
@pytest.mark.ray
def test_clusters_that_ask_for_a_token_and_runs_that_leave_none(bare: Path, tmp_path: Path) -> None:
    """A real head with authentication: no token, a wrong one and the right one. Then Ray for one run alone."""
    token, ray_folder = tmp_path / "token", Path("/tmp") / f"rt{os.getpid()}"
    token.write_text(secrets.token_hex(32))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["start", "--head", "--block", f"--port={port}", "--num-cpus=1", "--include-dashboard=false"]
    head = subprocess.Popen(
        [
            RAY,
            *words,
            f"--temp-dir={ray_folder}",
            "--object-store-memory=80000000",
            "--node-ip-address=127.0.0.1",
        ],
        env=os.environ
        | {ray_token.MODE: "token", ray_token.PATH: str(token), "RAY_USAGE_STATS_ENABLED": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"127.0.0.1:{port}"
        while head.poll() is None:
            try:
                check_answers(address)
                break
            except OSError:
                continue
        missing, wrong, right, elsewhere = run(ATTACH, address, token, home=bare)
        assert str(missing).startswith(f"the Ray cluster at '{address}' asks for a token, and none is here")
        assert "export RAY_AUTH_TOKEN_PATH=FILE" in str(missing)
        assert str(wrong).startswith(
            f"the Ray cluster at '{address}' has another token than the environment variable RAY_AUTH_TOKEN"
        )
        assert right is True
        assert str(elsewhere).startswith(
            f"{socket.gethostname()} is no node of the Ray cluster at '{address}'"
        )
        assert f"give this command on {socket.gethostname()}, add --detach" in str(elsewhere)
    finally:
        head.terminate()
        head.wait(60)
        subprocess.run(["rm", "-rf", ray_folder])
    heard, left = run(START_HERE, home=bare)
    assert heard
    assert set(heard) <= {"127.0.0.1", "::ffff:127.0.0.1"}  # type: ignore[call-overload]
    assert left == []
    assert not (bare / ".ray").exists()


def test_connect_says_what_a_token_needs(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is not taken for a cluster that does not answer."""

    def refuse(admitted: Callable[[], bool], asked: str) -> None:
        raise RequestError("asks for a token")

    monkeypatch.setattr("sweep.runners.ray_cluster.check_answers", lambda address: None)
    monkeypatch.setattr(ray_token, "show", refuse)
    with pytest.raises(RequestError, match=r"^asks for a token$"):
        connect("127.0.0.1:6379")
