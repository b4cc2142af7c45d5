"""Which square of a picture is taken, by place or by a face; and how many channels it has."""

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from ganlib.config import DataConfig
from ganlib.data import prepare
from ganlib.data.look import faces
from ganlib.data.look.squares import around, square
from ganlib.domains.landmarks import PicturePoints, face_squares, read_landmarks, write_landmarks
from ganlib.errors import RequestError


@pytest.fixture
def detector(monkeypatch):
    """A detector that finds one face, where a white square is."""

    def found(levels):
        rows, cols = np.nonzero(levels > 250)
        if not len(rows):
            return []
        return [(cols.min(), rows.min(), np.ptp(cols) + 1, np.ptp(rows) + 1), (0, 0, 2, 2)]

    monkeypatch.setattr(faces, "check", lambda section="data": None)
    monkeypatch.setattr(faces, "recipe", lambda: "fake")
    monkeypatch.setattr(faces, "_detector", lambda: found)


def face_at(left, top, width=120, height=200, side=20):
    image = np.full((height, width, 3), 90, np.uint8)
    image[top : top + side, left : left + side] = 255
    return Image.fromarray(image)


def test_squares():
    assert square(30, 70, "center") == (0, 20, 30)
    assert square(30, 70, "top") == (0, 0, 30)
    assert square(70, 30, "top") == (20, 0, 30)
    assert around((40, 60, 20, 20), 120, 200) == (30, 50, 40)
    assert around((0, 190, 20, 10), 120, 200) == (0, 160, 40)
    assert around((0, 0, 500, 500), 120, 200) == (0, 80, 120)


def test_the_top_of_portraits(tmp_path):
    levels = np.zeros((80, 32, 3), np.uint8)
    levels[:32] = 200
    for name in ("a.png", "b.png"):
        Image.fromarray(levels).save(tmp_path / name)
    config = DataConfig(source=str(tmp_path), size=32, crop="top")
    assert prepare(config, tmp_path / "cache", 1).pictures.min() == 200
    centre = prepare(config.model_copy(update={"crop": "center"}), tmp_path / "cache", 1)
    assert centre.pictures.min() == 0


@pytest.mark.usefixtures("detector")
def test_faces_are_cropped_to_and_landmarks_move_with_them(tmp_path):
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "0.png").write_text("broken")
    face_at(40, 60).save(folder / "a.png")
    face_at(0, 0, side=0).save(folder / "b.png")
    images = prepare(DataConfig(source=str(folder), size=32, crop="faces", max_skipped=0.5), tmp_path, 1)
    assert images.traits["faces"] == 1
    assert images.traits["faceless"] == 1
    assert images.pictures[0, 15, 15].tolist() == [255] * 3
    assert images.pictures[1].max() == 90
    assert face_squares(images) == {0: (30, 50, 40)}
    points = [PicturePoints(name, 120, 200, [(50 / 120, 70 / 200)]) for name in ("a.png", "b.png")]
    write_landmarks(tmp_path / "points.parquet", points)
    found = read_landmarks(tmp_path / "points.parquet", ["a.png", "b.png"], "faces", face_squares(images))
    np.testing.assert_allclose(found[:, 0], [(0.5, 0.5), (50 / 120, 30 / 120)], atol=1e-6)


@pytest.mark.usefixtures("detector")
def test_no_face_at_all_is_refused(tmp_path):
    for name in ("a.png", "b.png"):
        face_at(0, 0, side=0).save(tmp_path / name)
    with pytest.raises(RequestError, match="no face was found in any of 2"):
        prepare(DataConfig(source=str(tmp_path), size=32, crop="faces"), tmp_path / "cache", 1)


def test_without_a_detector_it_is_said_how_to_install_one(tmp_path, monkeypatch):
    monkeypatch.setattr(faces, "find_spec", lambda name: None)
    face_at(9, 9).save(tmp_path / "b.png")
    with pytest.raises(RequestError, match=r"pip install 'sweep-gan\[faces\]'"):
        prepare(DataConfig(source=str(tmp_path), size=32, crop="faces"), tmp_path / "cache", 1)


def test_four_channels_and_a_transparent_background_are_one():
    for given in ({"channels": 4}, {"background": "transparent"}):
        config = DataConfig(**given)
        assert (config.channels, config.background) == (4, "transparent")
        assert DataConfig.model_validate(config.model_dump()) == config
    for given in ({"channels": 1, "background": "transparent"}, {"channels": 4, "background": "red"}):
        with pytest.raises(ValidationError, match="contradict each other"):
            DataConfig(**given)


def test_grey_is_the_luma_of_what_shows_on_the_background(tmp_path):
    for name, pixel in {"red": (255, 0, 0, 255), "clear": (255, 0, 0, 0)}.items():
        Image.new("RGBA", (40, 40), pixel).save(tmp_path / f"{name}.png")
    images = prepare(DataConfig(source=str(tmp_path), size=32, channels=1), tmp_path / "cache", 1)
    assert images.pictures.shape == (2, 32, 32, 1)
    assert [int(picture.mean()) for picture in images.pictures] == [255, 76]
    drawn = DataConfig(count=2, size=32, channels=1)
    colour = prepare(drawn.model_copy(update={"channels": 3}), tmp_path / "cache", 1).pictures
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(prepare(drawn, tmp_path / "cache", 1).pictures[..., 0] - luma).max() <= 1
