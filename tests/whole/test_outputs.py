"""What sweep writes is never read as a picture and replaces nobody's file; everybody reads pictures alike."""

import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import icc
from helpers.commands import run
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from ganlib import written
from ganlib.config import DataConfig, ModelConfig
from ganlib.data import prepare
from ganlib.data.decode import Preparation
from ganlib.data.listing import DRAWN, HIDDEN, OTHER, OWN, SWEEP
from ganlib.errors import RequestError
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.metrics import Extractor, fid
from ganlib.metrics.picture_sets import open_pictures
from ganlib.models.dcgan import build_generator
from sweep.commands.before import as_begun, check_place
from sweep.records.sweep_info import SweepInfo
from sweep.spec.specification import parse
from sweep.storage.opening import open_folder


class Tiny(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(pictures.float() / 255, 2).flatten(1)


TINY = Extractor("tiny", "0" * 64, 12, Tiny())


def picture(seed: int = 0, side: int = 32) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8))


def bytes_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that is the source of pictures too."""
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for index in range(6):
        picture(index).save(here / f"{index}.png")
    return here


def prepared(source: object, **values: object) -> object:
    return prepare(DataConfig(source=str(source), size=32, **values))


def export_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    model = ModelConfig(width=4, latent_dim=8)
    torch.manual_seed(0)
    config = save_generator(
        folder, ExportConfig(model=model, size=32), pack_weights(build_generator(model, 32))
    )
    (folder / "samples.png").write_bytes(bytes_of(picture()))
    from ganlib.export.files import add_digests

    add_digests(folder, config, ["samples.png"])
    return folder


# ---- sweep's own files are no pictures -----------------------------------------------------------------------


def test_nothing_that_a_command_writes_joins_the_set(place: Path) -> None:
    before = prepared(place).hash
    export_in(place / "export")
    (place / "spec.yaml").write_text("name: study\ndata: {source: ., size: 32}\ntrain: {epochs: 1}\n")
    for arguments in (
        ("data", "spec.yaml"),
        ("data", "spec.yaml", "--out", "other.png"),
        ("generate", "export", "--count", 4),
        ("generate", "export", "--count", 4, "--out", "faces"),
        ("generate", "export", "--interpolate", 2, "--count", 1, "--out", "strip.png"),
        ("generate", "export", "--interpolate", 2, "--count", 1, "--out", "walk.gif"),
    ):
        for _ in range(2):  # the second call replaces what the first wrote
            result = run(*arguments)
            assert result.exit_code == 0, result.output
    images = prepared(place)
    assert images.hash == before
    own = {(item.reason, item.suffix): item.count for item in images.found.left_out if item.reason == OWN}
    assert own[OWN, ".png"] == 2 + 1 + 4 + 1 + 1
    assert own[OWN, ".gif"] == 1
    shutil.copytree(place, place.parent / "copy")
    assert prepared(place.parent / "copy").hash == before


@pytest.mark.parametrize("running", [True, False])
def test_the_folder_of_a_sweep_is_left_out_and_is_no_source(place: Path, running: bool) -> None:
    before = prepared(place).hash
    sweep = place / "runs" / "study"
    (sweep / "images" / "00000").mkdir(parents=True)
    picture(9).save(sweep / "images" / "real.png")
    picture(9).save(sweep / "images" / "00000" / "1.000.png")
    if running:
        (sweep / "lease.json").write_text(
            json.dumps({"owner": "x", "host": "y", "pid": 1, "beat": 0.0, "stopping": False})
        )
    else:
        (sweep / "sweep.json").write_text(json.dumps({"name": "study", "data_hash": "0", "images": 9}))
    images = prepared(place)
    assert images.hash == before
    assert [(item.reason, item.count) for item in images.found.left_out if item.reason == SWEEP] == [
        (SWEEP, 1)
    ]
    for source in (sweep, sweep / "images", sweep / "images" / "00000"):
        with pytest.raises(RequestError, match="in the folder of a sweep"):
            prepared(source)
        with pytest.raises(RequestError, match="in the folder of a sweep"):
            open_pictures(source, "a")


def test_a_json_file_of_that_name_makes_no_sweep(place: Path) -> None:
    before = prepared(place).hash
    (place / "sweep.json").write_text("[1]")
    (place / "lease.json").write_text('{"flat": 3}')
    (place / "config.json").write_text('{"format": "sweep-generator-1", "digests": 7}')
    (place / written.LIST).write_text(
        '{"name": "0.png"\n[]\nnull\n{"name": "../0.png", "sha256": "x", "kind": ""}\n'
    )
    assert prepared(place).hash == before


def test_a_folder_of_generated_pictures_is_a_set_by_itself_only(place: Path) -> None:
    export_in(place / "export")
    assert run("generate", "export", "--count", 5, "--out", "faces").exit_code == 0
    assert len(prepared(place)) == 6
    assert len(prepared(place / "faces")) == 5
    assert open_pictures(place / "faces", "a").count == 5


def test_a_file_that_somebody_changed_is_theirs(place: Path) -> None:
    written.write(place / "sheet.png", bytes_of(picture(10)))
    assert len(prepared(place)) == 6
    picture(11).save(place / "sheet.png")
    assert len(prepared(place)) == 7
    with pytest.raises(RequestError, match="somebody has changed it since"):
        written.write(place / "sheet.png", b"new")


# ---- nothing of anybody else is overwritten ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("0.png", ("data", "spec.yaml", "--out", "0.png")),
        ("study-data.png", ("data", "spec.yaml")),
        ("generated.png", ("generate", "export")),
        ("0.png", ("generate", "export", "--out", "0.png")),
        ("w.gif", ("generate", "export", "--interpolate", "2", "--out", "w.gif")),
        ("faces/mine.png", ("generate", "export", "--out", "faces")),
        ("faces/notes.txt", ("generate", "export", "--out", "faces")),
    ],
)
def test_a_file_of_the_user_stays(place: Path, name: str, arguments: tuple[str, ...]) -> None:
    export_in(place / "export")
    (place / "spec.yaml").write_text("name: study\ndata: {source: ., size: 32}\ntrain: {epochs: 1}\n")
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).write_bytes(bytes_of(picture(7)))
    listing = sorted(place.rglob("*"))
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "did not write" in result.stderr
    assert "choose" in result.stderr
    assert (place / name).read_bytes() == bytes_of(picture(7))
    assert sorted(place.rglob("*")) == listing


def test_links_are_files_of_somebody_else(place: Path) -> None:
    os.symlink(place / "0.png", place / "a.png")
    os.symlink("nowhere", place / "b.png")
    for name in ("a.png", "b.png"):
        with pytest.raises(RequestError, match="would be overwritten"):
            written.write(place / name, b"new")
    assert (place / "b.png").is_symlink()


def test_generated_pictures_of_an_earlier_call_do_not_stay(place: Path) -> None:
    export_in(place / "export")
    assert run("generate", "export", "--count", 7, "--out", "faces").exit_code == 0
    assert run("generate", "export", "--count", 3, "--seed", 5, "--out", "faces").exit_code == 0
    assert sorted(os.listdir("faces")) == ["00000.png", "00001.png", "00002.png"]
    assert len(Path(written.LIST).read_text().splitlines()) == 3
    assert open_pictures("faces", "a").count == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_above_that_may_not_be_written(place: Path) -> None:
    export_in(place / "export")
    (place / "locked" / "faces").mkdir(parents=True)
    (place / "locked").chmod(0o555)
    for count in (3, 2):
        assert run("generate", "export", "--count", count, "--out", "locked/faces").exit_code == 0
    assert sorted(os.listdir("locked/faces")) == [written.LIST, "00000.png", "00001.png"]
    assert len(prepared(place)) == 6


def test_an_export_takes_the_place_of_another_and_of_nothing_else(tmp_path: Path) -> None:
    def make(*names: str) -> Path:
        made = tmp_path / "made"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        for name in names:
            (made / name).write_text(f"new {name}")
        return made

    out = tmp_path / "out"
    out.mkdir()
    written.fill(out, make("model.pt2", "mapping.pt2", "README.md"))
    (out / "mine.txt").write_text("mine")
    written.fill(out, make("model.pt2", "README.md"))
    assert sorted(os.listdir(out)) == ["README.md", "mine.txt", "model.pt2"]
    (out / "README.md").write_text("edited")
    with pytest.raises(RequestError, match=r"README\.md' exists and would be overwritten"):
        written.fill(out, make("model.pt2", "README.md", "x"))
    assert (out / "README.md").read_text() == "edited"
    assert (out / "model.pt2").exists()


def test_a_new_sweep_does_not_move_into_a_folder_of_others(place: Path) -> None:
    check_place(open_folder(place / "new"), b"")
    (place / "left" / "images").mkdir(parents=True)
    for name in ("lease.json", "images/real.png", "spec.yaml"):
        (place / "left" / name).write_text("a")
    check_place(open_folder(place / "left"), b"a")
    for folder, name in (("left", "spec.yaml"), (".", "0.png")):
        with pytest.raises(RequestError, match=f"such as '{name}': choose another name"):
            check_place(open_folder(place / folder), b"b")
    (place / "left" / "images" / "cat.png").touch()
    with pytest.raises(RequestError, match=r"images/cat\.png"):
        check_place(open_folder(place / "left"), b"a")
    (place / "spec.yaml").write_text("name: mine\ndata: {source: mine, size: 32}\ntrain: {epochs: 1}\n")
    (place / "mine").mkdir()
    shutil.copy(place / "0.png", place / "mine")
    result = run("run", "spec.yaml", "--storage", ".", "--local")
    assert result.exit_code == 2
    assert "is no sweep's" in result.stderr
    assert os.listdir(place / "mine") == ["0.png"]


def test_wrong_sources_are_all_told_and_nothing_is_made(place: Path) -> None:
    (place / "empty").mkdir()
    (place / "spec.yaml").write_text(
        "name: mine\ndata: {source: [avatars, empty, nowhere, 0.png], size: 32}\ntrain: {epochs: 1}\n"
    )
    for command in (("run", "spec.yaml", "--local"), ("data", "spec.yaml")):
        result = run(*command)
        assert result.exit_code == 2
        for told in ("no pictures in 'empty'", "no folder 'nowhere'", "'0.png' is a file"):
            assert told in result.stderr, result.stderr
    assert not (place / "runs").exists()
    assert not (place.parent / "cache" / "data").exists()


# ---- one decoder ---------------------------------------------------------------------------------------------

RGB = picture(1)
ALPHA = picture(2).convert("L")


def _rgba(mode: str) -> Image.Image:
    image = RGB.convert(mode)
    image.putalpha(ALPHA)
    return image


def _turned(orientation: int) -> dict[str, object]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


FILES: dict[str, bytes] = {
    "L.png": bytes_of(RGB.convert("L")),
    "LA.png": bytes_of(_rgba("LA")),
    "P.png": bytes_of(RGB.quantize(16), transparency=3),
    "RGBA.png": bytes_of(_rgba("RGBA")),
    "RGB.png": bytes_of(RGB),
    "1.png": bytes_of(RGB.convert("1")),
    "16.png": bytes_of(Image.fromarray(np.arange(1024, dtype=np.uint16).reshape(32, 32) * 64)),
    "CMYK.jpg": bytes_of(RGB.convert("CMYK"), "JPEG"),
    "P3.png": bytes_of(RGB, icc_profile=icc.profile(b"RGB ", icc.P3)),
    "portrait.png": bytes_of(picture(3, 64).crop((0, 0, 40, 60))),
    "large.jpg": bytes_of(picture(4, 400), "JPEG"),
    "small.tif": bytes_of(picture(5, 11), "TIFF"),
    **{
        f"turned{n}.jpg": bytes_of(picture(6, 48).crop((0, 0, 48, 30)), "JPEG", **_turned(n))
        for n in range(1, 9)
    },
}


@pytest.mark.parametrize("size", [28, 32, 64])
def test_score_reads_what_training_sees_bit_for_bit(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "files"
    (folder / ".ipynb_checkpoints").mkdir(parents=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    (folder / "._RGB.png").write_bytes(b"resource fork")
    (folder / ".ipynb_checkpoints" / "RGB.png").write_bytes(FILES["RGB.png"])
    config = DataConfig(source=str(folder), size=size, background="#102030")
    images = prepare(config, tmp_path / "cache")
    read = open_pictures(folder, "a", Preparation(size, (16, 32, 48)))
    assert read.count == len(images) == len(FILES)
    tensors = torch.stack(read.read(0, read.count)).permute(0, 2, 3, 1).numpy()
    assert (tensors == images.pictures).all()
    assert read.traits == images.traits
    white = prepare(DataConfig(source=str(folder), size=size), tmp_path / "cache")
    assert fid(folder, np.asarray(white.pictures), TINY, size=size) == pytest.approx(0, abs=1e-4)


def test_two_folders_of_different_sizes_are_told(tmp_path: Path) -> None:
    for name, side in (("a", 32), ("b", 64)):
        (tmp_path / name).mkdir()
        for index in range(3):
            picture(index, side).save(tmp_path / name / f"{index}.png")
    a, b = tmp_path / "a", tmp_path / "b"
    with pytest.warns(UserWarning, match="a has pictures of 32 x 32 pixels and b of 64 x 64"):
        fid(a, b, TINY)
    result = run("score", a, "--against", b)
    assert result.exit_code == 0
    assert "note: the generated pictures has pictures of 32" in result.stderr
    result = run("score", a, "--against", b, "--size", 32)
    assert result.exit_code == 0
    assert "pixels and" not in result.stderr


def test_all_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    for index in range(4):
        picture(index).save(tmp_path / f"{index}.png")
        (tmp_path / f"bad{index}.png").write_text("bad")
    (tmp_path / "layers.psd").touch()
    with pytest.raises(RequestError) as told:
        fid(tmp_path, tmp_path, TINY)
    assert "5 of 9 pictures cannot be read" in str(told.value)
    assert all(f"bad{index}.png (not a PNG" in str(told.value) for index in range(4))
    assert "layers.psd (.psd pictures are not read" in str(told.value)


# ---- how many, and what is said ------------------------------------------------------------------------------


def test_count_draws_by_the_seed_and_whatever_the_order_on_disk(place: Path, tmp_path: Path) -> None:
    def values(images: object) -> set[bytes]:
        return {image.tobytes() for image in np.asarray(images.pictures)}

    every, four = prepared(place), prepared(place, count=4)
    assert len(every) == 6
    assert len(four) == 4
    assert values(prepared(place, count=2)) < values(four) < values(every)
    assert [(item.reason, item.count) for item in four.found.left_out] == [(DRAWN, 2)]
    assert len({prepared(place, count=3, seed=seed).hash for seed in range(8)}) > 3
    other = tmp_path / "other"
    other.mkdir()
    for file in sorted(place.iterdir(), reverse=True):
        shutil.copy(file, other / file.name)
    assert prepared(other, count=4).hash == four.hash
    both = DataConfig(source=[str(place), str(other)], size=32, count=5)
    assert len(prepare(both)) == 5
    with pytest.raises(
        RequestError, match=r"data\.count is 7, but there are only 6 pictures .*data\.count: null"
    ):
        prepared(place, count=7)


def test_the_default_count_is_of_avatars_only() -> None:
    assert DataConfig().count == 20_000
    assert DataConfig(source=["x", "avatars"]).count == 20_000
    assert DataConfig(source="x").count is None
    assert DataConfig(source="x", count=3).count == 3
    spec = parse("name: x\ndata: {source: here, count: 20000}\ntrain: {epochs: 1}\n")
    assert as_begun(spec, SweepInfo(images=5)).data.count is None  # a sweep from when that meant nothing
    assert as_begun(spec, SweepInfo(images=5, left_out=0)).data.count == 20_000


def test_data_says_what_it_found_and_what_it_does(place: Path) -> None:
    (place / "cats").mkdir()
    bare = RGB.copy()
    bare.putalpha(0)
    bare.save(place / "cats" / "clear.webp", lossless=True)
    RGB.convert("L").resize((20, 30)).save(place / "grey.tiff")
    RGB.save(place / "._0.png")
    for name in ("labels.csv", "meta.json", "notes"):
        (place / name).touch()
    (place / "photo.psd").touch()
    (place / "s.yaml").write_text(
        "name: s\ndata: {source: ., size: 32, max_skipped: 0.2}\ntrain: {epochs: 1}\n"
    )
    text = run("data", "s.yaml").stdout
    for line in (
        "found        6 .png, 1 .tiff, 1 .webp, in 2 folders",
        "prepared     1 with transparent pixels: laid on the background",
        "prepared     1 smaller than asked for: enlarged",
        "prepared     1 grey: made RGB",
        "prepared     1 not square: cropped to a square",
        "left out     1 .csv, 1 .json, 1 .yaml, 1 without suffix, such as ./notes (no pictures)",
        "left out     1 .png, such as ./._0.png (hidden",
        "photo.psd: .psd pictures are not read",
    ):
        assert line in text, text
    told = json.loads(run("data", "s.yaml", "--json").stdout)
    assert told["prepared"] == {"transparent": 1, "enlarged": 1, "grey": 1, "cropped": 1}
    assert {item["reason"] for item in told["left_out"]} == {OTHER, HIDDEN, OWN}
