"""Inception-v3 features, 2048 a picture: those on which FID and KID were defined.

The weights are TensorFlow's of 2015-12-05 (Szegedy et al. 2016, arXiv:1512.00567), ported to PyTorch, in
the file that pytorch-fid and torch-fidelity both download. The two prepare pictures differently, which
moves FID by some percent: ``inception`` is pytorch-fid's way, ``inception@torch-fidelity`` is
torch-fidelity's and TensorFlow 1's. Both ways take uint8 and resize to 299 pixels, bilinear, not antialiased.
``inception@clean-fid`` resizes as Parmar et al. 2022 (arXiv:2104.11222) ask for: bicubic and antialiased.
"""

import io
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ganlib.initial import initial_weights
from ganlib.metrics.extractors.base import Extractor
from ganlib.metrics.extractors.download import Published, weights_file
from ganlib.metrics.extractors.weights import Weights, fitting, read_weights
from ganlib.names import EXTRACTORS

DIM = 2048
SIZE = 299
PUBLISHED = Published(
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    EXTRACTORS["inception"].download_mb,
    ("pt_inception-2015-12-05-6726825d.pth", "weights-inception-2015-12-05-6726825d.pth"),
)
"""The standard weights, and the names under which pytorch-fid and torch-fidelity keep the one file."""

Prepare = Callable[[Tensor], Tensor]


def load(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load the extractor with pictures prepared as pytorch-fid does.

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    return _load("inception", prepare_as_pytorch_fid, weights, device, "bilinear to 299 (pytorch-fid)")


def load_torch_fidelity(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load the extractor with pictures prepared as torch-fidelity does; its features differ by some percent.

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    resize = "bilinear to 299 (TensorFlow 1, torch-fidelity)"
    return _load("inception@torch-fidelity", prepare_as_torch_fidelity, weights, device, resize)


def load_clean_fid(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load the extractor with pictures prepared as clean-fid does: an antialiased resize (Parmar et al. 2022).

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    resize = "bicubic antialiased to 299 (clean-fid)"
    return _load("inception@clean-fid", prepare_as_clean_fid, weights, device, resize)


def _load(
    name: str, prepare: Prepare, weights: str | None, device: torch.device | str, resize: str
) -> Extractor:
    path = weights_file(weights, PUBLISHED)
    loaded = read_weights(path)
    network = InceptionFeatures(prepare, _layers(loaded, str(path)))
    network.requires_grad_(False).eval()
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Extractor(name, loaded.digest, DIM, network, resize)


def prepare_as_pytorch_fid(pictures: Tensor) -> Tensor:
    """Scale to [0, 1], resize with half-pixel centres and no antialiasing, scale to [-1, 1]."""
    x = F.interpolate(pictures.float().div_(255), (SIZE, SIZE), mode="bilinear", align_corners=False)
    return x.mul_(2).sub_(1)


def prepare_as_clean_fid(pictures: Tensor) -> Tensor:
    """Resize as Pillow does on floats, bicubic and antialiased, cut to [0, 255], scale as (value - 128) / 128."""
    x = F.interpolate(pictures.float(), (SIZE, SIZE), mode="bicubic", antialias=True)
    return x.clamp_(0, 255).sub_(128).div_(128)


def prepare_as_torch_fidelity(pictures: Tensor) -> Tensor:
    """Resize as TensorFlow 1 did, without half-pixel centres, and scale as (value - 128) / 128."""
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    x: Tensor = interpolate_bilinear_2d_like_tensorflow1x(pictures.float(), (SIZE, SIZE), align_corners=False)
    return (x - 128).div_(128)


class InceptionFeatures(nn.Module):
    """A network from pictures to pooled features.

    Args:
        prepare: Maps uint8 (n, 3, h, w) to float32 (n, 3, 299, 299), about [-1, 1].
        layers: Maps that to (n, 2048, 1, 1).
    """

    def __init__(self, prepare: Prepare, layers: nn.Sequential) -> None:
        super().__init__()
        self.prepare = prepare
        self.layers = layers

    def forward(self, pictures: Tensor) -> Tensor:
        """Extract features, float32 (n, 2048), of uint8 pictures (n, 3, h, w)."""
        x = self.prepare(pictures).contiguous(memory_format=torch.channels_last)
        features: Tensor = self.layers(x)
        return features.flatten(1)


def _layers(weights: Weights, source: str) -> nn.Sequential:
    """Build the layers of torch-fidelity's network with the weights, batch norms folded into convolutions.

    Its constructor reads its file with an unrestricted unpickler; it is handed a copy of what the
    restricted one has accepted. The constructor also draws initial values, which must not move the random state of a
    training.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import BasicConv2d, FeatureExtractorInceptionV3

    accepted = io.BytesIO()
    torch.save(weights.state, accepted)
    accepted.seek(0)
    with initial_weights(), fitting(source):
        network = FeatureExtractorInceptionV3(
            "inception", [str(DIM)], feature_extractor_weights_path=accepted
        )
    for module in network.modules():
        if isinstance(module, BasicConv2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            module.bn = nn.Identity()
    layers = [layer for name, layer in network.named_children() if name != "fc"]
    return nn.Sequential(*layers)
