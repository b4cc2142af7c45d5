"""What a loaded generator takes, and what it says of the rest."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ganlib.config import ModelConfig
from ganlib.errors import RequestError
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.export.generator import LoadedGenerator, load_generator
from ganlib.models.dcgan import build_generator


@pytest.fixture
def export(tmp_path: Path) -> Path:
    config = ExportConfig(model=ModelConfig(width=8, latent_dim=16), size=32)
    save_generator(tmp_path, config, pack_weights(build_generator(config.model, config.size)))
    return tmp_path


def test_latents_in_whatever_holds_numbers(export: Path) -> None:
    g = load_generator(export)
    latents = g.latents(5, seed=3)
    expected = g(latents)
    for same in (
        latents.numpy(),
        latents.numpy().astype(">f4"),
        latents.double(),
        latents.flip(0).numpy()[::-1],
        latents.tolist(),
        latents.clone().requires_grad_(),
    ):
        assert np.array_equal(g(same), expected)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda g: g(g.latents(3)[:, :5]), r"latents must be \(n, 16\).* got torch.float32 \(3, 5\)"),
        (lambda g: g.pictures(g.latents(3)[:, :5]), r"latents must be \(n, 16\)"),
        (lambda g: g(g.latents(3)[0]), r"latents must be \(n, 16\).* \(16,\)"),
        (lambda g: g(g.latents(3).to(torch.complex64)), r"latents must be \(n, 16\).* got torch.complex64"),
        (lambda g: g("three"), r"latents must be numbers \(n, 16\), got str"),
        (lambda g: g([[1.0], [1.0, 2.0]]), r"latents must be numbers \(n, 16\), got list"),
        (lambda g: g(None), r"latents must be"),
        (lambda g: g.sample(4.0), "count must be a whole number, got 4.0"),
        (lambda g: g.sample(4, seed=1.5), "seed must be a whole number, got 1.5"),
        (lambda g: g.sample(4, seed=2**63), "seed must be less than"),
        (lambda g: g.sample(4, batch_size=0), "batch_size must be at least 1, got 0"),
    ],
)
def test_what_a_generator_does_not_take(
    call: Callable[[LoadedGenerator], object], says: str, export: Path
) -> None:
    with pytest.raises(RequestError, match=says):
        call(load_generator(export))
