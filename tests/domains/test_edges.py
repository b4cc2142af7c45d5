"""Drawings with blurred edges: soft where a line is, untouched elsewhere; kept as a set of their own."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.morphology import dilation, disk

from ganlib.config import DataConfig
from ganlib.data import ImageSet, prepare, verify
from ganlib.domains import edges
from ganlib.domains.edges import RADIUS, SIDE, edge_promoted, promote, promoted

SIZES = (32, 64, 128, 256)


def plane(side: int) -> np.ndarray:
    """Rows and columns of the pixels, from the middle, as shares of the side."""
    return (np.mgrid[:side, :side] + 0.5) / side - 0.5


def disc(side: int, colour: int = 0) -> np.ndarray:
    """A disc of a third of the side on white."""
    y, x = plane(side)
    inside = y**2 + x**2 < (1 / 3) ** 2
    return np.where(inside[..., None], colour, 255).astype(np.uint8).repeat(3, 2)


def line(side: int) -> np.ndarray:
    """A black upright line, a 32nd of the side wide, right of the middle on white."""
    _, x = plane(side)
    return np.where(((x > 0) & (x < 1 / 32))[..., None], 0, 255).astype(np.uint8).repeat(3, 2)


def steepest(picture: np.ndarray) -> int:
    """The largest difference between neighbours."""
    return max(int(np.abs(np.diff(picture.astype(int), axis=axis)).max()) for axis in (0, 1))


def far(picture: np.ndarray) -> np.ndarray:
    """The pixels that are farther from any jump of the levels than an edge is blurred."""
    side = len(picture)
    jumps = np.zeros((side, side), bool)
    for axis in (0, 1):
        jump = np.diff(picture[..., 0].astype(int), axis=axis) != 0
        jumps |= np.pad(jump, [(0, 1) if axis == a else (0, 0) for a in (0, 1)])
        jumps |= np.pad(jump, [(1, 0) if axis == a else (0, 0) for a in (0, 1)])
    radius = round(RADIUS * (side / SIDE) ** 0.5)
    return ~dilation(jumps, disk(radius + 1))  # an edge may be found a pixel beside the jump


@pytest.mark.parametrize("side", SIZES)
@pytest.mark.parametrize("figure", [disc, line])
def test_edges_are_softer_and_all_else_is_untouched(side, figure) -> None:
    drawing = figure(side)
    before = drawing.copy()
    made = promote(drawing)
    assert made.dtype == np.uint8
    assert made.shape == drawing.shape
    assert np.array_equal(drawing, before)
    assert far(drawing).mean() > 0.5
    assert np.array_equal(made[far(drawing)], drawing[far(drawing)])
    assert steepest(drawing) == 255
    assert steepest(made) < 0.75 * 255
    changed = (made != drawing).any(2)
    assert changed.any()
    assert not (changed & far(drawing)).any()


@pytest.mark.parametrize("side", SIZES)
def test_the_whole_outline_is_softened(side) -> None:
    """Around a disc no jump is left as high as it was."""
    made = promote(disc(side)).astype(int)
    row = made[side // 2, :, 0]
    assert np.abs(np.diff(row)).max() < 0.75 * 255
    assert np.abs(np.diff(made[:, side // 2, 0])).max() < 0.75 * 255


@given(level=st.tuples(*[st.integers(0, 255)] * 3), side=st.sampled_from(SIZES[:3]))
def test_a_flat_picture_stays_as_it_is(level, side) -> None:
    drawing = np.full((side, side, 3), level, np.uint8)
    made = promote(drawing)
    assert np.array_equal(made, drawing)
    assert made is not drawing


@given(step=st.integers(0, 12), level=st.integers(0, 240))
def test_faint_steps_are_no_edges(step, level) -> None:
    drawing = np.full((32, 32, 3), level, np.uint8)
    drawing[:, 16:] += np.uint8(step)
    assert np.array_equal(promote(drawing), drawing)


@given(seed=st.integers(0, 100))
def test_levels_stay_between_those_of_the_neighbourhood(seed) -> None:
    random = np.random.default_rng(seed)
    drawing = random.integers(40, 200, (32, 32, 3)).astype(np.uint8)
    made = promote(drawing)
    assert made.min() >= drawing.min()
    assert made.max() <= drawing.max()


def test_mirroring_commutes_with_blurring() -> None:
    drawing = disc(64)
    assert np.array_equal(promote(drawing[:, ::-1]), promote(drawing)[:, ::-1])


# ---- the set -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawings(tmp_path_factory) -> ImageSet:
    return prepare(DataConfig(count=40, size=32), tmp_path_factory.mktemp("drawings"), workers=1)


def test_the_set_is_that_of_every_drawing(drawings, tmp_path) -> None:
    told: list[tuple[int, int]] = []
    made = edge_promoted(drawings, tmp_path, workers=1, progress=lambda *now: told.append(now))
    assert np.array_equal(made.pictures, promoted(drawings.pictures))
    assert verify(made)
    assert made.hash != drawings.hash
    assert made.attribution == drawings.attribution
    assert told[0] == (0, 40)
    assert told[-1] == (40, 40)
    assert sorted(told) == told


def test_it_is_made_once(drawings, tmp_path, monkeypatch) -> None:
    first = edge_promoted(drawings, tmp_path, workers=1)
    monkeypatch.setattr(edges, "promote", None)
    assert edge_promoted(drawings, tmp_path, workers=1) == first
    monkeypatch.setattr(edges, "PROCEDURE", edges.PROCEDURE + 1)
    with pytest.raises(TypeError):
        edge_promoted(drawings, tmp_path, workers=1)
    assert not list((tmp_path / "data").glob("*.partial"))


@pytest.mark.parametrize("damage", ["cut", "removed", "unnoted"])
def test_a_damaged_set_is_made_anew(drawings, tmp_path, damage) -> None:
    first = edge_promoted(drawings, tmp_path, workers=1)
    if damage == "cut":
        os.truncate(first.path, 1000)
    elif damage == "removed":
        first.path.unlink()
    else:
        first.path.with_suffix(".json").write_text("{")
    again = edge_promoted(drawings, tmp_path, workers=1)
    assert verify(again)
    assert again.hash == first.hash


def test_workers_make_the_same_set(tmp_path, monkeypatch) -> None:
    from ganlib.data import work

    monkeypatch.setattr(work, "_MIN_PER_WORKER", 20)
    drawings = prepare(DataConfig(count=70, size=32), tmp_path, workers=1)
    alone, together = (edge_promoted(drawings, tmp_path / str(n), workers=n) for n in (1, 2))
    assert alone.hash == together.hash


SCRIPT = """
import sys
from pathlib import Path
from ganlib.data import open_set
from ganlib.domains.edges import edge_promoted
calls = []
made = edge_promoted(open_set(Path(sys.argv[1])), Path(sys.argv[2]), 2, lambda *call: calls.append(call))
print("made" if calls else "found", len(made), made.hash, "torch" in sys.modules)
"""


def test_processes_that_start_at_once_make_one_set(drawings, tmp_path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(drawings.path), str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    words = sorted(process.communicate(timeout=100)[0].split() for process in running)
    assert [word[0] for word in words] == ["found", "made"]
    assert words[0][1:] == words[1][1:] == ["40", edge_promoted(drawings, tmp_path).hash, "False"]
    assert len(list((tmp_path / "data").glob("*.npy"))) == 1
    assert not list((tmp_path / "data").glob("*.partial"))
