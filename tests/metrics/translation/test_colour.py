"""Colours against scikit-image."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2gray, rgb2lab

from ganlib.metrics.translation.colour import lab, luma, mean_chroma, mean_lab


def every_colour() -> torch.Tensor:
    """A picture of 4096 colours, evenly spaced from 0 to 255 in each channel."""
    levels = torch.arange(0, 256, 17, dtype=torch.uint8)
    return torch.cartesian_prod(levels, levels, levels).T.reshape(1, 3, 64, 64)


def test_lab_is_that_of_scikit_image() -> None:
    pictures = every_colour()
    expected = rgb2lab(pictures[0].permute(1, 2, 0).numpy())
    assert np.abs(lab(pictures)[0].permute(1, 2, 0).numpy() - expected).max() < 2e-3
    assert mean_lab(lab(pictures)).numpy() == pytest.approx(expected.mean((0, 1)), abs=1e-4)
    assert mean_chroma(lab(pictures)).read() == pytest.approx(
        np.hypot(expected[..., 1], expected[..., 2]).mean(), abs=1e-4
    )


def test_greys_have_no_chroma_and_the_lightness_from_0_to_100() -> None:
    greys = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(1, 3, 16, 16)
    found = lab(greys)
    assert found[0, 0].min().item() == pytest.approx(0, abs=1e-4)
    assert found[0, 0].max().item() == pytest.approx(100, abs=1e-4)
    assert mean_chroma(found).read() < 0.02


def test_luma_weighs_green_most_and_is_1_for_white() -> None:
    corners = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], dtype=torch.uint8)
    assert luma(corners.T.reshape(1, 3, 2, 2)).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114, 1.0])
    # The weights of another standard, but the order of one thing and another.
    assert rgb2gray(np.array([0.0, 1.0, 0.0])) > rgb2gray(np.array([1.0, 0.0, 0.0]))
