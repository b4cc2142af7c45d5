"""The shortcuts of extraction do not show in the metrics, and pictures are resized as the name says."""

import copy

import numpy as np
import torch
from PIL import Image

from ganlib.config import DataConfig
from ganlib.data import prepare
from ganlib.metrics import fid_from_features, load_extractor
from ganlib.metrics.extractors.inception import prepare_as_clean_fid


def test_float32_with_channels_last_moves_fid_by_less_than_a_thousandth() -> None:
    faces = torch.from_numpy(prepare(DataConfig(count=64, size=32)).pictures.copy()).permute(0, 3, 1, 2)
    real, fake = faces[:32], (faces[32:].float() * 0.9).to(torch.uint8)
    extractor = load_extractor("efficientnet_lite0")
    exact = copy.deepcopy(extractor.network).double()
    exact.forward = _in_double(exact)
    with torch.inference_mode():
        expected = fid_from_features(exact.forward(real), exact.forward(fake))
    value = fid_from_features(extractor(real), extractor(fake))
    assert abs(value - expected) < 1e-3 * expected


def _in_double(network: torch.nn.Module):
    """The network's own forward on pictures that are float64 from the start, in the plain memory layout."""
    inner = type(network).forward

    def forward(pictures: torch.Tensor) -> torch.Tensor:
        wide = pictures.double()
        wide.float = lambda: wide.clone()  # what the network asks for first
        return inner(network, wide)

    return forward


def test_clean_fid_resizes_as_pillow_does_on_floats() -> None:
    for size in (32, 400):
        pictures = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
        ours = prepare_as_clean_fid(torch.from_numpy(pictures).permute(0, 3, 1, 2)) * 128 + 128
        for index, picture in enumerate(pictures):
            for channel in range(3):
                image = Image.fromarray(picture[..., channel].astype(np.float32))
                theirs = np.asarray(image.resize((299, 299), Image.Resampling.BICUBIC)).clip(0, 255)
                assert np.abs(ours[index, channel].numpy() - theirs).max() < 1e-2  # levels of 255
