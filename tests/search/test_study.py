"""The Optuna study: states, finite values, and that a rebuilt one goes on as the first would have."""

import errno
import itertools
import math
import os
import random
import sqlite3
import warnings
from pathlib import Path

import pytest
from helpers.sweeps.studies import GRID, NUMBERS, SPACE, load, optuna, outcome

from ganlib.errors import RequestError, WorkError
from sweep.records.status import Status
from sweep.search import study_file
from sweep.search.draws import preview
from sweep.search.study import Study
from sweep.search.trial_source import PastTrial
from sweep.spec.sections import SearchConfig
from sweep.storage.folder import StorageError


def good(number, params):
    value = params["train.augment_p"] + number % 3
    return PastTrial(number, params, Status.FINISHED, 1.0, value)


def run(tmp_path, space, search, count, rebuild_at=None):
    """Ask and tell with some trials at a time; at ``rebuild_at`` write the study anew from records."""
    # The Gaussian process learns only from finished trials, and is slow: it gets no others.
    in_flight, end = (1, good) if search.sampler == "gp" else (3, outcome)
    study = Study.create(tmp_path / "study.db", "dcgan", space, search)
    ends, records = random.Random(8), []  # trials do not end in the order in which they started
    running = []
    while len(records) < count:
        if len(records) == rebuild_at:
            study.close()
            (tmp_path / "study.db").write_bytes(b"torn")
            study = Study.rebuild(tmp_path / "study.db", "dcgan", space, search, records)
        asked = study.ask()
        if asked is None:
            break
        assert asked.number == len(records)
        records.append(PastTrial(asked.number, asked.params, Status.RUNNING))
        running.append(asked.number)
        if len(running) == in_flight:
            number = running.pop(ends.randrange(in_flight))
            records[number] = end(number, records[number].params)
            study.tell(records[number])
    study.close()
    return [record.params for record in records]


@pytest.mark.parametrize(
    ("sampler", "space", "count"),
    [
        ("tpe", SPACE, 20),
        ("random", NUMBERS, 8),
        ("grid", GRID, 12),
        ("cmaes", SPACE, 60),
        pytest.param("gp", NUMBERS, 13, marks=pytest.mark.slow),
    ],
)
def test_rebuilt_in_the_middle_suggests_the_same(tmp_path, sampler, space, count):
    search = SearchConfig(sampler=sampler, trials=max(20, count), seed=3)
    for folder in "ab":
        (tmp_path / folder).mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        straight = run(tmp_path / "a", space, search, 20 if sampler == "grid" else count)
    rebuilt = run(
        tmp_path / "b", space, search, count, rebuild_at=count - 2 if sampler == "gp" else count // 2
    )
    assert rebuilt == straight
    assert len(straight) == count
    if sampler in ("tpe", "gp", "cmaes"):
        assert straight[-1] != preview(space, search, count)[-1], "by now it has learnt something"
    assert list(tmp_path.glob("*/.*")) == [], "no temporary file is left"


def test_all_that_optuna_reads_in_the_file_is_what_samplers_see(tmp_path):
    """The file's rows are written by our own SQL: each column as Optuna writes it."""
    from sweep.search.ends import frozen

    asked = run(tmp_path, SPACE, SearchConfig(trials=12, seed=3), 12)
    plain = optuna.create_study(storage=f"sqlite:///{tmp_path / 'optuna.db'}", study_name="dcgan")
    plain.add_trials([frozen(outcome(number, params), SPACE) for number, params in enumerate(asked)])
    Study.rebuild(
        tmp_path / "ours.db",
        "dcgan",
        SPACE,
        SearchConfig(trials=12),
        [outcome(*one) for one in enumerate(asked)],
    ).close()
    tables = ("trial_params", "trial_values", "trial_intermediate_values", "trial_user_attributes")
    for table in tables:
        columns = "trial_id, " + ", ".join(study_file._CHILDREN[table])
        query = f"select {columns} from {table} order by 1, 2"
        theirs, ours = (
            sqlite3.connect(tmp_path / name).execute(query).fetchall() for name in ("optuna.db", "ours.db")
        )
        assert ours == theirs
    for one, other in zip(load(tmp_path / "ours.db").trials, plain.trials, strict=True):
        assert (one.number, one.state, one.values) == (other.number, other.state, other.values)
        assert (one.datetime_start is None) == (other.datetime_start is None)


def test_a_journal_left_by_a_crash_does_not_reach_the_new_file(tmp_path):
    """A real hot journal: SQLite rolls it back into whatever database it finds beside it."""
    crashed, path = tmp_path / "crashed.db", tmp_path / "study.db"
    with sqlite3.connect(crashed, isolation_level=None) as connection:
        connection.execute("pragma cache_size = 1")
        connection.execute("create table big (x)")
        connection.executemany("insert into big values (?)", [("a" * 3000,)] * 200)
        connection.execute("begin")
        connection.execute("update big set x = 'b' || x")
        path.write_bytes(crashed.read_bytes())
        (tmp_path / "study.db-journal").write_bytes((tmp_path / "crashed.db-journal").read_bytes())
        connection.execute("rollback")
    Study.rebuild(path, "dcgan", NUMBERS, SearchConfig(), [PastTrial(0, {}, Status.FAILED)]).close()
    assert len(load(path).trials) == 1
    with sqlite3.connect(path) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)


def test_seeds_differ_and_trials_differ(tmp_path):
    draws = [preview(SPACE, SearchConfig(seed=seed), 5) for seed in (0, 1, 0)]
    assert draws[0] == draws[2] != draws[1]
    assert len({str(params) for params in draws[0]}) == 5


def test_preview_is_what_the_search_starts_with(tmp_path):
    search = SearchConfig(trials=8)
    study = Study.create(tmp_path / "study.db", "dcgan", SPACE, search)
    asked = [study.ask() for _ in range(3)]
    assert preview(SPACE, search, 3) == [one.params for one in asked]
    assert len(preview(SPACE, search, 99)) == 8


def test_states_reach_optuna(tmp_path):
    study = Study.create(tmp_path / "study.db", "dcgan", NUMBERS, SearchConfig(trials=9))
    for _ in range(5):
        study.ask()
    study.tell(PastTrial(0, {}, Status.FINISHED, 4.5, 3.0))
    study.tell(PastTrial(1, {}, Status.STOPPED, 1.5, 7.0))
    study.tell(PastTrial(2, {}, Status.COLLAPSED, 1.5, 0.1, {"verdict": "non_finite"}))
    study.tell(PastTrial(3, {}, Status.FAILED, 0.5, 0.1, attrs={"reason": "out of memory"}))
    study.close()
    trials = load(tmp_path / "study.db").trials
    names = [trial.state.name for trial in trials]
    assert names == ["COMPLETE", "PRUNED", "PRUNED", "FAIL", "RUNNING"]
    # What a dead trial's best generator scores is told to people, and never to a sampler.
    assert [trial.value for trial in trials] == [3.0, 7.0, None, None, None]
    assert [trial.intermediate_values for trial in trials] == [{}, {1500: 7.0}, {}, {}, {}]
    assert trials[2].user_attrs == {"verdict": "non_finite"}
    assert load(tmp_path / "study.db").best_trial.number == 0


def test_rebuilt_file_equals_the_one_that_was_told(tmp_path):
    search = SearchConfig(trials=8)
    study = Study.create(tmp_path / "a.db", "dcgan", SPACE, search)
    records = []
    while (asked := study.ask()) is not None:
        records.append(outcome(asked.number, asked.params))
        study.tell(records[-1])
    study.close()
    Study.rebuild(tmp_path / "b.db", "dcgan", SPACE, search, records).close()
    first, second = load(tmp_path / "a.db").trials, load(tmp_path / "b.db").trials
    for one, other in itertools.zip_longest(first, second):
        assert one.state == other.state
        assert one.params == other.params
        assert one.distributions == other.distributions
        assert one.value == other.value
        assert one.user_attrs == other.user_attrs
        assert one.intermediate_values == other.intermediate_values


def test_a_collapsed_trial_stands_behind_every_pruned_one():
    """By the order that TPE uses itself."""
    from optuna.samplers._tpe.sampler import _split_trials

    from sweep.search.ends import frozen

    study = optuna.create_study()
    pasts = [
        PastTrial(0, {"train.lr_g": 1e-4, "train.augment_p": 0.1}, Status.COLLAPSED, 50.0, 0.1),
        PastTrial(1, {"train.lr_g": 1e-4, "train.augment_p": 0.2}, Status.STOPPED, 0.0001, 1e6),
        PastTrial(2, {"train.lr_g": 1e-4, "train.augment_p": 0.3}, Status.STOPPED, 9.0, 5.0),
        PastTrial(3, {"train.lr_g": 1e-4, "train.augment_p": 0.4}, Status.FINISHED, 9.0, 1e7),
    ]
    study.add_trials([frozen(past, NUMBERS) for past in pasts])
    order = [{trial.number for trial in _split_trials(study, study.trials, below)[0]} for below in range(5)]
    assert order == [set(), {3}, {3, 2}, {3, 2, 1}, {3, 2, 1, 0}]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None])
def test_only_finite_values_are_told(tmp_path, bad):
    study = Study.create(tmp_path / "study.db", "dcgan", NUMBERS, SearchConfig())
    study.ask()
    with pytest.raises(ValueError, match="finite" if bad is not None else "without a value"):
        study.tell(PastTrial(0, {}, Status.FINISHED, value=bad))
    if bad is not None:
        with pytest.raises(ValueError, match="finite"):
            study.tell(PastTrial(0, {}, Status.STOPPED, 1.0, bad))
    with pytest.raises(ValueError, match="unknown state"):
        study.tell(PastTrial(0, {}, Status.INTERRUPTED))
    with pytest.raises(ValueError, match="has not ended"):
        study.tell(PastTrial(0, {}, Status.RUNNING))
    study.tell(PastTrial(0, {}, Status.FINISHED, value=1.0))  # it is still there to be told


def test_create_refuses_a_file_that_exists(tmp_path):
    (tmp_path / "study.db").touch()
    with pytest.raises(RequestError, match="already"):
        Study.create(tmp_path / "study.db", "dcgan", SPACE, SearchConfig())


def test_a_folder_that_is_not_there_is_a_readable_error(tmp_path):
    with pytest.raises(WorkError, match="cannot write the study"):
        Study.create(tmp_path / "nowhere" / "study.db", "dcgan", SPACE, SearchConfig())


@pytest.mark.parametrize(
    "past",
    [
        PastTrial(1, {}, Status.FAILED),
        PastTrial(0, {"train.lr_g": 5.0}, Status.FAILED),
        PastTrial(0, {"train.other": 5.0}, Status.FAILED),
        PastTrial(0, {"train.lr_g": "high"}, Status.FAILED),
        PastTrial(0, {"train.lr_g": 1e-4, "train.augment_p": 0.1}, Status.FINISHED, 1.0, math.nan),
        PastTrial(0, {"train.lr_g": 1e-4, "train.augment_p": 0.1}, Status.STOPPED, 1.0, math.inf),
        PastTrial(0, {"train.lr_g": 1e-4, "train.augment_p": 0.1}, Status.FINISHED, 1.0),
    ],
)
def test_records_that_do_not_fit_are_a_readable_error(tmp_path, past):
    (tmp_path / "study.db").write_bytes(b"as it was")
    with pytest.raises(WorkError, match="record"):
        Study.rebuild(tmp_path / "study.db", "dcgan", NUMBERS, SearchConfig(), [past])
    assert (tmp_path / "study.db").read_bytes() == b"as it was"
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]


def test_odd_characters_in_the_path(tmp_path):
    folder = tmp_path / "a b?c#d%20é"
    folder.mkdir()
    study = Study.create(folder / "study.db", "dcgan", NUMBERS, SearchConfig())
    study.ask()
    study.close()
    assert [path.name for path in folder.iterdir()] == ["study.db"]
    with sqlite3.connect(folder / "study.db") as connection:
        assert connection.execute("select count(*) from trials").fetchone() == (1,)


def test_a_rebuild_on_a_full_disk_leaves_no_half_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StorageError, match="No space left on device"):
        Study.rebuild(tmp_path / "study.db", "dcgan", SPACE, SearchConfig(trials=2), [])
    assert list(tmp_path.iterdir()) == []
