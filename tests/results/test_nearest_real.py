"""Nearest real neighbours: found where they are known, kept, and read back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganlib.data.sheet import grid
from sweep.results import nearest_real
from sweep.storage import layout
from sweep.storage.opening import open_folder


def test_a_copy_is_its_own_original(pictures: Callable[..., np.ndarray]) -> None:
    real = pictures(50, 32)
    where, distances, usual = nearest_real.nearest(real[[7, 40]], real)
    assert list(where) == [7, 40]
    assert max(distances) < 0.1
    assert usual > 5, "real pictures are not counted as their own neighbours"


@pytest.mark.parametrize("size", [28, 64])
def test_it_agrees_with_the_plain_way(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    real = rng.integers(0, 256, (30, size, size, 3), dtype=np.uint8)
    fake = rng.integers(0, 256, (5, size, size, 3), dtype=np.uint8)
    monkeypatch.setattr(nearest_real, "_BLOCK_BYTES", 7 * real[0].nbytes * 4)  # in several blocks
    where, distances, _ = nearest_real.nearest(fake, real)
    factor = max(1, size // nearest_real.SIDE)
    small = [
        np.stack([np.asarray(Image.fromarray(p).reduce(factor), np.float64) for p in part])
        for part in (fake, real)
    ]
    plain = np.sqrt(((small[0][:, None] - small[1][None]) ** 2).mean((2, 3, 4)))
    assert np.allclose(distances, plain.min(1), atol=0.5)  # Pillow rounds
    assert np.all(plain[np.arange(5), where] - plain.min(1) < 0.5)


def test_they_are_kept_and_read_back(pictures: Callable[..., np.ndarray], tmp_path: Path) -> None:
    real = pictures(70, 32)
    folder = open_folder(tmp_path)
    assert nearest_real.read(folder) is None
    found, sheet = nearest_real.find(3, 12.5, grid(real[6:70], 8), real)
    nearest_real.write(folder, found, sheet)
    again = nearest_real.read(folder)
    assert again is not None
    assert again[0] == found
    assert np.array_equal(np.asarray(again[1]), np.asarray(grid(real[6:70], 8)))
    assert found.pictures == 70
    assert len(found.distances) == 64
    assert found.median < 0.1


@pytest.mark.parametrize(
    ("shown", "rows"),
    [
        ((), [0, 1, 2, 3]),
        (("bird", "cat", "bird", "cat"), [0, 1, 2, 3]),  # a row a class
        (("photograph", nearest_real.DRAWN) * 2, [1, 3]),
    ],
)
def test_of_a_translator_its_drawings_are_compared_and_of_all_others_everything(
    pictures: Callable[..., np.ndarray], shown: tuple[str, ...], rows: list[int]
) -> None:
    real = pictures(40, 32)
    found, sheet = nearest_real.find(3, 12.5, grid(real[:32], 8), real, shown)
    wanted = np.concatenate([real[8 * row : 8 * row + 8] for row in rows])
    assert np.array_equal(np.asarray(sheet), np.asarray(grid(wanted, 8)))
    assert len(found.distances) == len(wanted)


def test_what_is_no_grid_or_no_record_is_told(pictures: Callable[..., np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="100 x 100 is no grid of pictures of 32 px"):
        nearest_real.find(0, 1.0, Image.new("RGB", (100, 100)), pictures(10, 32))
    folder = open_folder(tmp_path)
    for data in (b"", b"\x89PNG but not really"):
        folder.write(layout.NEAREST_REAL, data)
        assert nearest_real.read(folder) is None
    Image.new("RGB", (9, 9)).save(tmp_path / layout.NEAREST_REAL, "PNG")
    assert nearest_real.read(folder) is None


def test_packed_pictures_are_found_by_their_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganlib.config import DataConfig
    from ganlib.data import prepare

    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path))
    assert nearest_real.packed("0" * 64) is None
    images = prepare(DataConfig(source="avatars", count=9, size=28))
    assert np.array_equal(nearest_real.packed(images.hash), images.pictures)
    assert nearest_real.packed("0" * 64) is None
