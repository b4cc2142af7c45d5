"""What sweep writes is never read as a picture and replaces nobody's file; everybody reads pictures alike."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.drawn.outputs import RGB, bytes_of, export_in, picture, prepared
from helpers.sweeps.commands import run

from ganlib import written
from ganlib.config import DataConfig
from ganlib.data import prepare
from ganlib.data.listing import DRAWN, HIDDEN, OTHER, OWN, SWEEP
from ganlib.errors import RequestError
from ganlib.metrics.picture_sets import open_pictures
from sweep.commands.before import as_begun
from sweep.records.sweep_info import SweepInfo
from sweep.spec.specification import parse


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
