"""FID and KID equal pytorch-fid and torch-fidelity, from the same features and from the same pictures."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pytorch_fid.inception
import torch
import torch.nn.functional as F
from pytorch_fid.fid_score import calculate_frechet_distance
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric

from ganlib.errors import RequestError
from ganlib.metrics import fid_from_features, kid_from_features, load_extractor

pytestmark = [
    pytest.mark.slow,  # importing torchvision takes long
    pytest.mark.filterwarnings("ignore:Matrix is singular"),  # the peer's way of computing it
]


def features(seed: int, n: int, d: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    mix = np.random.default_rng(99).normal(size=(d, d)) / np.sqrt(d)
    return (np.random.default_rng(seed).normal(size=(n, d)) * scale + shift) @ mix


def fid_of_pytorch_fid(x: np.ndarray, y: np.ndarray) -> float:
    moments = [(f.mean(0), np.cov(f, rowvar=False)) for f in (x, y)]
    return float(calculate_frechet_distance(*moments[0], *moments[1]))


def fid_of_torch_fidelity(x: np.ndarray, y: np.ndarray) -> float:
    stats = [fid_features_to_statistics(torch.from_numpy(f)) for f in (x, y)]
    return float(fid_statistics_to_metric(*stats, verbose=False)["frechet_inception_distance"])


@pytest.mark.parametrize(("n", "m", "d"), [(400, 300, 48), (48, 64, 48), (64, 500, 32), (2048, 2048, 256)])
@pytest.mark.parametrize("peer", [fid_of_pytorch_fid, fid_of_torch_fidelity])
def test_fid_from_the_same_features(
    n: int, m: int, d: int, peer: Callable[[np.ndarray, np.ndarray], float]
) -> None:
    x, y = features(0, n, d), features(1, m, d, scale=1.2, shift=0.3)
    assert fid_from_features(x, y) == pytest.approx(peer(x, y), rel=1e-6)


@pytest.mark.parametrize(("n", "m", "size"), [(60, 60, 30), (300, 80, 20), (2000, 2000, 1000)])
def test_kid_from_the_same_features_and_subsets(n: int, m: int, size: int) -> None:
    x, y = features(0, n, 24), features(1, m, 24, shift=0.2)
    theirs = kid_features_to_metric(
        torch.from_numpy(x),
        torch.from_numpy(y),
        kid_subsets=10,
        kid_subset_size=size,
        rng_seed=7,
        verbose=False,
    )
    ours = kid_from_features(x, y, subsets=10, subset_size=size, seed=7)
    assert ours.mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-6)
    # Theirs is the spread over subsets, of which at least the mean's share is in ours.
    assert ours.se > theirs["kernel_inception_distance_std"] / np.sqrt(10)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in the layout of the standard weights, with seeded random values that keep activations alive."""

    class Unfilled(FeatureExtractorInceptionV3):
        def load_state_dict(self, *_: object) -> None:
            pass

    empty = io.BytesIO()
    torch.save({}, empty)
    empty.seek(0)
    layout = Unfilled("layout", ["2048"], empty).state_dict()
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, value in layout.items():
        if value.ndim == 4:
            state[name] = torch.randn(value.shape, generator=generator) * (2 / value[0].numel()) ** 0.5
        elif name.endswith("running_var"):
            state[name] = torch.rand(value.shape, generator=generator) + 0.5
        elif name.endswith("bn.weight"):
            state[name] = torch.ones_like(value)
        elif not name.endswith("num_batches_tracked"):
            state[name] = torch.randn(value.shape, generator=generator) * 0.05
    path = tmp_path_factory.mktemp("weights") / "pt_inception-random.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    """Two sets of six smooth pictures of 48 pixels; the second is noisier."""
    generator = torch.Generator().manual_seed(3)
    smooth = F.interpolate(torch.rand(12, 3, 6, 6, generator=generator) * 255, (48, 48), mode="bilinear")
    smooth[6:] += torch.randn(6, 3, 48, 48, generator=generator) * 20
    return smooth.clamp(0, 255).to(torch.uint8)


def test_inception_equals_pytorch_fid_end_to_end(
    weights: Path, pictures: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        pytorch_fid.inception,
        "load_state_dict_from_url",
        lambda *_, **__: torch.load(weights, weights_only=True),
    )
    network = pytorch_fid.inception.InceptionV3([3]).eval()
    with torch.inference_mode():
        theirs = network(pictures.float() / 255)[0].flatten(1).double().numpy()
    ours = load_extractor("inception", weights)(pictures)
    assert np.abs(ours.numpy() - theirs).max() < 1e-3 * np.abs(theirs).max()
    expected = fid_of_pytorch_fid(theirs[:6, :256], theirs[6:, :256])
    assert fid_from_features(ours[:6, :256], ours[6:, :256]) == pytest.approx(expected, rel=1e-3)
    assert fid_from_features(ours[:6], ours[6:]) == pytest.approx(
        fid_from_features(theirs[:6], theirs[6:]), rel=1e-3
    )


def test_inception_equals_torch_fidelity_end_to_end(weights: Path, pictures: Tensor) -> None:
    network = FeatureExtractorInceptionV3("peer", ["2048"], str(weights))
    with torch.inference_mode():
        theirs = network(pictures)[0].double().numpy()
    extractor = load_extractor("inception@torch-fidelity", weights)
    ours = extractor(pictures)
    assert extractor.name == "inception@torch-fidelity"
    assert np.abs(ours.numpy() - theirs).max() < 1e-3 * np.abs(theirs).max()
    expected = fid_of_torch_fidelity(theirs[:6, :256], theirs[6:, :256])
    assert fid_from_features(ours[:6, :256], ours[6:, :256]) == pytest.approx(expected, rel=1e-3)


def test_inception_identity_and_random_state(weights: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pth"
    copy.write_bytes(weights.read_bytes())
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    extractor = load_extractor("inception", copy)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (extractor.name, extractor.dim) == ("inception", 2048)
    assert extractor.digest == load_extractor("inception", weights).digest
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in extractor.network.modules())


def test_inception_weights_of_another_layout(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(RequestError, match="do not fit the network: Missing key"):
        load_extractor("inception", tmp_path / "other.pth")
