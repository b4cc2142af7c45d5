"""The server of `sweep judge`: blind, on one machine, and nothing lost."""

import http.client
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.synthetic import make_sweep

from sweep.local_server import LocalServer
from sweep.records.catalog import Sweep
from sweep.report.judging.server import LARGEST_BODY, JudgeServer
from sweep.report.judging.sitting import Sitting
from sweep.results.judging import judgements
from sweep.results.judging.bradley_terry import Choice
from sweep.results.ranking import leaderboard
from sweep.storage.folder import StorageError
from sweep.storage.local import LocalFolder


@pytest.fixture
def server(sweep: Sweep) -> Iterator[JudgeServer]:
    with JudgeServer(Sitting(sweep, "ann", 4, random.Random(0))) as serving:
        yield serving


def ask(
    server: LocalServer, path: str, told: Any = None, method: str = "POST", **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    own = {"Origin": server.url.rstrip("/"), "Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    connection.request(method, path, body if method == "POST" else None, own)
    answer = connection.getresponse()
    found = answer.status, answer.read(), answer.headers
    connection.close()
    return found


def question(server: JudgeServer) -> dict[str, Any]:
    return json.loads(ask(server, "/question", method="GET")[1])


def saved(sweep: Sweep) -> list[judgements.Judgement]:
    return judgements.read(sweep.folder).get("ann", [])


def test_the_best_at_their_best_take_part(server: JudgeServer, sweep: Sweep) -> None:
    best = leaderboard(sweep.store).ranked[:4]
    assert [(p.shown.trial, p.shown.kimg) for p in server.sitting.players] == [
        (e.trial, e.kimg) for e in best
    ]


def test_nothing_tells_whose_the_pictures_are(server: JudgeServer, sweep: Sweep) -> None:
    asked = question(server)
    assert set(asked) == {"number", "first", "second", "rows", "judged", "progress"}
    assert asked["first"].startswith("data:image/png;base64,")
    told = json.dumps({**asked, "first": "", "second": ""}) + ask(server, "/", method="GET")[1].decode()
    for player in server.sitting.players:
        assert f"{player.shown.trial:05d}" not in told
        assert f"rial {player.shown.trial}" not in told


def test_a_judgement_is_saved_and_the_next_pair_comes(server: JudgeServer, sweep: Sweep) -> None:
    first = question(server)
    assert question(server)["number"] == first["number"]  # it waits
    status, answer, _ = ask(server, "/judgement", {"number": first["number"], "choice": "second"})
    assert status == 200
    after = json.loads(answer)
    assert after["number"] > first["number"]
    assert after["judged"] == 1
    (one,) = saved(sweep)
    assert one.choice is Choice.SECOND
    pictures = {player.shown: player.picture for player in server.sitting.players}
    assert (pictures[one.first], pictures[one.second]) == (first["first"], first["second"])


def test_a_key_that_comes_twice_judges_once(server: JudgeServer, sweep: Sweep) -> None:
    number = question(server)["number"]
    for _ in range(3):
        assert ask(server, "/judgement", {"number": number, "choice": "tie"})[0] == 200
    assert len(saved(sweep)) == 1


def test_undo_takes_back_and_shows_the_pair_again(server: JudgeServer, sweep: Sweep) -> None:
    first = question(server)
    ask(server, "/judgement", {"number": first["number"], "choice": "tie"})
    again = json.loads(ask(server, "/undo", {})[1])
    assert (again["first"], again["second"]) == (first["first"], first["second"])
    assert again["number"] != first["number"]
    assert again["judged"] == 0
    assert saved(sweep) == []
    assert ask(server, "/undo", {})[0] == 200  # there is nothing: nothing happens


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_pages_from_elsewhere_can_neither_read_nor_judge(
    server: JudgeServer, sweep: Sweep, headers: dict[str, str], status: int
) -> None:
    told = {"number": question(server)["number"], "choice": "first"}
    assert ask(server, "/judgement", told, **headers)[0] == status
    assert ask(server, "/undo", {}, **headers)[0] == status
    assert saved(sweep) == []
    if "Host" in headers:
        for path in ("/", "/question"):
            code, text, _ = ask(server, path, method="GET", **headers)
            assert code == 403
            assert b"its own address only" in text


def test_a_forwarded_port_is_answered_by_either_name(server: JudgeServer) -> None:
    host = f"localhost:{server.port}"
    told = {"number": question(server)["number"], "choice": "first"}
    assert ask(server, "/judgement", told, Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize(
    ("told", "status"),
    [
        *((b"{", 400), (b"[]", 400), (b"\xff", 400), ({"number": 1}, 400), ({"choice": "first"}, 400)),
        *(({"number": True, "choice": "tie"}, 400), ({"number": 1, "choice": "both"}, 400)),
        (b" " * (LARGEST_BODY + 1), 413),
    ],
)
def test_what_is_no_judgement_is_refused(server: JudgeServer, sweep: Sweep, told: Any, status: int) -> None:
    assert ask(server, "/judgement", told)[0] == status
    assert saved(sweep) == []


def test_there_is_nothing_else(server: JudgeServer) -> None:
    for path in ("/sweep.json", "/images/real.png", "/judgements/ann", "/../sweep.json"):
        assert ask(server, path, method="GET")[0] == 404, path
    assert ask(server, "/other", {})[0] == 404
    headers = ask(server, "/", method="GET")[2]
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"


def test_what_cannot_be_saved_is_told_and_asked_again(
    server: JudgeServer, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = question(server)

    def full(self: LocalFolder, path: str, data: bytes) -> None:
        raise StorageError(f"could not write '{path}': the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(LocalFolder, "write", full)
        status, text, _ = ask(server, "/judgement", {"number": before["number"], "choice": "tie"})
        assert status == 500
        assert b"the disk is full" in text
    assert question(server) == before
    ask(server, "/judgement", {"number": before["number"], "choice": "tie"})
    assert len(saved(sweep)) == 1


def command(sweep: Sweep, *arguments: object) -> Any:
    return run("judge", sweep.name, "--storage", Path(sweep.folder.url).parent, *arguments)


def test_ctrl_c_prints_the_scores(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(self: JudgeServer) -> None:
        for _ in range(12):
            self.sitting.answer(self.sitting.question()["number"], Choice.FIRST)

    monkeypatch.setattr(JudgeServer, "wait", serve)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 5000 10.0.0.2 22")
    done = command(sweep, "--who", "ann", "--port", 0)
    assert done.exit_code == 0
    assert "http://127.0.0.1:" in done.output
    assert ":127.0.0.1:" in done.stderr
    assert "12 judged just now, as ann" in done.stderr
    assert "12 judgements by ann: trial" in done.stdout
    told = json.loads(command(sweep, "--show", "--json").stdout)
    assert told["eyes"][0]["judgements"] == 12
    assert (
        "by eye: 12 judgements by ann"
        in run("best", "faces", "--storage", Path(sweep.folder.url).parent).output
    )


def test_requests_that_cannot_be_done_are_told(sweep: Sweep, server: JudgeServer, tmp_path: Path) -> None:
    taken = command(sweep, "--port", server.port)
    assert taken.exit_code == 2
    assert "choose another with --port" in taken.output
    assert command(sweep, "--who", "../bo").exit_code == 2
    bare = make_sweep(tmp_path, trials=6, name="bare", pictures=False)
    nothing = command(bare, "--port", 0)
    assert nothing.exit_code == 2
    assert "has its pictures, and a pair takes two" in nothing.output
    assert "nobody has judged" in command(sweep, "--show").output
