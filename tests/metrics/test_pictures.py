"""FID and KID of pictures in any form: the same numbers from each, invariances, and errors that help."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from ganlib.config import DataConfig, EvaluateConfig
from ganlib.data import prepare
from ganlib.errors import RequestError
from ganlib.metrics import Evaluator, Extractor, fid, fid_from_features, kid, kid_from_features
from ganlib.metrics.identity import Floor
from ganlib.names import METRICS
from sweep.cli import cli
from sweep.commands import score
from sweep.spec.specification import parse


class Tiny(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(pictures.float() / 255, 2).flatten(1)


TINY = Extractor("tiny", "0" * 64, 12, Tiny())


def pictures(n: int = 20, seed: int = 0, low: int = 0, size: int = 12) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(low, 256, (n, 3, size, size), generator=random, dtype=torch.uint8)


def write(folder: Path, images: Tensor, suffix: str = ".png") -> Path:
    (folder / "inner").mkdir(parents=True)
    for index, image in enumerate(images):
        place = folder / "inner" if index % 3 == 0 else folder
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(place / f"{index:03}{suffix}")
    return folder


def test_every_form_of_the_same_pictures_gives_the_same_number(tmp_path: Path) -> None:
    a, b = pictures(), pictures(30, 1, low=60)
    expected = fid_from_features(TINY(a), TINY(b))
    forms = [a, a.numpy(), a.permute(0, 2, 3, 1).numpy(), a.float() / 255, (a.double() / 255).numpy()]
    turned = a.permute(0, 2, 3, 1).numpy()[..., ::-1].copy()  # as OpenCV has colours
    forms += [turned[..., ::-1], (a.float() / 255).numpy().astype(">f4"), list(a.numpy())]
    for form in [*forms, write(tmp_path / "a", a), str(tmp_path / "a")]:
        assert fid(form, b, TINY) == pytest.approx(expected, rel=1e-6)
    assert kid(a, b, TINY) == pytest.approx(tuple(kid_from_features(TINY(a), TINY(b))), abs=1e-6)
    grey = a[:, :1]  # as a generator of grey pictures makes them
    expected = fid_from_features(TINY(grey.expand(-1, 3, -1, -1)), TINY(b))
    for form in (grey, grey.permute(0, 2, 3, 1).numpy(), grey.float() / 255):
        assert fid(form, b, TINY) == pytest.approx(expected, rel=1e-6)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.integers(4, 25), st.integers(4, 25))
def test_exchange_order_and_copies(seed: int, n: int, m: int) -> None:
    a, b = pictures(n, seed), pictures(m, seed + 1, low=40)
    random = torch.Generator().manual_seed(seed)
    value = fid(a, b, TINY)
    assert fid(b, a, TINY) == pytest.approx(value, rel=1e-6, abs=1e-9)
    shuffled = a[torch.randperm(n, generator=random)], b[torch.randperm(m, generator=random)]
    assert fid(*shuffled, TINY) == pytest.approx(value, rel=1e-6, abs=1e-9)
    assert fid(a, a, TINY) < 1e-6
    # Copies leave the mean; the sample covariance shrinks to (2n - 2) / (2n - 1) of what it was, as one formula.
    x, y = TINY(a).double().numpy(), TINY(b).double().numpy()
    x2 = np.concatenate([x, x])
    assert fid(torch.cat([a, a]), b, TINY) == pytest.approx(fid_from_features(x2, y), rel=1e-5, abs=1e-9)
    shrunk = (x - x.mean(0)) * np.sqrt((2 * n - 2) / (2 * n - 1)) + x.mean(0)
    assert fid_from_features(x2, y) == pytest.approx(fid_from_features(shrunk, y), rel=1e-6, abs=1e-9)


def test_the_whole_kernel_is_symmetric() -> None:
    a, b = pictures(2), pictures(2, 1)  # one subset, of everything: nothing is drawn
    assert kid(a, b, TINY, subsets=1).mean == pytest.approx(kid(b, a, TINY, subsets=1).mean, rel=1e-9)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_pixels_that_are_no_numbers(bad: float) -> None:
    images = pictures().float() / 255
    images[3, 1, 2, 2] = bad
    images[7, 0, 0, 0] = bad
    expected = (
        "a has 2 pixel values that are NaN or infinite, in 2 of 20 pictures .the first is number 3.; leave"
    )
    with pytest.raises(RequestError, match=expected):
        fid(images, pictures(), TINY)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (torch.zeros(4, 2, 8, 8, dtype=torch.uint8), r"a has shape \(4, 2, 8, 8\)"),
        (np.zeros((8, 8, 3), np.uint8), r"a has shape \(8, 8, 3\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "at least 2 pictures"),
        (torch.zeros(4, 3, 0, 8, dtype=torch.uint8), r"shape \(4, 3, 0, 8\)"),
        (torch.zeros(4, 3, 8, 8, dtype=torch.int64), "dtype torch.int64; give uint8"),
        (
            torch.full((4, 3, 8, 8), 200.0),
            "values from 200 to 200; floating-point pictures must lie in 0 to 1",
        ),
        (torch.full((4, 3, 8, 8), -1.0), r"take \(x \+ 1\) / 2"),
        ("/no/such/folder", "a: there is no folder"),
    ],
)
def test_wrong_pictures(wrong: object, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        kid(wrong, pictures(), TINY)


def test_folders(tmp_path: Path) -> None:
    mixed = write(tmp_path / "mixed", pictures(5))
    Image.fromarray(np.zeros((30, 40), np.uint8)).save(mixed / "grey-and-larger.jpg")
    (mixed / "notes.txt").write_text("not a picture")
    assert fid(mixed, pictures(), TINY) > 0
    (mixed / "broken.png").write_bytes(b"no picture")
    with pytest.raises(RequestError, match=r"1 of 7 pictures cannot be read; .*broken\.png \(not a PNG"):
        fid(mixed, pictures(), TINY)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match="holds no pictures"):
        fid(tmp_path / "empty", pictures(), TINY)


def run(*arguments: object) -> dict[str, object]:
    result = CliRunner().invoke(cli, ["score", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_sweep_score_of_two_folders(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", pictures(12)), write(tmp_path / "b", pictures(14, 1, low=80))
    found = run(a, "--against", b)
    assert found["fid"] == pytest.approx(fid(b, a), rel=1e-6)
    identity = found["identity"]
    assert (identity["n_fake"], identity["n_real"], identity["extractor"]) == (
        12,
        14,
        "efficientnet_lite0@64",
    )
    assert found["floor"] is None
    assert 0 <= found["coverage"] <= 1
    assert found["fid_infinity"] is not None
    again = run(a, "--against", write(tmp_path / "c", pictures(14, 1, low=80), ".bmp"))
    assert again["identity"] == identity, "the same pixels in other files are the same data"
    assert run(a, "--against", a)["identity"]["data_hash"] != identity["data_hash"]


def test_sweep_score_against_a_spec_is_what_the_sweep_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    real = write(tmp_path / "real", pictures(60, 5, size=32))
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        f"data: {{source: {real}, size: 32}}\nevaluate: {{n_fake: 16, n_real: 40}}\ntrain: {{epochs: 1}}\n"
    )
    fakes = write(tmp_path / "fakes", pictures(12, 6, low=60, size=32))
    found = run(fakes, "--against", spec)
    assert found["identity"]["n_real"] == 40
    assert found["floor"]["n_fake"] == 12
    assert found["suspicion"] == Floor(**found["floor"]).beaten_by(found)
    shown = CliRunner().invoke(cli, ["score", str(fakes), "--against", str(spec)])
    assert "floor         KID" in shown.stdout
    for metric in METRICS.values():
        assert (
            len(re.findall(rf"\b{metric.label} +-?\d", shown.stdout)) == 2
        )  # of the pictures, and of the floor
    assert "  n_real            40" in shown.stdout
    # The Vendi scores too, which grow with the number of pictures: a sweep's are of 256 at most.
    images = prepare(parse(spec.read_text()).data)
    config = EvaluateConfig(n_fake=16, n_real=40)
    evaluator = Evaluator(images.pictures, images.hash, config, cache=tmp_path / "cache")
    monkeypatch.setattr(score, "VENDI_PICTURES", 8)
    monkeypatch.setattr("ganlib.metrics.evaluator.VENDI_PICTURES", 8)
    made = torch.from_numpy(prepare(DataConfig(source=str(fakes), size=32)).pictures[:].copy()).permute(
        0, 3, 1, 2
    )
    wanted = evaluator.score(lambda count: made[:count], 12)
    counts: list[int] = []
    vendi = score.vendi_from_features
    monkeypatch.setattr(score, "vendi_from_features", lambda rows: (counts.append(len(rows)), vendi(rows))[1])
    found = run(fakes, "--against", spec)
    assert found["real_vendi"] == pytest.approx(wanted.real_vendi, rel=1e-5)
    run(fakes, "--against", real)
    assert counts == [8] * 4


def test_sweep_score_errors(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["score", str(tmp_path / "no"), "--against", str(tmp_path)])
    assert result.exit_code == 2
    assert "the generated pictures: there is no folder" in result.stderr


def test_one_picture_is_no_set(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "0.png")
    with pytest.raises(RequestError, match=r"holds only 1 picture \("):
        fid(tmp_path, tmp_path)
