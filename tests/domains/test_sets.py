"""Both domains of a configuration: prepared by themselves, identified together, their faults told by section."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.sweeps.commands import draw
from PIL import Image

from ganlib.config import DataConfig, PhotosConfig
from ganlib.data import ImageSet, prepare, verify
from ganlib.domains.edges import edge_promoted
from ganlib.domains.sets import prepare_sets
from ganlib.errors import RequestError


@pytest.fixture
def drawings(tmp_path: Path) -> DataConfig:
    return DataConfig(source=str(draw(tmp_path / "drawings", 9)), size=32)


def photos_of(folder: Path, **options: object) -> PhotosConfig:
    return PhotosConfig(source=str(folder), **options)


def test_one_domain_is_what_it_always_was(drawings: DataConfig, tmp_path: Path) -> None:
    sets = prepare_sets(drawings, cache=tmp_path)
    alone = prepare(drawings, tmp_path)
    assert sets.hash == alone.hash
    assert len(sets) == 9
    assert [section for section, _ in sets.sides] == ["data"]
    assert sets.photo_pictures is sets.edge_pictures is None


def test_photographs_may_be_fewer_grey_and_of_any_shape(drawings: DataConfig, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number, shape in enumerate([(40, 60), (100, 30, 3), (7, 7), (64, 64, 4)]):
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(folder / f"{number}.png")
    sets = prepare_sets(drawings, photos_of(folder), cache=tmp_path)
    assert sets.photos is not None
    assert sets.photos.pictures.shape == (4, 32, 32, 3)
    grey = sets.photos.pictures[0]
    assert (grey[..., 0] == grey[..., 1]).all()


def test_two_domains_are_identified_together(drawings: DataConfig, tmp_path: Path) -> None:
    first, second = draw(tmp_path / "a", 4), draw(tmp_path / "b", 5)
    hashes = {
        prepare_sets(drawings, photos, cache=tmp_path).hash
        for photos in (None, photos_of(first), photos_of(second))
    }
    assert len(hashes) == 3
    moved = tmp_path / "elsewhere"
    shutil.copytree(first, moved)
    assert prepare_sets(drawings, photos_of(moved), cache=tmp_path).hash in hashes
    exchanged = prepare_sets(
        DataConfig(source=str(first), size=32), photos_of(Path(str(drawings.source))), cache=tmp_path
    )
    assert exchanged.hash not in hashes
    with_edges = prepare_sets(drawings, photos_of(first), edges=True, cache=tmp_path)
    assert with_edges.hash in hashes, "blurred edges follow from the drawings"
    assert with_edges.edges is not None
    assert with_edges.edges.pictures.shape == with_edges.drawings.pictures.shape


def test_landmarks_belong_to_the_content(drawings: DataConfig, tmp_path: Path) -> None:
    folder, points = draw(tmp_path / "photos", 3), tmp_path / "points.parquet"
    without = prepare_sets(drawings, photos_of(folder), cache=tmp_path)
    _write(points, 8.0)
    first = prepare_sets(drawings, photos_of(folder, landmarks=str(points)), cache=tmp_path)
    _write(points, 16.0)
    second = prepare_sets(drawings, photos_of(folder, landmarks=str(points)), cache=tmp_path)
    assert len({without.hash, first.hash, second.hash}) == 3
    assert first.landmarks is not None
    assert first.landmarks.shape == (3, 1, 2)
    assert first.landmarks[0, 0].tolist() == [0.25, 0.5]


def _write(path: Path, x: float) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = {"picture": [f"{n}.png" for n in range(3)], "width": [32] * 3, "height": [32] * 3}
    pq.write_table(pa.table(rows | {"x0": [x / 32] * 3, "y0": [0.5] * 3}), path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": "no/such/folder"}, "photos.source: there is no folder"),
        ({"source": "avatars", "style": "no-style"}, "photos.style: unknown avatar style"),
        ({"source": "avatars", "background": "nothing"}, "photos.background: 'nothing' is no opaque colour"),
        ({"source": []}, "photos.source: no pictures in an empty list"),
    ],
)
def test_what_is_wrong_with_photographs_is_told_of_photographs(
    options: dict, words: str, drawings: DataConfig, tmp_path: Path
) -> None:
    with pytest.raises(RequestError) as caught:
        prepare_sets(drawings, PhotosConfig(**options), cache=tmp_path)
    assert words in str(caught.value)
    assert "data." not in str(caught.value)


def test_too_few_and_broken_photographs_are_told_of_photographs(drawings: DataConfig, tmp_path: Path) -> None:
    folder = draw(tmp_path / "photos", 3)
    with pytest.raises(RequestError, match=r"photos\.count is 9, .*photos\.count: null"):
        prepare_sets(drawings, photos_of(folder, count=9), cache=tmp_path)
    (folder / "broken.png").write_bytes(b"no picture")
    with pytest.raises(RequestError, match=r"photos: 1 of 4 files cannot be used .*photos\.max_skipped"):
        prepare_sets(drawings, photos_of(folder), cache=tmp_path)
    sets = prepare_sets(drawings, photos_of(folder, max_skipped=0.5), cache=tmp_path)
    assert [item.path for item in sets.skipped] == [str(folder / "broken.png")]


def test_whoever_made_either_side_is_credited(tmp_path: Path) -> None:
    data = DataConfig(style="notionists", count=2, size=28)
    sets = prepare_sets(data, PhotosConfig(source="avatars", style="open-peeps", count=2), cache=tmp_path)
    assert [word in sets.attribution for word in ("Notionists", "Open Peeps")] == [True, True]
    assert len(sets.attribution.splitlines()) == 2


def _flip(images: ImageSet) -> None:
    data = bytearray(images.path.read_bytes())
    data[-5] ^= 128
    images.path.write_bytes(data)


@pytest.mark.parametrize("which", ["drawings", "photos", "edges"])
def test_packed_pictures_that_are_damaged_are_told_and_made_again(
    which: str, drawings: DataConfig, tmp_path: Path
) -> None:
    photos, seen = photos_of(draw(tmp_path / "photos", 3)), []
    first = prepare_sets(drawings, photos, True, tmp_path, damaged=seen.append)
    assert seen == []
    images = getattr(first, which)
    pictures = np.array(images.pictures)
    _flip(images)
    again = prepare_sets(drawings, photos, True, tmp_path, damaged=seen.append)
    assert [one.path for one in seen] == [images.path]
    assert (getattr(again, which).pictures == pictures).all()
    assert again.hash == first.hash


def test_edges_of_damaged_drawings_are_made_again(drawings: DataConfig, tmp_path: Path) -> None:
    """Nothing else tells that they are not those of the drawings."""
    first = prepare_sets(drawings, cache=tmp_path)
    edges = np.array(edge_promoted(first.drawings, tmp_path / "other").pictures)
    _flip(first.drawings)
    wrong = prepare_sets(drawings, edges=True, cache=tmp_path).edges
    assert wrong is not None
    assert verify(wrong)
    assert (wrong.pictures != edges).any()
    seen: list[ImageSet] = []
    right = prepare_sets(drawings, edges=True, cache=tmp_path, damaged=seen.append).edges
    assert right is not None
    assert (right.pictures == edges).all()
