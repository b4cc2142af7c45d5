"""Packed pictures come to a machine that lacks them: whole, checked, resumed, and opened without their sources."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganlib.config import DataConfig, PhotosConfig
from ganlib.domains import kit, travel
from ganlib.domains.sets import TrainingSets, prepare_sets
from ganlib.errors import WorkError


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for side, count in (("cats", 5), ("dogs", 7), ("people", 9)):
        (place / side).mkdir()
        for index in range(count):
            pixels = random.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / side / f"{index}.png")
    (place / "both").mkdir()
    for side in ("cats", "dogs"):
        shutil.copytree(place / side, place / "both" / side)
    return place


def prepared(kind: str, sources: Path, cache: Path) -> TrainingSets:
    if kind == "one":
        return prepare_sets(DataConfig(source=str(sources / "cats"), size=32), cache=cache)
    if kind == "labels":
        config = DataConfig(source=str(sources / "both"), size=32, labels="folders")
        return prepare_sets(config, cache=cache)
    photos = PhotosConfig(source=str(sources / "people"))
    return prepare_sets(DataConfig(source=str(sources / "cats"), size=32), photos, True, cache=cache)


def reader(cache: Path, sets: TrainingSets, asked: list[tuple[str, int]] | None = None) -> travel.Read:
    """Reads as the driver's machine does."""
    own = kit.find(sets.hash, cache)
    assert own is not None
    files = dict(own.files)

    def read(name: str, offset: int, size: int) -> bytes:
        if asked is not None:
            asked.append((name, offset))
        return files[name].read_bytes()[offset : offset + size]

    return read


def description(cache: Path, sets: TrainingSets) -> bytes:
    return (cache / kit.FOLDER / sets.hash / kit.DESCRIPTION).read_bytes()


@pytest.mark.parametrize("kind", ["one", "labels", "two"])
def test_sets_are_the_same_elsewhere(kind: str, sources: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    sets = prepared(kind, sources, here)
    assert kit.known(sets.hash, cache=here) is None, "nobody has written it down"
    kit.write(sets, here)
    told: list[tuple[int, int]] = []
    kit.receive(
        sets.hash,
        description(here, sets),
        reader(here, sets),
        there,
        lambda done, total: told.append((done, total)),
    )
    assert told[-1][0] == told[-1][1] > 0
    shutil.rmtree(here / kit.FOLDER / sets.hash / "nothing", ignore_errors=True)
    for place in (here, there):
        found = kit.known(sets.hash, kind == "two", place)
        assert found is not None
        assert found.hash == sets.hash
        for (_, one), (_, other) in zip(found.sides, sets.sides, strict=True):
            assert one.path.is_relative_to(place)
            assert np.array_equal(one.pictures, other.pictures)
            assert (one.classes is None) == (other.classes is None)
            if one.classes is not None and other.classes is not None:
                assert one.classes.names == other.classes.names
                assert np.array_equal(one.classes.of, other.classes.of)
            assert one.groups == other.groups
        if kind == "two":
            assert found.edge_pictures is not None
            assert np.array_equal(found.edge_pictures, sets.edge_pictures)  # type: ignore[arg-type]
    asked: list[tuple[str, int]] = []
    kit.receive(sets.hash, description(here, sets), reader(here, sets, asked), there)
    assert asked == [], "once a machine"


def test_what_has_come_is_not_fetched_again(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(travel, "PIECE", 1000)
    here, there = tmp_path / "here", tmp_path / "there"
    sets = prepared("one", sources, here)
    kit.write(sets, here)
    asked: list[tuple[str, int]] = []
    good = reader(here, sets, asked)

    def cut(name: str, offset: int, size: int) -> bytes:
        if offset >= 5000:
            raise ConnectionError("the driver's machine is gone")
        return good(name, offset, size)

    with pytest.raises((OSError, WorkError)):
        kit.receive(sets.hash, description(here, sets), cut, there)
    assert kit.known(sets.hash, cache=there) is None
    asked.clear()
    kit.receive(sets.hash, description(here, sets), good, there)
    assert min(offset for name, offset in asked if name.endswith(".npy")) == 5000
    assert kit.known(sets.hash, cache=there) is not None
    assert not list(there.rglob("*.part"))


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1]) if data else data


def shorter(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize("harm", [flipped, shorter])
def test_what_arrives_damaged_is_refused_and_fetched_anew(
    harm: Callable[[bytes], bytes], sources: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    sets = prepared("one", sources, here)
    kit.write(sets, here)
    good = reader(here, sets)

    def bad(name: str, offset: int, size: int) -> bytes:
        data = good(name, offset, size)
        return harm(data) if name.endswith(".npy") and offset == 0 else data

    with pytest.raises(WorkError, match=r"arrived damaged|cannot keep"):
        kit.receive(
            sets.hash, description(here, sets), lambda n, o, s: bad(n, o, s) if o == 0 else b"", there
        )
    assert kit.known(sets.hash, cache=there) is None
    kit.receive(sets.hash, description(here, sets), good, there)
    assert kit.known(sets.hash, cache=there) is not None


def test_a_full_disk_is_told_before_anything_comes(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    sets = prepared("one", sources, here)
    kit.write(sets, here)
    monkeypatch.setattr(travel, "_room_of", lambda descriptor: 10)
    asked: list[tuple[str, int]] = []
    with pytest.raises(WorkError, match="cannot keep the pictures") as error:
        kit.receive(sets.hash, description(here, sets), reader(here, sets, asked), there)
    assert str(there) in str(error.value)
    assert not [name for name, _ in asked if name.endswith("data.npy")]


@pytest.mark.parametrize("loss", ["pictures", "note", "description", "classes"])
def test_what_was_deleted_from_the_cache_is_missed(loss: str, sources: Path, tmp_path: Path) -> None:
    sets = prepared("labels", sources, tmp_path)
    kit.write(sets, tmp_path)
    folder = tmp_path / kit.FOLDER / sets.hash
    path = {
        "pictures": sets.drawings.path,
        "note": sets.drawings.path.with_suffix(".json"),
        "description": folder / kit.DESCRIPTION,
        "classes": folder / "data.classes.npy",
    }[loss]
    path.unlink()
    assert kit.known(sets.hash, cache=tmp_path) is None


@settings(deadline=None, max_examples=40)
@given(data=st.binary(max_size=70), piece=st.integers(1, 40), there=st.integers(0, 80), size=st.booleans())
def test_a_file_is_whole_whatever_was_there(
    data: bytes, piece: int, there: int, size: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of any length, in pieces of any length, after any part of it had come."""
    path = tmp_path_factory.mktemp("file") / "x.bin"
    path.with_name("x.bin.part").write_bytes(data[:there])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(travel, "PIECE", piece)
        travel.fetch(
            "x", path, len(data) if size else None, lambda name, start, more: data[start : start + more]
        )
    assert path.read_bytes() == data
