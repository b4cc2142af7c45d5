"""The same seed gives the same pictures: however many are asked for, in whatever parts, on whatever device."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganlib.config import ModelConfig
from ganlib.errors import RequestError
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.export.generator import LoadedGenerator, rebuild
from ganlib.models.latents import BLOCK, fixed_latents, in_blocks
from ganlib.names import FAMILIES
from sweep.cli import cli

MODELS = {
    "dcgan": ModelConfig(width=4, latent_dim=3),  # 8 x 3 numbers: no multiple of 16 anywhere
    "stylegan": ModelConfig(family="stylegan", width=4, latent_dim=5, mapping_layers=2),
    "stylegan2": ModelConfig(family="stylegan2", width=4, latent_dim=7, mapping_layers=2),
    "r3gan": ModelConfig(family="r3gan", width=4, latent_dim=3),
    "sngan": ModelConfig(family="sngan", width=4, latent_dim=3),
}

GOLDEN = [[-0.38957822, 0.70834404, -1.80511439], [-0.45523489, 1.03449404, -0.01248395]]


def made(family: str) -> LoadedGenerator:
    model = MODELS[family]
    torch.manual_seed(0)
    return rebuild(
        ExportConfig(model=model, size=32),
        pack_weights(FAMILIES[family].load().generator(model, 32)),
        "memory",
    )


@pytest.fixture(scope="module", params=MODELS)
def generator(request: pytest.FixtureRequest) -> LoadedGenerator:
    return made(request.param)


# ---- latents -----------------------------------------------------------------------------------------------


@given(
    st.integers(1, 40), st.integers(0, 40), st.integers(1, 40), st.integers(0, 9), st.integers(0, 2**63 - 1)
)
def test_a_row_depends_on_the_seed_and_its_number_alone(
    count: int, start: int, dim: int, wider: int, seed: int
) -> None:
    every = fixed_latents(start + count, dim + wider, seed)
    assert torch.equal(fixed_latents(count, dim, seed, start), every[start:, :dim])


def test_latents_are_those_of_every_machine() -> None:
    """Numbers that NumPy promises to keep; what is left to a machine is the rounding of a logarithm."""
    found = fixed_latents(2, 3, 7).double().numpy()
    assert found == pytest.approx(np.array(GOLDEN), abs=1e-6)


def test_latents_are_standard_normal_and_independent() -> None:
    many = fixed_latents(256, 512).double()
    assert abs(many.mean().item()) < 5 / math.sqrt(many.numel())
    assert many.std().item() == pytest.approx(1, abs=5 / math.sqrt(2 * many.numel()))
    correlations = torch.corrcoef(many)[~torch.eye(256, dtype=torch.bool)]
    assert correlations.abs().max() < 6 / math.sqrt(512)
    assert not torch.equal(fixed_latents(2, 8), fixed_latents(2, 8, seed=1))


def test_drawing_touches_no_other_randomness() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]
    fixed_latents(6, 128)
    assert torch.equal(states[0], torch.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])  # type: ignore[index]


def test_networks_always_see_whole_blocks() -> None:
    seen: list[int] = []

    def double(block: torch.Tensor) -> torch.Tensor:
        seen.append(len(block))
        return 2 * block

    rows = torch.arange(19.0)[:, None]
    assert torch.equal(in_blocks(double, rows), 2 * rows)
    assert seen == [BLOCK] * 3


# ---- pictures ----------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 40), st.integers(0, 2**63 - 1))
def test_fewer_pictures_are_the_first_of_more(
    generator: LoadedGenerator, few: int, more: int, batch_size: int, seed: int
) -> None:
    pictures = generator.sample(few + more, seed)
    assert np.array_equal(generator.sample(few, seed), pictures[:few])
    assert np.array_equal(generator.sample(few, seed, batch_size=batch_size), pictures[:few])


def test_truncated_pictures_too() -> None:
    generator = made("stylegan2")
    pictures = generator.sample(21, 3, truncation=0.5)
    assert np.array_equal(generator.sample(9, 3, 0.5, batch_size=1), pictures[:9])


def test_a_batch_of_none_is_no_request(generator: LoadedGenerator) -> None:
    with pytest.raises(RequestError, match="batch_size must be at least 1, got 0"):
        generator.sample(3, batch_size=0)


# ---- the command -------------------------------------------------------------------------------------------


def sheet(folder: Path, generator: LoadedGenerator, *arguments: object) -> np.ndarray:
    """What the command writes as one picture, a row for each row of tiles, without the lines between."""
    export, out = folder / generator.config.model.family, folder / "sheet.png"
    if not export.is_dir():
        export.mkdir()
        save_generator(export, generator.config, pack_weights(generator.network))
    result = CliRunner().invoke(cli, ["generate", str(export), "--out", str(out), *map(str, arguments)])
    assert result.exit_code == 0, result.output
    pixels = np.asarray(Image.open(out).convert("RGB"))
    tiles = [side // 34 for side in pixels.shape[:2]]
    inner = pixels[2:, 2:].reshape(tiles[0], 34, tiles[1], 34, 3) if pixels.shape[0] % 34 == 2 else pixels
    return inner[:, :32, :, :32].swapaxes(1, 2)


@pytest.mark.parametrize("count", [1, 5, 9])
def test_a_walk_is_the_same_beside_others(count: int, generator: LoadedGenerator, tmp_path: Path) -> None:
    walks = [sheet(tmp_path, generator, "--interpolate", 3, "--count", n, "--seed", 4) for n in (count, 11)]
    assert np.array_equal(walks[0], walks[1][:count])


@pytest.mark.parametrize("family", ["stylegan", "stylegan2"])
@pytest.mark.parametrize("count", [1, 3, 9])
def test_a_mix_is_the_same_among_others(family: str, count: int, tmp_path: Path) -> None:
    few, more = (
        sheet(tmp_path, made(family), "--mix", "middle", "--count", n, "--seed", 4, "--truncation", 0.8)
        for n in (count, 10)
    )
    assert np.array_equal(few, more[: count + 1, : count + 1])


def test_single_pictures_are_those_of_the_sheet(generator: LoadedGenerator, tmp_path: Path) -> None:
    expected = sheet(tmp_path, generator, "--count", 25, "--seed", 6).reshape(-1, 32, 32, 3)
    for count in (1, 17):
        out = tmp_path / f"{count}"
        export = tmp_path / generator.config.model.family
        arguments = ["generate", str(export), "--count", str(count), "--seed", "6", "--out", str(out)]
        assert CliRunner().invoke(cli, arguments).exit_code == 0
        found = np.stack([np.asarray(Image.open(path)) for path in sorted(out.iterdir())])
        assert np.array_equal(found, expected[:count])


# ---- evaluations -------------------------------------------------------------------------------------------
