"""`sweep generate`: every kind of picture, by the seed, and without what a sweep needs."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganlib import load_generator
from ganlib.config import ModelConfig
from ganlib.errors import RequestError
from ganlib.export import moving
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.export.walks import slerp, walk
from ganlib.models.dcgan import build_generator
from sweep.cli import cli


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    model = ModelConfig(width=4, latent_dim=8)
    torch.manual_seed(0)
    save_generator(folder, ExportConfig(model=model, size=32), pack_weights(build_generator(model, 32)))
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["generate", *map(str, arguments)], catch_exceptions=False)


def fine(*arguments: object) -> None:
    result = run(*arguments)
    assert result.exit_code == 0, result.output


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


# ---- walks -------------------------------------------------------------------------------------------------


@given(st.floats(0, 1), st.integers(0, 100))
def test_slerp_turns_and_stretches_evenly(share: float, seed: int) -> None:
    first, second = torch.randn((2, 5, 16), generator=torch.Generator().manual_seed(seed)).double()
    between = slerp(first, second, share)
    expected = torch.lerp(first.norm(dim=1), second.norm(dim=1), share)
    assert torch.allclose(between.norm(dim=1), expected)

    def angle(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cosine_similarity(a, b, dim=1).clamp(-1, 1).acos()

    assert torch.allclose(angle(first, between), share * angle(first, second), atol=1e-6)


@pytest.mark.usefixtures("doubles")
def test_slerp_has_ends_and_no_holes() -> None:
    first, second = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert torch.allclose(slerp(first, second, 0.0), first)
    assert torch.allclose(slerp(first, second, 1.0), second)
    half = torch.tensor([[math.sqrt(2), math.sqrt(2)]])
    assert torch.allclose(slerp(first, second, 0.5), half)
    assert torch.allclose(slerp(first, first, 0.3), first)
    assert slerp(first, torch.zeros(1, 2), 0.5).isfinite().all()


def test_walks_pass_their_keys() -> None:
    keys = torch.randn(3, 2, 8, dtype=torch.float64)
    opened, closed = walk(keys, 4, closed=False), walk(keys, 4, closed=True)
    assert opened.shape == (9, 2, 8)
    assert closed.shape == (12, 2, 8)
    for way in (opened, closed):
        assert torch.allclose(way[::4][:3], keys, atol=1e-6)
    assert torch.equal(opened[:8], closed[:8])


# ---- the command -------------------------------------------------------------------------------------------


def test_a_sheet_is_what_the_library_samples(export: Path, tmp_path: Path) -> None:
    fine(export, "--count", 9, "--seed", 7, "--out", tmp_path / "a.png")
    sheet = pixels(tmp_path / "a.png")
    assert sheet.shape == (3 * 34 + 2, 3 * 34 + 2, 3)
    pictures = load_generator(export).sample(9, seed=7)
    assert np.array_equal(sheet[2:34, 36:68], pictures[1])
    fine(export, "--count", 9, "--seed", 8, "--out", tmp_path / "b.png")
    assert not np.array_equal(sheet, pixels(tmp_path / "b.png"))


def test_a_folder_of_pictures(export: Path, tmp_path: Path) -> None:
    fine(export, "--count", 5, "--seed", 7, "--out", tmp_path / "many" / "faces")
    files = sorted((tmp_path / "many" / "faces").iterdir())
    assert [file.name for file in files] == [f"{index:05d}.png" for index in range(5)]
    assert np.array_equal(np.stack(list(map(pixels, files))), load_generator(export).sample(5, seed=7))


def test_a_walk_as_a_moving_picture(export: Path, tmp_path: Path) -> None:
    fine(export, "--interpolate", 2, "--out", tmp_path / "new" / "walk.gif")
    moving = Image.open(tmp_path / "new" / "walk.gif")
    assert moving.n_frames == 48
    assert moving.info["loop"] == 0
    assert min(moving.size) >= 256


def test_a_walk_as_a_strip(export: Path, tmp_path: Path) -> None:
    fine(export, "--interpolate", 3, "--count", 2, "--seed", 7, "--out", tmp_path / "new" / "strip.png")
    sheet = pixels(tmp_path / "new" / "strip.png")
    assert sheet.shape == (2 * 34 + 2, 17 * 34 + 2, 3)
    keys = load_generator(export).sample(6, seed=7)  # two walks through three latents
    assert np.abs(sheet[2:34, 2:34].astype(int) - keys[0]).max() <= 1
    assert np.abs(sheet[36:68, -34:-2].astype(int) - keys[5]).max() <= 1


def test_a_walk_as_a_video(export: Path, tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    fine(export, "--interpolate", 2, "--count", 1, "--out", tmp_path / "walk.mp4")
    assert (tmp_path / "walk.mp4").read_bytes()[4:8] == b"ftyp"
    moving.save(tmp_path / "odd.mp4", [Image.new("RGB", (301, 257), "red")] * 3)
    assert (tmp_path / "odd.mp4").stat().st_size > 500


def test_without_ffmpeg_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(moving, "find_spec", lambda name: None)
    monkeypatch.setattr(moving.shutil, "which", lambda name: None)
    with pytest.raises(RequestError, match=r"pip install 'sweep-gan\[video\]'"):
        moving.ffmpeg()
    result = run("any", "--interpolate", 2, "--out", tmp_path / "a.mp4")
    assert result.exit_code == 2
    assert "needs ffmpeg" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--out", "a.gif"], "say through how many: --interpolate"),
        (["--out", "a.jpg"], "must end in .png, .gif or .mp4, or be a folder"),
        (["--out", "/dev/null/a.png"], "'/dev/null' is a file, and no folder"),
        (["--interpolate", "3", "--out", "folder"], "give a file"),
        (["--interpolate", "3", "--mix", "coarse"], "two different pictures"),
        (["--mix", "coarse", "--out", "a.gif", "--interpolate", "2"], "two different pictures"),
        (["--truncation", "nan"], "nan is not a finite number"),
        (["--truncation", "0.7"], "--truncation needs a generator with a mapping network"),
        (["--mix", "fine"], "--mix needs a generator with a mapping network"),
        (["--interpolate", "1"], "--interpolate"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_wrong_requests(arguments: list[str], says: str, export: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        result = run(export, *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["file", "file/sub", "file/sub/deeper"])
def test_a_file_is_no_folder(out: str, export: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    result = run(export, "--out", tmp_path / out)
    assert result.exit_code == 2
    assert f"--out: '{tmp_path / 'file'}' is a file, and no folder" in result.stderr
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_folder_that_is_there_may_have_a_dot_in_its_name(export: Path, tmp_path: Path) -> None:
    (tmp_path / "faces-0.7").mkdir()
    fine(export, "--count", 2, "--out", tmp_path / "faces-0.7")
    assert sorted(path.name for path in (tmp_path / "faces-0.7").iterdir()) == ["00000.png", "00001.png"]


def test_no_export_and_a_damaged_one(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 2
    assert "is no exported generator" in result.stderr


def test_it_needs_neither_ray_nor_optuna(export: Path, tmp_path: Path) -> None:
    code = """
import json, sys
from sweep.cli import cli
cli(sys.argv[1:], standalone_mode=False)
tops = {name.partition(".")[0] for name in sys.modules}
print(json.dumps(sorted(tops & {"ray", "optuna", "pyarrow", "plotly", "pandas", "skimage", "torchvision"})))
"""
    arguments = ["generate", str(export), "--out", str(tmp_path / "a.png")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []
