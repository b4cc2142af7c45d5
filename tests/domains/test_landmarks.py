"""Landmarks: which row belongs to which picture, and where its points lie in the square that is made of it."""

import importlib.util
import logging
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganlib.config import DataConfig
from ganlib.data import prepare
from ganlib.data.avatars import components, draw
from ganlib.data.look.squares import square
from ganlib.domains.landmarks import PicturePoints, names_of, read_landmarks, write_landmarks
from ganlib.errors import RequestError, WorkError

SCRIPT = Path(__file__).parents[2] / "scripts" / "landmarks.py"
WHITE = (255, 255, 255)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("landmarks_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dotted(width: int, height: int, x: int, y: int) -> Image.Image:
    """A black picture with one red pixel."""
    picture = Image.new("RGB", (width, height))
    picture.putpixel((x, y), (255, 0, 0))
    return picture


def red_pixel(picture: np.ndarray) -> list[tuple[float, float]]:
    """A detector: the middle of the reddest pixel."""
    redness = picture[..., 0].astype(int) - picture[..., 2]
    y, x = np.unravel_index(redness.argmax(), redness.shape)
    return [(x + 0.5, y + 0.5)] if redness.max() > 100 else []


def table(path: Path, **columns: list[object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


# ---- reading -----------------------------------------------------------------------------------------------


def test_rows_are_found_by_name_in_the_order_of_the_pictures(tmp_path, caplog) -> None:
    path = tmp_path / "points.parquet"
    write_landmarks(
        path,
        [
            PicturePoints("b/2.png", 10, 10, [(0.1, 0.2), None]),
            PicturePoints("other.png", 10, 10, [(0.5, 0.5), (0.5, 0.5)]),
            PicturePoints("1.png", 10, 10, [(0.3, 0.4), (0.5, 1.0)]),
        ],
    )
    with caplog.at_level(logging.WARNING):
        points = read_landmarks(path, ["1.png", "a.png", "b/2.png"])
    assert points.dtype == np.float32
    nan = math.nan
    expected = [[[0.3, 0.4], [0.5, 1.0]], [[nan, nan]] * 2, [[0.1, 0.2], [nan, nan]]]
    np.testing.assert_allclose(points, expected, rtol=1e-6)
    assert "1 of 3 pictures have no landmarks" in caplog.text
    assert "'a.png'" in caplog.text


def test_no_warning_where_every_picture_has_a_row(tmp_path, caplog) -> None:
    path = table(
        tmp_path / "p.parquet", picture=["0"], width=[9], height=[9], x0=[0.5], y0=[0.5], score=["?"]
    )
    with caplog.at_level(logging.WARNING):
        assert read_landmarks(path, ["0"]).tolist() == [[[0.5, 0.5]]]
    assert not caplog.text


@pytest.mark.parametrize(
    ("width", "height", "point", "expected"),
    [
        (10, 10, (0.2, 0.7), (0.2, 0.7)),
        (20, 10, (0.5, 0.3), (0.5, 0.3)),
        (20, 10, (0.25, 0.0), (0.0, 0.0)),  # 5 of 20 are cut off at the left
        (20, 10, (0.0, 1.0), (-0.5, 1.0)),
        (10, 40, (0.4, 0.5), (0.4, 0.5)),
        (10, 40, (0.4, 1.0), (0.4, 2.5)),
    ],
)
def test_points_are_moved_into_the_central_square(width, height, point, expected, tmp_path) -> None:
    write_landmarks(tmp_path / "p.parquet", [PicturePoints("a", width, height, [point])])
    np.testing.assert_allclose(read_landmarks(tmp_path / "p.parquet", ["a"])[0, 0], expected, atol=1e-6)


@given(width=st.integers(1, 40), height=st.integers(1, 40), data=st.data())
def test_a_pixel_lies_where_cropping_puts_it(width, height, data, tmp_path_factory) -> None:
    side = min(width, height)
    x = (width - side) // 2 + data.draw(st.integers(0, side - 1))
    y = (height - side) // 2 + data.draw(st.integers(0, side - 1))
    path = tmp_path_factory.getbasetemp() / "drawn.parquet"
    point = ((x + 0.5) / width, (y + 0.5) / height)
    write_landmarks(path, [PicturePoints("a", width, height, [point])])
    found = read_landmarks(path, ["a"])[0, 0] * side
    left, top, side = square(width, height, "center")
    cut = np.asarray(dotted(width, height, x, y).crop((left, top, left + side, top + side)))
    assert cut[int(found[1]), int(found[0]), 0] == 255


ROW = {"picture": ["a"], "width": [4], "height": [4], "x0": [0.5], "y0": [0.5]}
TWO = {key: value * 2 for key, value in ROW.items()}


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"picture": ["a"], "x0": [0.5]}, "has no column width, height, x0, y0, but picture, x0"),
        ({key: ROW[key] for key in ("picture", "width", "height", "x0")}, "has no column x0, y0"),
        (ROW | {"picture": ["z"]}, r"no row of .* column picture has 'z', and the pictures are 'a', 'b'"),
        (TWO, "several rows of one picture .*'a'"),
        (ROW | {"x0": [200.0]}, r"points of 'a' .* from 0 to 1, not pixels"),
        (ROW | {"x0": ["left"]}, "must hold names as text and numbers"),
        (ROW | {"width": [0]}, "width and height of 'a' .* in pixels"),
        (ROW | {"width": [None]}, "width and height of 'a' .* in pixels|numbers"),
    ],
)
def test_files_that_are_refused(columns, why, tmp_path) -> None:
    with pytest.raises(RequestError, match=f"photos.landmarks: .*{why}"):
        read_landmarks(table(tmp_path / "p.parquet", **columns), ["a", "b"])


def test_what_is_no_parquet_file(tmp_path) -> None:
    (tmp_path / "text").write_text("no table")
    for name in ("text", "missing"):
        with pytest.raises(RequestError, match=f"cannot read '.*{name}' as a Parquet file"):
            read_landmarks(tmp_path / name, ["a"])


def test_one_name_of_two_pictures_is_refused(tmp_path) -> None:
    with pytest.raises(RequestError, match="1 names belong to more than one picture, such as 'a'"):
        read_landmarks(table(tmp_path / "p.parquet", **ROW), ["a", "b", "a"])


@pytest.mark.parametrize("counts", [[], [0], [1, 2]])
def test_what_cannot_be_written(counts, tmp_path) -> None:
    rows = [PicturePoints(str(n), 4, 4, [(0.5, 0.5)] * n) for n in counts]
    with pytest.raises(ValueError, match=r"no picture has landmarks|same number of points"):
        write_landmarks(tmp_path / "p.parquet", rows)


# ---- names -------------------------------------------------------------------------------------------------


def test_names_are_those_of_the_prepared_pictures(tmp_path) -> None:
    folder = tmp_path / "photos"
    (folder / "b").mkdir(parents=True)
    for number, name in enumerate(["2.png", "b/1.png", "a.png"]):
        dotted(8, 8, number, 0).save(folder / name)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    config = DataConfig(source=[str(folder), "avatars"], count=2, size=28, max_skipped=0.5)
    images = prepare(config, tmp_path / "cache", workers=1)
    assert names_of(config, images) == ["2.png", "a.png", "b/1.png", "0", "1"]
    dotted(8, 8, 5, 5).save(folder / "new.png")
    with pytest.raises(WorkError, match=r"data\.source: 6 pictures are there, but 5 were prepared"):
        names_of(config, images)


# ---- the script --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["adventurer", "lorelei", "avataaars", "micah"])
def test_eyes_and_mouth_of_avatars(style, script, tmp_path) -> None:
    out = tmp_path / "p.parquet"
    assert script.main(["avatars", "--style", style, "--count", "4", "--out", str(out)]) == 0
    points = read_landmarks(out, [str(index) for index in range(4)])
    assert points.shape == (4, 3, 2)
    seen = points[np.isfinite(points).all((1, 2))]
    assert len(seen) >= 3
    left, right, mouth = seen.swapaxes(0, 1)
    assert (left[:, 0] + 0.1 < right[:, 0]).all()
    assert (np.abs(left[:, 1] - right[:, 1]) < 0.1).all()
    assert (mouth[:, 1] > np.maximum(left[:, 1], right[:, 1]) + 0.05).all()
    assert ((seen > 0.15) & (seen < 0.85)).all()


def test_a_part_is_left_out_and_nothing_else_changes() -> None:
    whole = draw("adventurer", 0, 0, 128, WHITE)
    changed = (draw("adventurer", 0, 0, 128, WHITE, without="mouth") != whole).any(2)
    rows, columns = changed.nonzero()
    assert 0 < changed.mean() < 0.03
    assert np.ptp(rows) < 40
    assert np.ptp(columns) < 40
    assert np.array_equal(draw("adventurer", 0, 0, 128, WHITE, without=None), whole)
    assert {"eyes", "mouth", "hair"} <= set(components("adventurer"))


def test_styles_without_such_parts_are_refused(script, tmp_path, capsys) -> None:
    asked = ["avatars", "--count", "2", "--out", str(tmp_path / "p.parquet")]
    assert script.main([*asked, "--style", "open-peeps"]) == 2
    assert "have no part eyes or mouth; choose one of adventurer, " in capsys.readouterr().err
    assert script.main([*asked, "--style", "adventurers"]) == 2
    assert "did you mean 'adventurer'?" in capsys.readouterr().err
    assert not (tmp_path / "p.parquet").exists()


def test_a_detector_sees_every_picture_as_it_is_seen(script, tmp_path, monkeypatch, capsys) -> None:
    """Found in the whole picture and read for its square, a point lies on the pixel that was prepared."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    dotted(60, 28, 30, 9).save(folder / "wide.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    dotted(28, 40, 3, 17).save(folder / "deep" / "turned.png", exif=turned)
    Image.new("RGB", (28, 28)).save(folder / "empty.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    (tmp_path / "red.py").write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nfrom test_landmarks import red_pixel as find"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    out = tmp_path / "points.parquet"
    assert script.main(["folder", "photos", "--detector", "red:find", "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert "2 pictures with 1 points each" in told.out
    assert "empty.png: nothing found" in told.err
    assert "broken.png: cannot be read" in told.err

    config = DataConfig(source=str(folder), size=28, max_skipped=0.5)
    images = prepare(config, tmp_path / "cache", workers=1)
    names = names_of(config, images)
    assert names == ["deep/turned.png", "empty.png", "wide.png"]
    points = read_landmarks(out, names)
    assert np.isnan(points[1]).all()
    for index in (0, 2):
        x, y = points[index, 0] * 28
        assert images.pictures[index, int(y), int(x)].tolist() == [255, 0, 0]


def test_detectors_that_cannot_be_used(script, tmp_path, monkeypatch, capsys) -> None:
    dotted(8, 8, 1, 1).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    for name in ("no_such_module:find", "json:find", "json", ":find"):
        asked = ["folder", str(tmp_path), "--detector", name, "--out", str(tmp_path / "p.parquet")]
        assert script.main(asked) == 2
        assert "give the name of a module and a function in it" in capsys.readouterr().err
    (tmp_path / "blind.py").write_text("def find(picture): return None")
    asked = ["folder", str(tmp_path), "--detector", "blind:find", "--out", str(tmp_path / "p.parquet")]
    assert script.main(asked) == 2
    assert "no picture has landmarks" in capsys.readouterr().err
