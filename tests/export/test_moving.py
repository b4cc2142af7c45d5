"""Moving pictures: what is written is what was given, for as long as was said."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from ganlib.errors import WorkError
from ganlib.export import moving


def noise(count: int, size: tuple[int, int] = (260, 300)) -> list[Image.Image]:
    random = np.random.default_rng(0)
    return [
        Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)) for _ in range(count)
    ]


def read(path: Path) -> tuple[list[np.ndarray], list[int]]:
    with Image.open(path) as image:
        frames, times = [], []
        for frame in ImageSequence.Iterator(image):
            frame.load()
            frames.append(np.asarray(frame.convert("RGB")))
            times.append(frame.info["duration"])
        assert image.info["loop"] == 0
    return frames, times


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_each_frame_has_its_time(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    colours = ["red", "green", "blue"]
    moving.save(path, [Image.new("RGB", (257, 300), colour) for colour in colours], seconds=0.2, hold=1.5)
    frames, times = read(path)
    assert times == [200, 200, 1700]
    for frame, expected in zip(frames, [(255, 0, 0), (0, 128, 0), (0, 0, 255)], strict=True):
        assert frame.shape == (300, 257, 3)
        assert np.abs(frame.astype(int) - expected).max() <= 4  # WebP is lossy


def test_one_frame_is_a_film(tmp_path: Path) -> None:
    moving.save(tmp_path / "a.gif", [Image.new("RGB", (16, 20), "red")])
    with Image.open(tmp_path / "a.gif") as image:
        assert (image.size, getattr(image, "n_frames", 1)) == ((256, 320), 1)  # enlarged by a whole factor


def test_one_palette_holds_what_is_needed() -> None:
    needed = [(255, 255, 255), (25, 115, 60), (1, 2, 3)]
    frames = noise(3)
    for index, frame in enumerate(frames):
        for place, colour in enumerate(needed):
            frame.putpixel((index, place), colour)
    reduced = moving.in_few_colours(frames, needed)
    assert len({bytes(frame.getpalette() or []) for frame in reduced}) == 1
    for index, frame in enumerate(reduced):
        exact = frame.convert("RGB")
        assert [exact.getpixel((index, place)) for place in range(3)] == needed
        error = np.abs(np.asarray(exact).astype(int) - np.asarray(frames[index]).astype(int))
        assert error.mean() < 16  # 256 of 16.7 million colours


def test_what_stays_from_frame_to_frame_costs_nothing(tmp_path: Path) -> None:
    (first,) = noise(1)
    frames = [first.copy() for _ in range(6)]
    for index, frame in enumerate(frames):
        frame.putpixel((40 * index, 40 * index), (255, 255, 255))
    reduced = moving.in_few_colours(frames, [(255, 255, 255)])
    moving.save(tmp_path / "all.gif", reduced, 0.1)
    moving.save(tmp_path / "one.gif", reduced[:1], 0.1)
    assert (tmp_path / "all.gif").stat().st_size < 1.1 * (tmp_path / "one.gif").stat().st_size


def test_few_colours_stay_as_they_are(tmp_path: Path) -> None:
    """Pixel art of some colours comes back from a GIF pixel by pixel."""
    palette = np.array([(250, 240, 230), (10, 20, 30), (200, 40, 40), (40, 90, 200)], np.uint8)
    frames = [
        Image.fromarray(palette[np.random.default_rng(seed).integers(0, 4, (260, 260))]) for seed in range(3)
    ]
    moving.save(tmp_path / "a.gif", moving.in_few_colours(frames, [(255, 255, 255)]), 0.1)
    found, _ = read(tmp_path / "a.gif")
    for frame, expected in zip(found, frames, strict=True):
        assert np.abs(frame.astype(int) - np.asarray(expected).astype(int)).max() <= 4


@pytest.mark.parametrize(
    ("count", "seconds", "hold", "length"),
    [(3, 0.5, 1.0, 2.5), (2, 4.0, 1.5, 9.5), (1, 2.0, 0.5, 2.5), (3, 0.1, 0, 0.3)],
)
def test_a_video_takes_its_time(
    tmp_path: Path, count: int, seconds: float, hold: float, length: float
) -> None:
    """Also where the last picture is held for less time than each of them."""
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    moving.save(tmp_path / "a.mp4", noise(count), seconds, hold)
    frames, found = ffmpeg.count_frames_and_secs(str(tmp_path / "a.mp4"))
    assert found == pytest.approx(length, abs=0.1)
    assert frames == round(24 * found)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="could not write"):
        moving.save(Path("/dev/null/a.gif"), [Image.new("RGB", (8, 8))])
