"""Pictures with alpha, as they are measured."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.drawn.sprites import folder_of, sprites

from ganlib.config import DataConfig
from ganlib.data import prepare
from ganlib.data.alpha import (
    RGBA,
    tensor_on_checks,
)
from ganlib.data.decode import Preparation
from ganlib.metrics import fid, pairwise_similarity, pixel_std
from ganlib.metrics.picture_sets import open_pictures


def test_flat_is_one_colour_or_nothing() -> None:
    blank = torch.zeros(4, 4, 32, 32, dtype=torch.uint8)
    full = torch.full((4, 4, 32, 32), 255, dtype=torch.uint8)
    assert pixel_std(blank) == pixel_std(full) == 0
    for tone in (0, 128, 255):  # a shape in any colour is none of that
        assert pixel_std(sprites(6, colour=tone)) > 0.05
    assert pairwise_similarity(blank) == pytest.approx(1)
    assert pairwise_similarity(sprites(8)) < 0.95


def test_pictures_of_every_form_are_measured_alike(tmp_path: Path) -> None:
    a, b = sprites(12), sprites(24)[12:]
    laid = fid(tensor_on_checks(a), tensor_on_checks(b))
    assert fid(a, b) == pytest.approx(laid, rel=1e-6)
    assert fid(a.permute(0, 2, 3, 1).numpy(), b.float() / 255) == pytest.approx(laid, rel=1e-6)
    files = folder_of(tmp_path / "a", list(a.permute(0, 2, 3, 1).numpy()))
    assert fid(files, b) == pytest.approx(laid, rel=1e-6)
    # Hidden colours make no difference; where a background is given, they are laid on that.
    wild = np.array(a.permute(0, 2, 3, 1))
    wild[wild[..., 3] == 0] = (255, 0, 255, 0)
    assert fid(folder_of(tmp_path / "wild", list(wild)), b) == pytest.approx(laid, rel=1e-6)
    (first, *_) = open_pictures(files, "a", Preparation(None, (255, 0, 0))).read(0, 2)
    assert first.shape == (3, 32, 32)
    assert first[:, 0, 0].tolist() == [255, 0, 0]


def test_opaque_files_are_rgb_whatever_they_say(tmp_path: Path) -> None:
    opaque = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 4), np.uint8)
    opaque[..., 3] = 255
    (first, *_) = open_pictures(folder_of(tmp_path / "a", list(opaque)), "a").read(0, 3)
    assert torch.equal(first, torch.from_numpy(opaque[0, ..., :3]).permute(2, 0, 1))
    assert RGBA == 4


def test_alpha_on_one_side_alone_is_laid_on_white(tmp_path: Path) -> None:
    """Pictures of a generator that was trained on white, against their originals."""
    art = sprites(12)
    originals = folder_of(tmp_path / "originals", list(art.permute(0, 2, 3, 1).numpy()))
    white = prepare(DataConfig(source=str(originals), size=32), tmp_path / "cache", 1).pictures
    laid = folder_of(tmp_path / "laid", list(white))
    for a, b in ((originals, laid), (laid, originals), (art, np.array(white)), (laid, art)):
        assert fid(a, b) == pytest.approx(0, abs=0.02)
    assert fid(originals, originals) == pytest.approx(0, abs=0.02)
    assert fid(np.array(white), tensor_on_checks(art)) > 1
