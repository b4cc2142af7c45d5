"""Which pictures are called alike: every kind of copy, what is no copy, and the floor that they would spoil."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganlib.config import DataConfig, EvaluateConfig
from ganlib.data import prepare, verify
from ganlib.data.look import groups
from ganlib.data.look.fingerprints import GRID, Prints, cells
from ganlib.data.look.groups import Group, alike
from ganlib.data.look.split import LARGEST, split
from ganlib.errors import RequestError
from ganlib.metrics.evaluator import Evaluator

SIDE = 160


def scene(seed: int, side: int = SIDE) -> Image.Image:
    """A smooth picture with edges, as photographs have."""
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    made = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)).copy()
    x, y, w = draw.integers(10, side // 2, 3)
    made[y : y + w, x : x + w] = draw.integers(0, 256, 3)
    return Image.fromarray(made)


def jpeg(image: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def write(folder: Path, **files: Image.Image | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / f"{name}.png"
        path.write_bytes(content) if isinstance(content, bytes) else content.save(path)
    return folder


def members(folder: Path, cache: Path, **keys: object) -> list[tuple[str, list[str], list[str]]]:
    """The groups of a folder, by the stems of the files' names."""
    found = prepare(DataConfig(source=str(folder), size=64, **keys), cache, 1).found.alike

    def stems(names):
        return [Path(name).stem for name in names]

    return [(Path(group.kept).stem, stems(group.equal), stems(group.near)) for group in found]


TURNED = Image.Exif()
TURNED[0x0112] = 6
COPIES = {
    "jpeg 95": lambda image: jpeg(image, 95),
    "jpeg 50": lambda image: jpeg(image, 50),
    "half": lambda image: image.resize((SIDE // 2, SIDE // 2), Image.Resampling.LANCZOS),
    "four fifths": lambda image: image.resize((128, 128), Image.Resampling.BICUBIC),
    "half, jpeg 75": lambda image: jpeg(image.resize((SIDE // 2, SIDE // 2)), 75),
}
OTHERS = {
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned": lambda image: image.rotate(90),
    "cropped by a tenth": lambda image: image.crop((8, 8, SIDE - 8, SIDE - 8)),
    "brighter by a tenth": lambda image: Image.eval(image, lambda level: min(255, level * 1.1 + 5)),
    "grey": lambda image: image.convert("L"),
}


@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_nearly_equal(tmp_path, kind):
    folder = tmp_path / "pictures"
    for seed in range(6):
        image = scene(seed)
        write(folder, **{f"{seed}": image, f"{seed}copy": COPIES[kind](image)})
    found = members(folder, tmp_path)
    assert [(kept, [*equal, *near]) for kept, equal, near in found] == [
        (f"{seed}", [f"{seed}copy"]) for seed in range(6)
    ]


@pytest.mark.parametrize("kind", OTHERS)
def test_other_pictures_are_not(tmp_path, kind):
    folder = tmp_path / "pictures"
    for seed in range(6):
        image = scene(seed)
        write(folder, **{f"{seed}": image, f"{seed}-other": OTHERS[kind](image)})
    assert members(folder, tmp_path) == []


def test_what_is_stored_otherwise_but_decodes_alike_is_equal(tmp_path):
    image = scene(1)
    still = io.BytesIO()
    frames = [scene(7).quantize(64), scene(8).quantize(64)]
    frames[0].save(still, "GIF")
    moving = io.BytesIO()
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:])
    turned = io.BytesIO()
    image.transpose(Image.Transpose.ROTATE_90).save(turned, "PNG", exif=TURNED)
    red = Image.new("RGBA", (SIDE, SIDE), (255, 0, 0, 0))
    files = {"a": image, "b": turned.getvalue(), "c": image.convert("RGBA")}
    files |= {"still": still.getvalue(), "moving": moving.getvalue()}
    files |= {"white": Image.new("RGB", (SIDE, SIDE), "white"), "clear": red}
    assert members(write(tmp_path / "pictures", **files), tmp_path) == [
        ("a", ["b", "c"], []),
        ("clear", ["white"], []),
        ("moving", ["still"], []),
    ]


def test_the_largest_is_kept_and_of_equals_the_first(tmp_path):
    image = scene(3)
    folder = write(tmp_path / "p", a=image.resize((80, 80)), b=image, c=image, d=jpeg(image, 60))
    assert members(folder, tmp_path) == [("b", ["c"], ["a", "d"])]
    whole = prepare(DataConfig(source=str(write(folder, e=scene(4))), size=64), tmp_path, 1)
    kept = prepare(DataConfig(source=str(folder), size=64, dedupe=True), tmp_path, 1)
    assert np.array_equal(kept.pictures, whole.pictures[[1, 4]])
    assert (kept.groups, whole.groups) == ((), ((1, 0, 2, 3),))
    assert kept.look.left_out == (0, 2, 3)
    assert kept.hash != whole.hash
    assert verify(kept)
    assert verify(whole)


def test_broken_files_keep_their_places(tmp_path):
    image = scene(3)
    folder = write(tmp_path / "p", a=b"broken", b=scene(5), c=image, d=b"broken", e=image)
    images = prepare(DataConfig(source=str(folder), size=64, max_skipped=0.5), tmp_path, 1)
    assert images.groups == ((1, 2),)
    assert [Path(item.path).name for item in images.skipped] == ["a.png", "d.png"]
    kept = prepare(DataConfig(source=str(folder), size=64, max_skipped=0.5, dedupe=True), tmp_path, 1)
    assert len(kept) == 2
    assert [Path(item.path).name for item in kept.skipped] == ["a.png", "d.png"]


def test_nothing_is_left_of_pictures_that_are_all_alike(tmp_path):
    folder = write(tmp_path / "p", a=scene(1), b=scene(1), c=jpeg(scene(1), 70))
    with pytest.raises(RequestError, match="dedupe leaves 1 of 3"):
        prepare(DataConfig(source=str(folder), size=64, dedupe=True), tmp_path, 1)


def test_avatars_that_are_drawn_twice(tmp_path):
    images = prepare(DataConfig(source=["avatars", "avatars"], count=12, size=32), tmp_path, 1)
    assert len(images) == 24
    assert images.groups == tuple((row, row + 12) for row in range(12))
    assert images.found.alike[0].kept == "avatar 0"
    once = prepare(DataConfig(source="avatars", count=12, size=32), tmp_path, 1)
    kept = prepare(DataConfig(source=["avatars", "avatars"], count=12, size=32, dedupe=True), tmp_path, 1)
    assert kept.hash == once.hash


def test_a_count_is_drawn_before_duplicates_are_left_out(tmp_path):
    folder = tmp_path / "p"
    for seed in range(5):
        write(folder, **{f"{seed}": scene(seed), f"{seed}-again": scene(seed)})
    images = prepare(DataConfig(source=str(folder), size=64, count=8, dedupe=True), tmp_path, 1)
    assert len(images) + len(images.look.left_out) == 8
    assert len(images) == 5


@given(side=st.integers(8, 70), channels=st.sampled_from([1, 3, 4]))
@settings(max_examples=30, deadline=None)
def test_cells_are_means(side, channels):
    pictures = np.random.default_rng(side).integers(0, 256, (2, side, side, channels), dtype=np.uint8)
    found = cells(pictures).reshape(2, GRID, GRID, channels)
    if side % GRID == 0 and channels != 4:
        step = side // GRID
        means = pictures.reshape(2, GRID, step, GRID, step, channels).mean((2, 4))
        assert np.abs(found - means).max() <= 0.51
    flat = np.full((1, side, side, channels), 77, np.uint8)
    assert set(cells(flat)[0].tolist()) <= {77, round(77 * 77 / 255)}


def prints_of(levels):
    return Prints(
        np.arange(len(levels)),
        tuple(bytes(row) for row in levels),
        levels,
        np.zeros((len(levels), 2), np.int32),
    )


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_groups_are_those_of_a_plain_loop(data):
    seed, spread = data.draw(st.integers(0, 1000)), data.draw(st.sampled_from([3, 8, 40]))
    levels = np.random.default_rng(seed).integers(100, 100 + spread, (30, GRID * GRID), dtype=np.uint8)
    levels[::7] = levels[0]
    levels = levels // data.draw(st.sampled_from([1, 3])) * 1
    expected, kept = {}, []
    for row, level in enumerate(levels.astype(int)):
        near = [leader for leader in kept if np.abs(levels[leader] - level).max() <= groups.NEAR]
        near = near or [leader for leader in kept if (levels[leader] == level).all()]
        if near:
            expected.setdefault(near[0], []).append(row)
        else:
            kept.append(row)
    found = {group.kept: list(group.others) for group in alike(prints_of(levels)).groups}
    assert found == expected


def test_no_chain_of_small_changes_is_one_group():
    levels = np.repeat(np.arange(0, 250, 5, dtype=np.uint8)[:, None], GRID * GRID, 1)
    found = alike(prints_of(levels)).groups
    assert found == tuple(Group(row, (), (row + 1,)) for row in range(0, 50, 2))


def test_looking_is_bounded(monkeypatch):
    """Candidates that differ after all: each differs from the others in one cell of many."""
    levels = np.full((60, GRID * GRID), 50, np.uint8)
    levels[np.arange(60), np.arange(60)] = 70
    levels = np.concatenate([levels, np.full((2, GRID * GRID), 200, np.uint8)])
    assert alike(prints_of(levels)).complete
    monkeypatch.setattr(groups, "LOOKED", 0)
    found = alike(prints_of(levels))
    assert not found.complete
    assert found.groups == (Group(60, (61,)),)  # equal ones are always found


# ---- the floor ---------------------------------------------------------------------------------------------


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_group_is_on_both_sides(data):
    count = data.draw(st.integers(2, 60))
    labels = np.array(data.draw(st.lists(st.integers(0, 20), min_size=count, max_size=count)))
    made = [tuple(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())]
    made = [group for group in made if len(group) > 1]
    compared = data.draw(st.integers(1, count))
    real, held = split(count, made, compared, data.draw(st.integers(0, 60)), 0)
    assert len(real) == compared
    assert len({*real.tolist(), *held.tolist()}) == len(real) + len(held)
    assert not set(labels[real].tolist()) & set(labels[held].tolist())


def test_without_groups_the_order_is_as_it_always_was():
    order = np.random.RandomState(0).permutation(50)
    real, held = split(50, (), 30, 12, 0)
    assert real.tolist() == order[:30].tolist()
    assert held.tolist() == order[::-1][:12].tolist()


def test_a_group_that_is_most_of_a_set_is_not_held_out():
    real, held = split(200, [tuple(range(150))], 160, 32, 0)
    assert len(held) == 32
    assert held.min() >= 150
    assert (real < 150).sum() > 100
    assert len(split(40, [tuple(range(40))], 20, 20, 0)[1]) == 0
    assert LARGEST < 40


def test_pictures_that_come_twice_do_not_lower_the_floor(tmp_path):
    once = prepare(DataConfig(count=96, size=32), tmp_path, 1)
    twice = np.concatenate([once.pictures, once.pictures])
    config = EvaluateConfig(n_fake=48, n_real=96, extractor="efficientnet_lite0")
    pairs = [(row, row + 96) for row in range(96)]
    spoilt = Evaluator(twice, "twice", config).floor()
    honest = Evaluator(twice, "twice", config, cache=tmp_path / "real", groups=pairs).floor()
    assert honest.fid > 1.3 * spoilt.fid
    # What was computed without groups is not taken for this.
    assert Evaluator(twice, "twice", config, cache=tmp_path / "real").floor() == spoilt
