"""What the file of a study shows to people: curves, pictures and verdicts, of which samplers see nothing."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.sweeps.synthetic import make_sweep

from sweep.records.snapshots import Seen
from sweep.records.status import Status
from sweep.search import study_file
from sweep.search.study import Study
from sweep.search.trial_source import PastTrial
from sweep.spec.distributions import Float
from sweep.spec.sections import SearchConfig
from sweep.spec.space import Space
from sweep.storage import layout

optuna = pytest.importorskip("optuna")
artifacts = pytest.importorskip("optuna.artifacts")

SPACE = Space({"train.lr_g": Float(1e-5, 1e-3, log=True)})
SEEN = [Seen(1.0, 0.5, 64), Seen(2.0, 0.3, 64), Seen(3.0, 0.4, 64)]


def past(number: int, seen: list[Seen], state: Status = Status.FINISHED) -> PastTrial:
    best = min(seen, key=lambda one: one.value)
    value = None if state is Status.RUNNING else best.value + 0.01
    told = PastTrial(number, {"train.lr_g": 1e-4}, state, seen[-1].kimg, value, {"status": str(state)})
    return replace(told, seen=list(seen), last=seen[-1].kimg, best=best.kimg)


def draw(folder: Path, trial: int, kimg: float) -> bytes:
    path = folder / layout.grid(trial, kimg)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"{trial} at {kimg}".encode())
    return path.read_bytes()


def study(folder: Path, *trials: PastTrial) -> Study:
    return Study.rebuild(folder / "study.db", "s", SPACE, SearchConfig(trials=9), trials)


def read(folder: Path) -> tuple[list["optuna.trial.FrozenTrial"], list[dict[str, bytes]]]:
    """The trials as Optuna reads them, and the content of the artifacts of each by title."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder}/study.db")
    trials = optuna.load_study(study_name="s", storage=storage).trials
    store = artifacts.FileSystemArtifactStore(folder / layout.ARTIFACTS)
    found = [
        {
            meta.filename: store.open_reader(meta.artifact_id).read()
            for meta in artifacts.get_all_artifact_meta(trial, storage=storage)
        }
        for trial in trials
    ]
    return trials, found


def test_a_trial_has_its_curve_its_pictures_and_how_it_ended(tmp_path: Path) -> None:
    pictures = {kimg: draw(tmp_path, 0, kimg) for kimg in (1.0, 2.0, 3.0)}
    made = study(tmp_path)
    made.ask()
    made.tell(past(0, SEEN))
    (trial,), (found,) = read(tmp_path)
    assert trial.intermediate_values == {1000: 0.5, 2000: 0.3, 3000: 0.4}
    assert trial.value == pytest.approx(0.31)
    assert trial.user_attrs["status"] == "finished"
    assert found == {"best at 2 kimg.png": pictures[2.0], "last at 3 kimg.png": pictures[3.0]}
    # no second copy on the disk
    assert os.stat(tmp_path / layout.grid(0, 2.0)).st_nlink == 2


def test_a_trial_that_runs_shows_how_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_file, "PAUSE_SECONDS", 0.0)
    made = study(tmp_path)
    made.ask()
    for count in (1, 2, 3):
        draw(tmp_path, 0, float(count))
        made.follow(past(0, SEEN[:count], Status.RUNNING))
        (trial,), (found,) = read(tmp_path)
        assert trial.state.name == "RUNNING"
        assert len(trial.intermediate_values) == count
        # what was the last, and is neither that now nor the best, is no artifact any more
        assert len(list((tmp_path / layout.ARTIFACTS).iterdir())) == len(found)
    assert set(found) == {"best at 2 kimg.png", "last at 3 kimg.png"}


@pytest.mark.parametrize("ends", ["flush", "tell", "ask", "close"])
def test_trials_that_go_on_are_written_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """One by one each is written at once; of many in a short time, with the next that has to be, or at the end."""
    now = [100.0]
    monkeypatch.setattr(study_file.time, "monotonic", lambda: now[0])
    made = study(tmp_path)
    for _ in range(3):
        made.ask()
    for number in (0, 1):
        for count in (1, 2):
            made.follow(past(number, SEEN[:count], Status.RUNNING))
    assert [one.intermediate_values for one in read(tmp_path)[0]] == [{}, {}, {}]
    match ends:
        case "flush":
            made.flush()
        case "tell":
            made.tell(past(2, SEEN))
        case "ask":
            made.ask()
        case "close":
            made.close()
    curves = [one.intermediate_values for one in read(tmp_path)[0]]
    last = {1000: 0.5, 2000: 0.3, 3000: 0.4} if ends == "tell" else {}
    assert curves[:3] == [{1000: 0.5, 2000: 0.3}] * 2 + [last]
    if ends != "close":
        now[0] += 2 * study_file.PAUSE_SECONDS
        made.follow(past(1, SEEN, Status.RUNNING))
        assert len(read(tmp_path)[0][1].intermediate_values) == 3


def test_what_waits_never_replaces_what_came_later(tmp_path: Path) -> None:
    """A trial that ends while its curve waits has ended in the file."""
    made = study(tmp_path)
    made.ask()
    made.follow(past(0, SEEN[:2], Status.RUNNING))
    made.tell(past(0, SEEN))
    made.flush()
    (trial,), _ = read(tmp_path)
    assert (trial.state.name, len(trial.intermediate_values)) == ("COMPLETE", 3)


def test_a_rebuilt_study_shows_the_same(tmp_path: Path) -> None:
    for trial in (0, 1):
        for kimg in (1.0, 2.0, 3.0):
            draw(tmp_path, trial, kimg)
    told = [past(0, SEEN), past(1, SEEN[:2], Status.STOPPED)]
    made = study(tmp_path)
    for one in told:
        made.ask()
        made.tell(one)
    before = read(tmp_path)
    study(tmp_path, *told)
    after = read(tmp_path)
    assert after[1] == before[1]
    assert [t.intermediate_values for t in after[0]] == [t.intermediate_values for t in before[0]]
    assert set(after[1][1]) == {"best and last at 2 kimg.png"}


def test_pictures_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    draw(tmp_path, 0, 3.0)
    study(tmp_path, past(0, SEEN))
    assert set(read(tmp_path)[1][0]) == {"last at 3 kimg.png"}


def test_a_file_system_without_hard_links_has_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(source: Path, target: Path) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", none)
    picture = draw(tmp_path, 0, 3.0)
    study(tmp_path, past(0, SEEN))
    assert read(tmp_path)[1][0] == {"last at 3 kimg.png": picture}
    assert len(list((tmp_path / layout.ARTIFACTS).iterdir())) == 1


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_samplers_see_nothing_of_it(tmp_path: Path, sampler: str) -> None:
    """A search with curves asks for what one without them asks for."""
    asked = []
    for place, with_curves in (("a", True), ("b", False)):
        folder = tmp_path / place
        folder.mkdir()
        search = SearchConfig(trials=30, seed=2, sampler=sampler)
        made = Study.rebuild(folder / "study.db", "s", SPACE, search, ())
        values = []
        for number in range(14):
            params = made.ask().params
            values.append(params)
            state = Status.STOPPED if number % 3 == 1 else Status.FINISHED
            told = PastTrial(number, params, state, 3.0, params["train.lr_g"] * 100 + number % 2)
            if with_curves:
                told = replace(told, seen=SEEN, last=3.0, best=2.0)
                made.follow(replace(told, state=Status.RUNNING))
            made.tell(told)
        asked.append(values)
    assert asked[0] == asked[1]


def test_the_dashboard_serves_the_pictures(tmp_path: Path) -> None:
    """Optuna's dashboard takes names of hex digits and dashes alone."""
    dashboard = pytest.importorskip("optuna_dashboard")
    picture = draw(tmp_path, 0, 3.0)
    study(tmp_path, past(0, SEEN))
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path}/study.db")
    app = dashboard.wsgi(
        storage, artifact_store=artifacts.FileSystemArtifactStore(tmp_path / layout.ARTIFACTS)
    )
    (name,) = os.listdir(tmp_path / layout.ARTIFACTS)
    status: list[str] = []
    environment = {"REQUEST_METHOD": "GET", "PATH_INFO": f"/artifacts/1/1/{name}", "SERVER_NAME": "x"}
    environment |= {"SERVER_PORT": "80", "wsgi.url_scheme": "http"}
    body = b"".join(app(environment, lambda code, headers, *_: status.append(code)))
    assert status[0].startswith("200")
    assert body == picture


def test_ended_trials_tell_their_verdict(tmp_path: Path) -> None:
    from sweep.driver.recovery import past as past_of
    from sweep.driver.recovery import recall

    sweep = make_sweep(tmp_path, trials=12, size=12)
    told = past_of(recall(sweep.store, SearchConfig()), sweep.info)
    by_status = {one.attrs["status"] for one in told}
    assert {"finished", "stopped", "collapsed"} <= by_status
    assert all(one.attrs.get("verdict") for one in told if one.attrs["status"] == "collapsed")
    assert all(
        "kid_se" in one.attrs and one.last and one.best for one in told if one.attrs["status"] == "finished"
    )
