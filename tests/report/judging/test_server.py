"""``sweep judge``: blind, saved at once, and for this machine's own page alone."""

import http.client
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.sweeps.commands import run
from helpers.sweeps.reports import evil_sweep, page_of, translator_sweep
from helpers.sweeps.synthetic import KINDS, make_sweep

from ganlib.errors import RequestError
from sweep.check.file_rules import judged
from sweep.check.folder import Found
from sweep.local_server import LocalServer
from sweep.records.catalog import Sweep, open_sweep
from sweep.records.datasets import Store
from sweep.report.judging.server import LARGEST_BODY, JudgeServer, page
from sweep.report.judging.sitting import Sitting, progress
from sweep.report.page.document import templates
from sweep.report.serve import fingerprint
from sweep.results.judging import judgements
from sweep.results.judging.bradley_terry import Choice, fit
from sweep.results.ranking import leaderboard
from sweep.storage import layout
from sweep.storage.folder import StorageError
from sweep.storage.local import LocalFolder
from sweep.storage.opening import open_folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    storage = tmp_path_factory.mktemp("storage")
    make_sweep(storage, trials=12, size=12)
    return storage


@pytest.fixture
def sweep(made: Path, tmp_path: Path) -> Sweep:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return open_sweep(open_folder(tmp_path), "faces")


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


def test_earlier_judgements_count_and_those_of_others_do_not(sweep: Sweep) -> None:
    ann, bo = Sitting(sweep, "ann", 4), Sitting(sweep, "bo", 4)
    for sitting, times in ((ann, 3), (bo, 2)):
        for _ in range(times):
            assert sitting.answer(sitting.question()["number"], Choice.FIRST)
    again = Sitting(sweep, "ann", 4)
    assert again.question()["progress"].startswith("3 judgements;")
    assert again.question()["judged"] == 0  # what is undone is of this sitting
    assert len(again.eye().matches) == 3


def test_a_sweep_that_goes_on_shows_its_newer_best(tmp_path: Path) -> None:
    live = make_sweep(tmp_path, trials=6, size=12, running=True)
    sitting = Sitting(live, "ann", 2)
    assert sitting.running
    sitting.answer(sitting.question()["number"], Choice.FIRST)
    assert "still runs" in page(sitting)
    best = leaderboard(live.store).ranked[0]
    row = live.store.part("results", best.trial)[0]
    Store(live.folder, KINDS).replace("results", best.trial, [row | {"kid": 9.0}])
    sitting.look()
    assert best.trial not in {player.shown.trial for player in sitting.players}
    assert sitting.undo()  # its pair is none any more
    assert sitting.question()["judged"] == 0


def test_what_there_is_to_know_of_the_pictures_is_told(sweep: Sweep, tmp_path: Path) -> None:
    assert Sitting(sweep, "ann", 4).notes == []
    best, second = leaderboard(sweep.store).ranked[:2]
    grid = layout.grid(best.trial, best.kimg or 0.0)
    other = make_sweep(tmp_path / "other", trials=best.trial + 1, size=16)
    larger = other.folder.names(f"{layout.IMAGES}/{layout.name_of(best.trial)}")[0]
    sweep.folder.write(grid, other.folder.read(f"{layout.IMAGES}/{layout.name_of(best.trial)}/{larger}"))
    sweep.folder.write(layout.grid(second.trial, second.kimg or 0.0), b"no picture")
    sitting = Sitting(sweep, "ann", 4)
    assert sitting.notes == [
        f"the pictures of trial {second.trial} cannot be read; they do not take part",
        "grids differ in size: 114 x 114 px, 146 x 146 px",
    ]
    assert "Note: grids differ in size" in page(sitting)


def test_rows_of_a_translators_grids_are_named(tmp_path: Path) -> None:
    sitting = Sitting(translator_sweep(tmp_path, trials=6), "ann", 3)
    assert sitting.question()["rows"][1] == "drawing made of it"
    assert "the better drawings" in " ".join(page(sitting).split())


def test_names_are_inert(tmp_path: Path) -> None:
    evil = evil_sweep(tmp_path)
    with pytest.raises(RequestError, match="takes two"):
        Sitting(evil, "ann", 4)
    shown = templates().get_template("judge/judge.html.j2")
    page_of = {"title": evil.name, "who": evil.name, "trials": 2, "notes": [evil.name], "running": False}
    text = shown.render(page=page_of | {"translates": False, "policy": "", "css": "", "script": ""})
    assert "<script>alert" not in text


def test_progress_names_the_next_mark() -> None:
    def after(count: int, wins: int) -> str:
        played = [(0, 1, Choice.FIRST)] * wins + [(0, 1, Choice.SECOND)] * (count - wins)
        return progress(fit(2, played), played)

    assert after(0, 0) == "0 judgements; 2 more until each of 2 was shown 2 times"
    assert after(4, 3).startswith("4 judgements; about ")
    assert "look much alike" in after(20, 10)
    assert (
        after(30, 30)
        == "30 judgements; the best is told from the next: more make the order of the others surer"
    )


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


def test_the_report_shows_what_was_judged(sweep: Sweep) -> None:
    assert "By eye" not in page_of(sweep).words()
    sitting = Sitting(sweep, "ann", 4)
    for _ in range(10):
        sitting.answer(sitting.question()["number"], Choice.FIRST)
    before = fingerprint([sweep])
    shown = page_of(sweep)
    assert "10 judgements by ann: trial" in shown.words()
    ids = {one.get("id") for _, one in shown.elements}
    links = {one["href"] for one in shown.all("a")}
    those = {f"#trial-{one.trial}" for one in sitting.eye().standings}
    assert those <= links
    assert {link[1:] for link in those} <= ids
    sitting.undo()
    assert fingerprint([sweep]) != before  # a served report shows it


def test_check_finds_what_is_no_judgement(sweep: Sweep) -> None:
    Sitting(sweep, "ann", 4).answer(1, Choice.TIE)
    bo, cy = (f"judgements/{who}/20260102T030405Z-0a1b2c.jsonl" for who in ("bo", "cy"))
    sweep.folder.write(bo, b"{}\n")
    line = judgements.Judgement(judgements.Shown(0, 1.0), judgements.Shown(99, 1.0), Choice.TIE).line()
    sweep.folder.write(cy, json.dumps(line).encode())
    sweep.folder.write("judgements/cy/mine.jsonl", json.dumps(line).encode())
    found = list(judged(Found.load(sweep.folder)))
    assert [finding.path for finding in found] == ["judgements/cy/mine.jsonl", bo, cy]
    assert found[0].what.startswith("does not count")
    assert found[1].what.startswith("has no judgement in line 1")
    assert "trial 99" in found[2].what
