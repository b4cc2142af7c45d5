"""Judgements on record: nothing that was said is lost, or counts twice, or stands in the way of another's."""

import json

import pytest
from helpers.programs.fake_s3 import bucket_in_memory
from hypothesis import given
from hypothesis import strategies as st

from ganlib.errors import RequestError, WorkError
from sweep.results.judging import judgements
from sweep.results.judging.bradley_terry import Choice
from sweep.results.judging.judgements import Judgement, Session, Shown, checked_name, parse
from sweep.storage.folder import Folder, StorageError

ONE = Judgement(Shown(3, 60.0), Shown(7, 48.012), Choice.FIRST, 2.25)


def test_each_is_on_record_when_it_is_made(folder: Folder) -> None:
    assert judgements.read(folder) == {}
    session = Session(folder, "ann", lambda: 0.0)
    session.add(ONE)
    assert judgements.read(folder) == {"ann": [ONE]}
    line = json.loads(folder.read(session.path))
    assert line == {"time": "1970-01-01T00:00:00.000+00:00", **ONE.line()}
    other = Session(folder, "ann", lambda: 0.0)  # another window, or machine, in the same second
    other.add(ONE)
    Session(folder, "bo").add(ONE)
    assert judgements.read(folder) == {"ann": [ONE, ONE], "bo": [ONE]}


def test_what_is_taken_back_stays_on_record(folder: Folder) -> None:
    session = Session(folder, "ann")
    assert session.undo() is None
    session.add(ONE)
    assert session.undo() == ONE
    assert judgements.read(folder) == {}
    assert len(folder.read(session.path).splitlines()) == 2


SHOWN = st.builds(Shown, st.integers(0, 3), st.floats(0, 1e6))
JUDGEMENT = st.builds(Judgement, SHOWN, SHOWN, st.sampled_from(Choice), st.none() | st.floats(0, 1e6)).filter(
    lambda one: one.first.trial != one.second.trial
)


@given(st.lists(st.none() | JUDGEMENT, max_size=12))
def test_what_is_read_is_what_counts(deeds: list[Judgement | None]) -> None:
    folder = bucket_in_memory()
    session, counted = Session(folder, "ann"), []
    for deed in deeds:
        if deed:
            session.add(deed)
            counted.append(deed)
        elif session.undo():
            counted.pop()
    assert session.counted == counted
    assert judgements.read(folder).get("ann", []) == counted


def test_what_cannot_be_written_does_not_count(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(folder, "ann")
    session.add(ONE)

    def full(self: Folder, path: str, data: bytes) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(type(folder), "write", full)
        with pytest.raises(StorageError):
            session.add(ONE)
        with pytest.raises(StorageError):
            session.undo()
    assert session.counted == [ONE] == judgements.read(folder)["ann"]
    session.undo()
    assert judgements.read(folder) == {}


@pytest.mark.parametrize("name", ["._{}", "{} (1)", "{} copy", "x{}"])
def test_a_copy_of_a_session_is_not_counted_again(name: str, folder: Folder) -> None:
    """Clouds leave copies, and Macs second files that are no text."""
    session = Session(folder, "ann")
    session.add(ONE)
    copy = session.path.replace("judgements/ann/", "").removesuffix(".jsonl")
    folder.write(f"judgements/ann/{name.format(copy)}.jsonl", folder.read(session.path))
    folder.write("judgements/.DS_Store", b"strange")
    assert judgements.read(folder) == {"ann": [ONE]}
    assert [*judgements.others(folder)] == [f"judgements/ann/{name.format(copy)}.jsonl"]


GOOD = json.dumps(ONE.line())


@pytest.mark.parametrize(
    "line",
    [
        *("{", "[]", "7", "{}", '{"undo": true}'),
        GOOD.replace('"choice": "first"', '"choice": "both"'),
        GOOD.replace('"second": 7', '"second": 3'),
        GOOD.replace('"second": 7', '"second": null'),
    ],
)
def test_a_line_that_says_nothing_is_told(line: str) -> None:
    undone = '{"undo": true}'
    with pytest.raises(WorkError, match=r"'judgements/ann/x.jsonl' has no judgement in line 3"):
        parse(f"{GOOD}\n{undone}\n{line}\n{GOOD}\n".encode(), "judgements/ann/x.jsonl")


@pytest.mark.parametrize("who", ["", " ", "../ann", "a/b", ".hidden", "x" * 41, "a b", "a\0b"])
def test_a_name_stays_in_its_folder(who: str) -> None:
    with pytest.raises(RequestError, match="--who"):
        checked_name(who)


def test_names_of_all_languages_will_do() -> None:
    assert checked_name(" Zoe\u0308 ") == "Zo\u00eb"
    assert checked_name("anna-lena_2.b") == "anna-lena_2.b"
