"""Folders of pictures, translated: names, sizes, rotation, transparency."""

import os
from pathlib import Path

import numpy as np
import pytest
from helpers.drawn.translated import noise, pixels, save, under
from helpers.drawn.turned import turned
from PIL import Image

from ganlib.errors import RequestError, WorkError
from ganlib.export import folders
from ganlib.export.folders import names_for, translate_files
from ganlib.export.generator import LoadedTranslator


def test_names_folders_and_sizes_stay(translator: LoadedTranslator, photos: Path, out: Path) -> None:
    sizes = {"a.png": (40, 23), "früh/日本 1.PNG": (32, 32), "früh/deep/er/x.y.webp": (9, 61)}
    for name, size in sizes.items():
        save(photos / name, noise(*size, 3), **({"lossless": True} if name.endswith("webp") else {}))
    done = translate_files(translator, photos, out)
    assert (done.count, done.skipped, done.renamed) == (3, (), ())
    assert under(out) == ["a.png", "früh/deep/er/x.y.png", "früh/日本 1.png"]
    for (name, size), target in zip(
        sizes.items(), ("a.png", "früh/日本 1.png", "früh/deep/er/x.y.png"), strict=True
    ):
        assert np.array_equal(pixels(out / target), translator.translate(noise(*size, 3)[None])[0]), name


def test_one_file_and_the_way_back(translator: LoadedTranslator, photos: Path, out: Path) -> None:
    save(photos / "a.png", noise(20, 20, 3))
    done = translate_files(translator, photos / "a.png", out, back=True)
    assert done.count == 1
    assert under(out) == ["a.png"]
    assert np.array_equal(pixels(out / "a.png"), translator.translate(noise(1, 20, 20, 3), back=True)[0])


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_pictures_are_turned_upright(
    orientation: int, translator: LoadedTranslator, photos: Path, out: Path
) -> None:
    upright, stored, exif = turned(orientation)
    stored.save(photos / "a.png", exif=exif)
    translate_files(translator, photos, out)
    made = Image.open(out / "a.png")
    assert np.array_equal(np.asarray(made), translator.translate(upright[None])[0])
    assert not made.getexif()


def test_transparency_is_kept(translator: LoadedTranslator, photos: Path, out: Path) -> None:
    picture = noise(24, 17, 4)
    picture[:8, :, 3] = 0
    save(photos / "a.png", picture)
    translate_files(translator, photos, out)
    made = pixels(out / "a.png")
    assert np.array_equal(made[..., 3], picture[..., 3])
    assert not made[:8].any()


def test_every_kind_of_pixel(translator: LoadedTranslator, photos: Path, out: Path) -> None:
    grey = noise(20, 20)
    Image.fromarray(grey).save(photos / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(photos / "deep.png")
    Image.fromarray(noise(20, 20, 3)).convert("CMYK").save(photos / "print.tif")
    Image.fromarray(noise(20, 20, 3)).quantize(16).save(photos / "few.gif")
    assert translate_files(translator, photos, out).count == 4
    assert {pixels(path).shape for path in out.iterdir()} == {(20, 20, 3)}
    wanted = translator.translate(grey[None, ..., None].repeat(3, 3))[0]
    assert np.array_equal(pixels(out / "grey.png"), wanted)
    assert np.array_equal(pixels(out / "deep.png"), wanted)


@pytest.mark.parametrize(("shape", "wanted"), [((64, 96, 3), (16, 24, 3)), ((10, 5, 4), (32, 16, 4))])
def test_the_shorter_side_can_be_chosen(
    shape: tuple[int, ...], wanted: tuple[int, ...], translator: LoadedTranslator, photos: Path, out: Path
) -> None:
    save(photos / "a.png", np.full(shape, 100, np.uint8))
    translate_files(translator, photos, out, shorter=16)
    assert pixels(out / "a.png").shape == wanted


def test_a_strip_is_not_scaled_without_end(translator: LoadedTranslator, photos: Path, out: Path) -> None:
    save(photos / "a.png", noise(1, 3000, 3))
    (item,) = translate_files(translator, photos, out, shorter=16).skipped
    assert item.reason == "would be 48,000 x 16 pixels with a shorter side of 16; refused"


def test_two_of_one_name_are_both_kept(translator: LoadedTranslator, photos: Path, out: Path) -> None:
    for seed, name in enumerate(["a.bmp", "a.png", "b.png"]):
        save(photos / name, noise(16, 16, 3, seed=seed))
    done = translate_files(translator, photos, out)
    assert under(out) == ["a.bmp.png", "a.png.png", "b.png"]
    assert done.renamed == ("a.bmp.png", "a.png.png")
    assert np.array_equal(pixels(out / "a.png.png"), translator.translate(noise(1, 16, 16, 3, seed=1))[0])


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["a.jpg", "b/a.png"], ["a.png", "b/a.png"]),
        (["a.jpg", "a.PNG"], ["a.jpg.png", "a.PNG.png"]),
        (["a.jpg", "A.png"], ["a.jpg.png", "A.png.png"]),
        (["a.jpg", "a.png", "a.jpg.gif"], ["a.jpg-2.png", "a.png.png", "a.jpg.png"]),
        (["a.jpg", "A.jpg"], ["a.jpg.png", "A.jpg-2.png"]),
        (["caf\u00e9.jpg", "cafe\u0301.png"], ["caf\u00e9.jpg.png", "cafe\u0301.png.png"]),
        (["B/a.jpg", "b/a.jpg"], ["B/a.jpg.png", "b/a.jpg-2.png"]),
    ],
)
def test_names_are_never_shared(names: list[str], wanted: list[str]) -> None:
    targets = names_for(names)
    assert targets == wanted
    assert len({target.casefold() for target in targets}) == len(names)


def test_what_cannot_be_read_does_not_stop_the_rest(
    translator: LoadedTranslator, photos: Path, out: Path
) -> None:
    save(photos / "b.png", noise(16, 16, 3))
    (photos / "a.png").write_bytes(b"no picture")
    (photos / "c.svg").write_text("<svg/>")
    (photos / "notes.txt").write_text("hello")
    done = translate_files(translator, photos, out)
    assert done.count == 1
    assert under(out) == ["b.png"]
    reasons = {os.path.basename(item.path): item.reason for item in done.skipped}
    assert reasons["a.png"].startswith("not a PNG")
    assert reasons["c.svg"].startswith(".svg pictures are not read")
    assert any(".txt" in line for line in done.left_out)


def test_a_picture_that_needs_too_much_memory_is_refused(
    translator: LoadedTranslator, photos: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "LARGEST_MEMORY", 32 * 4 * 1000)
    save(photos / "large.png", noise(20, 51, 3))
    save(photos / "small.png", noise(20, 50, 3))
    done = translate_files(translator, photos, out)
    assert done.count == 1
    assert "51 x 20 pixels would take about" in done.skipped[0].reason
    assert "--size" in done.skipped[0].reason


def test_sizes_far_from_training_are_told(translator: LoadedTranslator, photos: Path, out: Path) -> None:
    for side in (15, 16, 64, 65):
        save(photos / f"{side}.png", noise(side, 80, 3))
    assert translate_files(translator, photos, out).far == (15, 65)
    assert translate_files(translator, photos, out, shorter=32).far == ()


def test_nothing_to_translate(translator: LoadedTranslator, photos: Path, out: Path) -> None:
    with pytest.raises(RequestError, match="holds no picture"):
        translate_files(translator, photos, out)
    (photos / "notes.txt").write_text("hello")
    (photos / "b.svg").write_text("<svg/>")
    with pytest.raises(RequestError, match=r"holds no picture .*; there are 1 .svg: .*; 1 .txt"):
        translate_files(translator, photos, out)
    with pytest.raises(RequestError, match="there is no folder"):
        translate_files(translator, photos / "nowhere", out)
    with pytest.raises(RequestError, match=r"b.svg': .svg pictures are not read"):
        translate_files(translator, photos / "b.svg", out)
    assert not out.exists()


def test_a_file_where_a_folder_is_needed(translator: LoadedTranslator, photos: Path, out: Path) -> None:
    save(photos / "in" / "b.png", noise(16, 16, 3))
    out.mkdir()
    (out / "in").write_text("a file")
    with pytest.raises(WorkError, match=r"could not write .*in/b.png"):
        translate_files(translator, photos, out)
    assert (out / "in").read_text() == "a file"


def test_progress_counts_all_files(translator: LoadedTranslator, photos: Path, out: Path) -> None:
    save(photos / "b.png", noise(16, 16, 3))
    (photos / "a.png").write_bytes(b"no picture")
    told: list[tuple[int, int]] = []
    translate_files(translator, photos, out, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
