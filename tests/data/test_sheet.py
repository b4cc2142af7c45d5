"""Grids of pictures."""

import numpy as np
import pytest

from ganlib.data import contact_sheet, grid
from ganlib.data.sheet import GAP


def numbered(count, side=4):
    return np.repeat(np.arange(count, dtype=np.uint8), side * side * 3).reshape(count, side, side, 3)


@pytest.mark.parametrize(
    ("count", "cols", "shape"), [(6, 3, (2, 3)), (7, 3, (3, 3)), (2, 8, (1, 2)), (1, 1, (1, 1))]
)
def test_a_grid_holds_every_picture_in_order(count, cols, shape):
    sheet = np.asarray(grid(numbered(count), cols))
    step = 4 + GAP
    assert sheet.shape == (shape[0] * step + GAP, shape[1] * step + GAP, 3)
    for index in range(count):
        top, left = GAP + index // shape[1] * step, GAP + index % shape[1] * step
        assert (sheet[top : top + 4, left : left + 4] == index).all()
    assert (sheet[:GAP] == 255).all()


def test_a_contact_sheet_is_a_sample_without_repetition():
    pictures = numbered(200)
    sheet = np.asarray(contact_sheet(pictures, 5, 4, seed=1))
    shown = sheet[GAP :: 4 + GAP, GAP :: 4 + GAP, 0].ravel().tolist()
    assert len(set(shown)) == 20
    assert sheet.tolist() == np.asarray(contact_sheet(pictures, 5, 4, seed=1)).tolist()
    assert sheet.tolist() != np.asarray(contact_sheet(pictures, 5, 4, seed=2)).tolist()


def test_a_contact_sheet_of_few_pictures_shows_all():
    sheet = np.asarray(contact_sheet(numbered(3)))
    assert sheet[GAP, GAP :: 4 + GAP, 0].tolist()[:3] == [0, 1, 2]


@pytest.mark.parametrize(
    "wrong", [np.zeros((0, 4, 4, 3), np.uint8), np.zeros((2, 3, 4, 4), np.uint8), np.zeros((2, 4, 4, 3))]
)
def test_what_is_no_pictures_is_refused(wrong):
    with pytest.raises(ValueError, match="uint8"):
        grid(wrong, 2)


def test_a_row_holds_at_least_one():
    with pytest.raises(ValueError, match="cols"):
        grid(numbered(2), 0)
