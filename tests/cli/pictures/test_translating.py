"""`sweep generate --input`: folders of pictures by way of the command line, and what does not go together."""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from ganlib.config import ModelConfig
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.names import FAMILIES
from sweep.cli import cli


def made(folder: Path, family: str) -> Path:
    torch.manual_seed(0)
    model = ModelConfig(family=family, width=4, **({"blocks": 1} if FAMILIES[family].translates else {}))
    network = FAMILIES[family].load().generator(model, 64, 3)
    save_generator(folder, ExportConfig(model=model, size=64), pack_weights(network))
    return folder


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {family: made(tmp_path_factory.mktemp(family), family) for family in FAMILIES}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, with two photographs in ``photos``."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for index, side in enumerate((60, 70)):
        picture = np.random.default_rng(index).integers(0, 256, (side, 64, 3), np.uint8)
        Image.fromarray(picture).save(f"photos/{index}.jpg")
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["generate", *map(str, arguments)], catch_exceptions=False)


def test_a_folder_is_translated(exports: dict[str, Path]) -> None:
    result = run(exports["cyclegan"], "--input", "photos", "--out", "drawn")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "drawn\n", "")
    assert [path.name for path in sorted(Path("drawn").iterdir())] == ["0.png", "1.png"]
    assert Image.open("drawn/1.png").size == (64, 70)
    assert run(exports["cyclegan"], "--input", "drawn", "--out", "again", "--back").exit_code == 0
    assert len(list(Path("again").iterdir())) == 2


def test_a_folder_by_default_and_another_size(exports: dict[str, Path]) -> None:
    result = run(exports["cartoongan"], "--input", "photos/0.jpg", "--size", 16)
    assert result.exit_code == 0
    assert Image.open("generated/0.png").size == (17, 16)
    assert "warning: 1 of 1 pictures have shorter sides of 16 pixels, far from the 64" in result.stderr
    assert "--size 64" in result.stderr


def test_what_was_not_as_asked_for_is_told(exports: dict[str, Path]) -> None:
    Path("photos/bad.jpg").write_bytes(b"no picture")
    Path("photos/notes.txt").write_text("hello")
    Image.new("RGB", (300, 200)).save("photos/0.png")
    Image.new("RGB", (300, 20)).save("photos/small.png")
    result = run(exports["cyclegan"], "--input", "photos", "--out", "drawn")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert lines[0].startswith("left out: 1 .txt")
    assert lines[1].startswith("skipped: photos/bad.jpg: not a PNG")
    assert lines[2].startswith(
        "note: 2 pictures keep the suffix of their file in their name, such as '0.jpg.png'"
    )
    assert lines[3].startswith(
        "warning: 2 of 4 pictures have shorter sides of 20 to 200 pixels, far from the 64"
    )
    assert lines[4] == "4 pictures translated, 1 skipped"
    assert len(lines) == 5


def test_where_nothing_could_be_read_work_has_failed(exports: dict[str, Path]) -> None:
    for path in Path("photos").iterdir():
        path.write_bytes(b"no picture")
    result = run(exports["cyclegan"], "--input", "photos", "--out", "drawn")
    assert result.exit_code == 1
    assert "skipped: photos/0.jpg: not a PNG" in result.stderr
    assert "error: none of the 2 pictures could be translated" in result.stderr
    assert not Path("drawn").exists()


@pytest.mark.parametrize(
    ("family", "arguments", "says"),
    [
        ("cyclegan", [], "a cyclegan translates pictures: say which, with --input FOLDER"),
        ("cyclegan", ["--count", "4"], "a cyclegan translates pictures: say which, with --input FOLDER"),
        ("cyclegan", ["--back"], "--back is for pictures that are translated; say which, with --input"),
        ("dcgan", ["--size", "64"], "--size is for pictures that are translated; say which, with --input"),
        (
            "dcgan",
            ["--input", "photos"],
            "--input is for generators that translate; a dcgan makes pictures of",
        ),
        (
            "cyclegan",
            ["--input", "photos", "--count", "4"],
            "--count is for pictures that are made of latents",
        ),
        (
            "cyclegan",
            ["--input", "photos", "--seed", "0", "--mix", "fine", "--truncation", "1"],
            "--seed, --truncation, --mix are for pictures that are made of latents",
        ),
        ("cyclegan", ["--input", "photos", "--interpolate", "3"], "--interpolate is for pictures"),
        ("cartoongan", ["--input", "photos", "--back"], "has learned no way back"),
        ("cyclegan", ["--input", "photos", "--out", "photos"], "is the folder of the pictures"),
        ("cyclegan", ["--input", "photos", "--out", "a.png"], "with --input give a folder"),
        ("cyclegan", ["--input", "photos", "--out", "photos/0.jpg"], "with --input give a folder"),
        ("cyclegan", ["--input", "nowhere"], "--input: there is no folder 'nowhere'"),
        ("cyclegan", ["--input", "photos", "--size", "4"], "--size"),
    ],
)
def test_what_does_not_go_together(
    family: str, arguments: list[str], says: str, exports: dict[str, Path], here: Path
) -> None:
    result = run(exports[family], *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert [path.name for path in here.iterdir()] == ["photos"]
