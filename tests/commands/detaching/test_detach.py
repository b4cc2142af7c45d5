"""`--detach`: a driver that goes on by itself, in the background of this machine or as a job of a Ray cluster."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.programs.sweep_process import Results, slow, waited_for
from helpers.sweeps.commands import RATE, run, small

from sweep.cli import cli
from sweep.cli.detach import words
from sweep.cli.running.run import command as run_command
from sweep.commands import detaching
from sweep.commands.detaching import Seen, follow
from sweep.storage import layout
from sweep.storage.folder import Folder
from sweep.storage.opening import open_folder

SWEEP = (sys.executable, "-m", "sweep")
SPEC = small(
    data={"count": 128},
    train={"lr_d": RATE, "batch_size": 32, "kimg": 100},
    evaluate={"n_real": 64, "kid_subsets": 10, "kid_subset_size": 16},
    search={"trials": 2},
)


@pytest.fixture
def environment(cache: Path, tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return (
        os.environ
        | slow(tmp_path / "pace", 2)
        | {
            **{"SWEEP_CACHE": str(cache), "HOME": str(home), "OMP_NUM_THREADS": "1"},
            **{"RAY_USAGE_STATS_ENABLED": "0", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        }
    )


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "spec").mkdir()
    path = tmp_path / "spec" / "small.yaml"
    path.write_text(SPEC)
    return path


def sweep(*given: object, env: dict[str, str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SWEEP, *map(str, given)], env=env, cwd=cwd, capture_output=True, text=True, timeout=240
    )


def until(condition: Callable[[], object]) -> None:
    waited_for(condition, lambda: "waited in vain")


@pytest.mark.slow
def test_in_the_background(spec: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """It outlives the command that started it, is seen and stopped from elsewhere, and goes on by `resume`."""
    storage, results = tmp_path / "runs", Results(tmp_path / "runs", "small")
    begun = sweep(
        "run", "small.yaml", "--local", "--storage", "../runs", "--detach", env=environment, cwd=spec.parent
    )
    assert begun.returncode == 0, begun.stderr
    assert "trial 0 starts" in begun.stdout, "what the driver says is passed on"
    assert "it goes on by itself: pid " in begun.stdout
    log = storage / "small" / layout.DRIVER_LOG
    assert str(log) in begun.stdout
    before = results.evaluations()
    until(lambda: results.evaluations() > before)
    taken = sweep(
        "run", "small.yaml", "--local", "--storage", storage, "--detach", env=environment, cwd=spec.parent
    )
    assert taken.returncode == 2
    assert "there is a sweep named 'small'" in taken.stdout
    stopped = run("stop", "small", "--storage", storage)
    assert stopped.exit_code == 0, stopped.output
    assert "'sweep resume small --storage " in log.read_text()
    again = sweep("resume", "--local", "--storage", storage, "--detach", env=environment)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "(attempt 2)" in again.stdout
    assert run("stop", "--storage", storage).exit_code == 0
    assert run("check", "small", "--storage", storage).exit_code == 0


@pytest.mark.slow
def test_what_is_refused_is_said_and_leaves_nothing(
    spec: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    words = ("--local", "--storage", tmp_path / "runs", "--detach", "--set", "train.batch_size=900")
    refused = sweep("run", spec, *words, env=environment)
    assert refused.returncode == 2
    assert "train.batch_size is 900, but there are only 128 pictures" in refused.stdout
    assert not (tmp_path / "runs" / "small").exists()


@pytest.fixture
def head(environment: dict[str, str], tmp_path: Path) -> Iterator[int]:
    """The port of a cluster that asks for a token, which the environment then names."""
    place, token = Path("/tmp") / f"rj{os.getpid()}", tmp_path / "token"
    token.write_text(secrets.token_hex(32))
    environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    with subprocess.Popen(
        [
            *(Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=2"),
            *("--node-ip-address=127.0.0.1", f"--port={ports[0]}", f"--dashboard-port={ports[1]}"),
            # Other tests start Ray on this machine as well, and all agents take the same port if none is given.
            *(f"--temp-dir={place}", "--object-store-memory=80000000", "--dashboard-agent-listen-port=0"),
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as head:
        del environment["RAY_AUTH_MODE"]  # whoever hands a sweep over has the token alone
        try:
            yield ports[0]
        finally:
            head.terminate()
            head.wait(60)
            shutil.rmtree(place, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.ray
def test_as_a_job_of_a_cluster(head: int, spec: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """The cluster sees neither the file of the spec nor the options; the storage is shared."""
    storage, address = tmp_path / "runs", f"127.0.0.1:{head}"
    options = ("--storage", storage, "--detach", "--address")

    def answers() -> bool:
        with socket.socket() as door:
            return door.connect_ex(("127.0.0.1", head)) == 0

    until(answers)
    begun = sweep(
        *("run", spec, *options, address, "--name", "other", "--set", "search.trials=3"), env=environment
    )
    assert begun.returncode == 0, begun.stdout + begun.stderr
    assert "trial 0 starts" in begun.stdout
    assert "it goes on by itself: the Ray job sweep-other-" in begun.stdout
    jobs = begun.stdout.partition("--address ")[2].partition("'")[0]
    assert jobs.startswith("http://127.0.0.1:")
    assert "trials: 3" in (storage / "other" / layout.SPEC).read_text()
    del environment["RAY_AUTH_TOKEN_PATH"]
    outside = sweep("run", spec, *options, jobs, env=environment)
    assert outside.returncode == 2
    assert "asks for a token, and none is here" in outside.stderr
    stopped = run("stop", "other", "--storage", storage)
    assert stopped.exit_code == 0, stopped.output
    assert run("check", "other", "--storage", storage).exit_code == 0


# ---- without processes -------------------------------------------------------------------------------------


def test_words_say_all_that_was_given() -> None:
    given = [
        "spec.yaml",
        "--set",
        "train.kimg=3",
        "--set",
        "data.source=a b",
        "--detach",
        "--name",
        "x",
        "--time",
        "1h30m",
        "--json",
    ]
    context = run_command.make_context("run", [*given, "--address", "auto"])
    said = words(context, {"storage": "s3://bucket/runs"})
    assert "--detach" not in said
    assert "--address" not in said
    again = run_command.make_context("run", said[1:])
    same = {"detach": False, "address": None, "storage": "s3://bucket/runs"}
    assert again.params == context.params | same


class Told:
    """A driver that says and does what a test wants."""

    described, output = "pid 7 on far-away", "a file"

    def __init__(self, *said: str, code: int | None = None) -> None:
        self._said, self._code, self._asked = said, code, 0

    def ended(self) -> int | None:
        self._asked += 1
        return self._code if self._asked > len(self._said) else None

    def said(self) -> str:
        return "".join(self._said[: self._asked])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(detaching, "LOOK_SECONDS", 0.0)
    return open_folder(tmp_path)


def test_every_line_is_passed_on_once(place: Folder) -> None:
    lines: list[str] = []
    assert follow(Told("a\nb", "c\n", "", "d", code=2), place, Seen(), lines.append, lines.append) == 2
    assert lines == ["a", "bc", "d"]


def test_a_storage_that_is_elsewhere_is_told(place: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detaching, "UNSEEN_SECONDS", 0.0)
    said: list[str] = []
    follow(Told("", "", "", code=0), place, Seen(), said.append, said.append)
    assert len(said) == 1
    assert f"nothing of it is seen in {place} from here" in said[0]


def test_ctrl_c_ends_the_looking_alone(place: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    said: list[str] = []
    assert follow(Told("", ""), place, Seen(), said.append, said.append) == 0
    assert said == [
        "no longer looking on",
        "it goes on by itself: pid 7 on far-away, whose output is in a file",
    ]


def test_detach_and_dry_run_exclude_each_other(spec: Path) -> None:
    result = CliRunner().invoke(cli, ["run", str(spec), "--detach", "--dry-run"])
    assert (result.exit_code, "give one of them" in result.output) == (2, True)
