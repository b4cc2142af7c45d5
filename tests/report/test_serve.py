"""``sweep report --serve``: only here, only the report, and always the newest."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.programs.browser import browser, needs_chromium
from helpers.sweeps.commands import run
from helpers.sweeps.synthetic import KINDS, make_sweep

from ganlib.errors import RequestError
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.report.build import BESIDE
from sweep.report.serve import Server
from sweep.storage import layout


@pytest.fixture
def live(tmp_path: Path) -> Sweep:
    return make_sweep(tmp_path, trials=3, running=True, size=12, info={"trials": 5})


@pytest.fixture
def server(live: Sweep) -> Iterator[Server]:
    with Server([live]) as serving:
        yield serving


def ask(server: Server, path: str, host: str | None = None, method: str = "GET") -> tuple[int, str, bytes]:
    port = int(server.url.rstrip("/").rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, answer.headers["Content-Type"], data


def another_evaluation(sweep: Sweep) -> None:
    row = sweep.store.trial(1)
    assert row is not None
    Store(sweep.folder, KINDS).put_trial(row | {"kimg": row["kimg"] + 6.0})


def test_it_gives_out_the_report_and_nothing_else(server: Server, live: Sweep) -> None:
    status, kind, page = ask(server, "/")
    assert status == 200
    assert kind.startswith("text/html")
    assert b"faces" in page
    assert ask(server, "/report.html")[2] == page
    for name in set(BESIDE) & set(server.files):
        assert ask(server, f"/{name}")[0] == 200
    for path in (
        "/sweep.json",
        "/../sweep.json",
        "/images/real.png",
        "/..%2f..%2fetc/passwd",
        "//etc/passwd",
    ):
        assert ask(server, path)[0] == 404, path
    assert ask(server, "/", method="HEAD")[::2] == (200, b"")
    assert ask(server, "/", method="POST")[0] == 501


def test_it_listens_on_this_machine_and_answers_to_its_own_name(server: Server) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    assert server._http.server_address[0] == "127.0.0.1"
    port = server.url.rstrip("/").rpartition(":")[2]
    assert ask(server, "/", host=f"localhost:{port}")[0] == 200
    for host in ("evil.example", f"evil.example:{port}"):
        assert ask(server, "/", host=host)[0] == 403


def test_it_is_made_anew_only_when_results_have_changed(server: Server, live: Sweep) -> None:
    page, state = ask(server, "/")[2], ask(server, "/state")[2]
    assert not server.look()
    another_evaluation(live)
    assert server.look()
    assert ask(server, "/state")[2] != state
    assert ask(server, "/")[2] != page


def test_facts_that_change_are_read_again(server: Server, live: Sweep) -> None:
    """`sweep extend` changes them, and so does the end of a sweep for a while: it says how many trials it has had."""
    assert b"not started" in ask(server, "/")[2]
    facts = json.loads(live.folder.read("sweep.json")) | {"trials": 3}
    live.folder.write("sweep.json", json.dumps(facts).encode())
    assert server.look()
    assert b"not started" not in ask(server, "/")[2]
    assert not server.look()


@pytest.mark.parametrize("inside", [layout.CONFIRMATION, layout.CONTINUED])
def test_what_is_trained_within_a_sweep_is_noticed(server: Server, live: Sweep, inside: str) -> None:
    Store(live.folder / inside, KINDS).put_trial({"trial": 0, "status": "running", "params": "{}", "seed": 1})
    assert server.look()
    assert not server.look()


def test_a_taken_port_is_told(server: Server, live: Sweep) -> None:
    port = int(server.url.rstrip("/").rpartition(":")[2])
    with pytest.raises(RequestError, match="choose another with --port"):
        Server([live], port)


def test_it_writes_no_file(live: Sweep) -> None:
    storage = str(Path(live.folder.url).parent)
    done = run("report", "--serve", "--out", "x.html", "--storage", storage)
    assert done.exit_code == 2
    assert "--serve writes no file" in done.output


@pytest.mark.slow
@needs_chromium
def test_an_open_page_refreshes_and_keeps_what_was_chosen(
    server: Server, live: Sweep, tmp_path: Path
) -> None:
    with browser(tmp_path / "profile") as page:
        page.open(server.url)
        page.run(
            "(box => { box.value = 'loss=bce'; box.dispatchEvent(new Event('input')); })"
            "(document.getElementById('filter'))"
        )
        page.run("document.getElementById('filter').focus()")
        before = page.run("document.getElementById('filtered').textContent")
        seed = "[...document.querySelectorAll('#table th')].find((one) => one.dataset.name === 'Seed')"
        page.run(f"{seed}.querySelector('button').click(), window.old = true")
        another_evaluation(live)
        server.look()
        page.wait("document.readyState === 'complete' && !window.old")
        assert page.run("document.getElementById('filtered').textContent") == before
        assert page.run(f"{seed}.ariaSort") == "ascending"
        assert page.run("document.activeElement.id") == "filter"  # where it was
        # What was sorted by may be gone, as when another sweep takes the place: the page works without it.
        key = "`sweep-report ${document.title}`"
        page.run(
            f"sessionStorage.setItem({key}, JSON.stringify({{sort: ['gone', true], filter: 'loss=bce'}}))"
        )
        page.run("location.reload(), window.old = true")
        page.wait("document.readyState === 'complete' && !window.old")
        assert page.run("document.getElementById('filtered').textContent") == before
        assert page.complaints == []
        assert all(url.startswith(server.url) for url in page.requests)
