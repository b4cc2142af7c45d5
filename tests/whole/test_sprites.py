"""Sprites with transparency through training, export, programs, generation and scoring."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.sweeps.commands import fine
from PIL import Image

from ganlib import load_generator
from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
from ganlib.data.alpha import LIGHT, tensor_on_checks
from ganlib.errors import RequestError
from ganlib.export.files import ExportConfig, pack_weights
from ganlib.export.generator import load_tensors, rebuild
from ganlib.export.programs import programs_of, write
from ganlib.metrics import Evaluator, Extractor, Score
from ganlib.metrics.extremes import Extremes
from ganlib.names import FAMILIES, LOSSES
from ganlib.training.fit import Fit

SPEC = """
name: sprites
data: {source: SOURCE, size: 32, background: transparent, resize: nearest}
model: {width: 8, latent_dim: 8}
train: {lr_g: {type: float, low: 1e-4, high: 1e-3, log: true}, batch_size: 8, kimg: 0.064}
evaluate: {every: 0.064, unit: kimg, n_fake: 12, n_real: 30}
search: {trials: 1, sampler: random}
"""
FROM_LATENTS = [name for name, entry in FAMILIES.items() if not entry.translates]
"""Translators make opaque pictures."""
TRICKS = {
    "augment_p": 0.5,
    "augment": ("flip", "color", "flash"),
    "equalize_p": 0.3,
    "diffaugment": ("color", "translation", "cutout"),
    "instance_noise": 0.1,
    "r1_gamma": 1.0,
}


def sprite(seed: int, size: int = 16) -> np.ndarray:
    """Pixel art: a mirrored pattern of two colours on nothing, uint8 (size, size, 4)."""
    random = np.random.default_rng(seed)
    half = random.random((size - 4, size // 2 - 2)) < 0.6
    shape = np.pad(np.hstack([half, half[:, ::-1]]), 2)
    colours = random.integers(0, 256, (2, 3))
    made = np.zeros((size, size, 4), np.uint8)
    made[..., :3] = colours[(random.random((size, size)) < 0.3).astype(int)]
    made[..., 3] = np.where(shape, 255, 0)
    return made


def packed(n: int = 32) -> np.ndarray:
    made = np.stack([sprite(seed).repeat(2, 0).repeat(2, 1) for seed in range(n)])
    return np.where(made[..., 3:] > 0, made, 0).astype(np.uint8)


def config(model: dict | None = None, **train: object) -> TrialConfig:
    return TrialConfig(
        data=DataConfig(size=32, background="transparent"),
        model=ModelConfig(**{"width": 4, "latent_dim": 8, **(model or {})}),
        train=TrainConfig(**{"batch_size": 8, "precision": "fp32", "kimg": 0.024, **train}),
        evaluate=EvaluateConfig(every=0.016, unit="kimg", n_fake=4),
        collapse=CollapseConfig(),
    )


class NoScore:
    def score(self, generate: object, n_fake: int, full: bool) -> Score:
        pictures = generate(n_fake)  # type: ignore[operator]
        assert pictures.shape == (n_fake, 4, 32, 32)
        return Score(float(pictures.float().mean()), 1.0, 0.1, 8, 2, "none", "0" * 64)

    def extremes(self, n_fake: int) -> Extremes:
        return Extremes(0.2, 0.25, 2.0, 0.0)


def test_every_family_trains_with_every_loss() -> None:
    pictures = packed()
    for family in FROM_LATENTS:
        for loss in LOSSES if family == "dcgan" else ("hinge",):
            extra = {"ada_target": 0.6, "ada_kimg": 0.02} if LOSSES[loss].zero else {}
            extra |= {"grow_kimg": 0.008} if family == "stylegan" else {}
            extra |= {"path_weight": 2.0, "path_every": 1} if family == "stylegan2" else {}
            last = [*Fit(config({"family": family}, loss=loss, **TRICKS, **extra), pictures, NoScore())][-1]
            assert last.made.shape == (64, 32, 32, 4)
            assert all(map(math.isfinite, (last.loss_g, last.loss_d, last.pixel_std, last.similarity)))
            assert (last.made[last.made[..., 3] == 0] == 0).all()


def test_training_goes_on_to_the_last_bit() -> None:
    def losses(run: Fit) -> list[tuple[float, float]]:
        return [(e.loss_g, e.loss_d) for e in run]

    whole = Fit(config(**TRICKS), packed(), NoScore())
    first = next(whole)
    state = whole.state()
    rest = losses(whole)
    again = Fit(config(**TRICKS), packed(), NoScore(), resume=state)
    assert losses(again) == rest != [(first.loss_g, first.loss_d)]


def test_pictures_of_other_channels_are_refused() -> None:
    with pytest.raises(RequestError, match=r"4 channels.*32, 32, 3"):
        Fit(config(), packed()[..., :3].copy(), NoScore())


@pytest.mark.parametrize("family", FROM_LATENTS)
def test_programs_give_four_channels(family: str, tmp_path: Path) -> None:
    """As ONNX the DCGAN is exported below."""
    for variant in FAMILIES[family].variants:
        model = ModelConfig(family=family, variant=variant, width=4, latent_dim=8)
        torch.manual_seed(0)
        weights = pack_weights(FAMILIES[family].load().generator(model, 32, 4))
        loaded = rebuild(ExportConfig(model=model, size=32, channels=4), weights, "weights")
        assert loaded.sample(3).shape == (3, 32, 32, 4)
        if variant == "simple":
            write(programs_of(loaded.network, loaded.latents(2))[0], tmp_path, onnx=False)


class Tiny(torch.nn.Module):
    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(pictures.float() / 255, 2).flatten(1)


def test_generated_and_real_are_measured_on_the_same_ground(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = Extractor("tiny", "0" * 64, 12, Tiny(), "mean")
    monkeypatch.setattr("ganlib.metrics.evaluator.load_extractor", lambda *_: tiny)
    settings = EvaluateConfig(n_fake=16, n_real=32, kid_subset_size=8)
    pictures = packed()
    fakes = torch.from_numpy(packed(48)[32:]).permute(0, 3, 1, 2)
    with_alpha = Evaluator(pictures, "a", settings, cache=tmp_path)
    laid = tensor_on_checks(torch.from_numpy(pictures).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    on_ground = Evaluator(laid.copy(), "b", settings)
    scores = [e.score(lambda n: fakes[:n], 16) for e in (with_alpha, on_ground)]
    assert (scores[0].fid, scores[0].kid) == (scores[1].fid, scores[1].kid)
    worst = [evaluator.extremes(16) for evaluator in (with_alpha, on_ground)]
    flat = worst[1].pixel_std  # of premultiplied colours and alpha where there is alpha
    assert replace(worst[0], pixel_std=flat) == worst[1]
    assert worst[0].pixel_std not in (0, flat)
    assert scores[0].resize != scores[1].resize == "mean"
    assert with_alpha.nearest_real(torch.from_numpy(pictures[:3]).permute(0, 3, 1, 2)).indices.shape == (3, 1)


# ---- as a user ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sprites")
    (root / "art").mkdir()
    for seed in range(48):
        Image.fromarray(sprite(seed)).save(root / "art" / f"{seed:02}.png")
    (root / "spec.yaml").write_text(SPEC.replace("SOURCE", str(root / "art")))
    fine("run", root / "spec.yaml", "--local", "--storage", root / "runs")
    fine("best", "sprites", "--storage", root / "runs", "--export", root / "export")
    return root


def test_the_facts_say_how_pictures_were_prepared(root: Path) -> None:
    info = json.loads((root / "runs/sprites/sweep.json").read_text())
    assert info["prepared"] == "by nearest neighbour, with transparency"
    assert info["prepared"] in fine("show", "sprites", "--storage", root / "runs")
    said = fine("data", root / "spec.yaml", "--out", root / "sheet.png")
    assert "RGBA, 48 with transparent pixels, by nearest neighbour" in said
    assert Image.open(root / "sheet.png").getpixel((2, 2)) == (LIGHT,) * 3
    fine("report", "sprites", "--storage", root / "runs", "--out", root / "report.html")
    assert info["prepared"] in (root / "report.html").read_text()
    card = (root / "export/README.md").read_text()
    assert info["prepared"] in card
    assert "(64, 32, 32, 4)" in card
    assert "multiplied by alpha" in card


def test_sheets_of_a_sweep_are_opaque(root: Path) -> None:
    sheets = [*(root / "runs/sprites/images").rglob("*.png"), root / "export/samples.png"]
    assert len(sheets) >= 4  # real pictures, neighbours, an evaluation, the export
    assert {Image.open(path).mode for path in sheets} == {"RGB"}


def test_an_export_says_and_gives_four_channels(root: Path) -> None:
    config = json.loads((root / "export/config.json").read_text())
    assert config["channels"] == 4
    assert {"model.onnx", "model.pt2"} <= config["digests"].keys()
    assert json.loads((root / "export/metrics.json").read_text())["measured_again"] is not None
    pictures = load_generator(root / "export").sample(5, seed=1)
    assert (pictures.dtype, pictures.shape) == (np.uint8, (5, 32, 32, 4))
    weights = load_tensors((root / "export/model.safetensors").read_bytes())
    assert any(4 in tensor.shape[:2] for tensor in weights.values())


def test_generate_writes_transparency(root: Path) -> None:
    export, out = root / "export", root / "out"
    out.mkdir()
    fine("generate", export, "--count", 4, "--out", out / "sheet.png")
    fine("generate", export, "--count", 4, "--out", out / "walk.png", "--interpolate", 2)
    fine("generate", export, "--count", 4, "--out", out / "folder")
    fine("generate", export, "--count", 4, "--out", out / "walk.gif", "--interpolate", 2)
    sample = load_generator(export).sample(4)
    for path in (out / "sheet.png", out / "walk.png"):
        sheet = Image.open(path)
        assert sheet.mode == "RGBA"
        assert np.array_equal(np.asarray(sheet)[2:34, 2:34], sample[0])
    for number, picture in enumerate(sample):
        assert np.array_equal(np.asarray(Image.open(out / f"folder/{number:05}.png")), picture)
    with Image.open(out / "walk.gif") as moving:
        assert moving.convert("RGBA").getextrema()[3] == (255, 255)


def test_scores_of_a_folder_are_those_of_the_sweep(root: Path) -> None:
    fine("generate", root / "export", "--count", 12, "--out", root / "made")
    score = ["score", root / "made", "--json", "--against"]
    against_spec = json.loads(fine(*score, root / "spec.yaml"))
    assert "checks" in against_spec["identity"]["resize"]
    assert (
        against_spec["identity"]["data_hash"]
        == json.loads((root / "runs/sprites/sweep.json").read_text())["data_hash"]
    )
    # Both as large as the sweep has them: then a folder of the real pictures gives what the spec gives.
    (root / "large").mkdir()
    for number, picture in enumerate(packed(48)):
        Image.fromarray(picture).save(root / f"large/{number:02}.png")
    whole = root / "whole.yaml"
    whole.write_text((root / "spec.yaml").read_text().replace("n_real: 30", "n_real: 48"))
    by_spec, by_folder = (json.loads(fine(*score, other)) for other in (whole, root / "large"))
    assert by_folder["fid"] == pytest.approx(by_spec["fid"], rel=1e-4)
