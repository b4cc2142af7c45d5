"""Inception-v3 features, 2048 a picture: the network FID and KID were defined on.

The weights are TensorFlow's of 2015-12-05 (Szegedy et al. 2016, arXiv:1512.00567), ported to PyTorch, in
the file that pytorch-fid and torch-fidelity both download. The two prepare pictures differently, which
moves FID by some percent: ``inception`` is pytorch-fid's way, ``inception@torch-fidelity`` is
torch-fidelity's and TensorFlow 1's. Both take uint8 and resize to 299 pixels, bilinear, not antialiased.
``inception@clean-fid`` resizes as Parmar et al. 2022 (arXiv:2104.11222) ask for: bicubic and antialiased.
"""

import contextlib
import hashlib
import http.client
import io
import logging
import os
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

import torch
import torch.nn.functional as F
from filelock import FileLock
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ganlib.errors import RequestError
from ganlib.metrics.extractors.base import Extractor
from ganlib.metrics.extractors.weights import Weights, fitting, read_weights

DIM = 2048
SIZE = 299
DIGEST = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
FILE_BYTES = 95_628_359
URL = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
FILE_NAMES = ("pt_inception-2015-12-05-6726825d.pth", "weights-inception-2015-12-05-6726825d.pth")
"""The names under which pytorch-fid and torch-fidelity keep the same file."""
TIMEOUT_SECONDS = 30

Prepare = Callable[[Tensor], Tensor]

logger = logging.getLogger(__name__)


def load(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """The extractor with pictures prepared as pytorch-fid does.

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    return _load("inception", prepare_as_pytorch_fid, weights, device, "bilinear to 299 (pytorch-fid)")


def load_torch_fidelity(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """The extractor with pictures prepared as torch-fidelity does; its features differ by some percent.

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    resize = "bilinear to 299 (TensorFlow 1, torch-fidelity)"
    return _load("inception@torch-fidelity", prepare_as_torch_fidelity, weights, device, resize)


def load_clean_fid(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """The extractor with pictures prepared as clean-fid does: an antialiased resize (Parmar et al. 2022).

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    resize = "bicubic antialiased to 299 (clean-fid)"
    return _load("inception@clean-fid", prepare_as_clean_fid, weights, device, resize)


def _load(
    name: str, prepare: Prepare, weights: str | None, device: torch.device | str, resize: str
) -> Extractor:
    loaded = _standard_weights() if weights is None else read_weights(Path(weights))
    network = InceptionFeatures(prepare, _layers(loaded, weights or URL))
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
    """Pictures to pooled features.

    Args:
        prepare: Maps uint8 (n, 3, h, w) to float32 (n, 3, 299, 299), about [-1, 1].
        layers: Maps that to (n, 2048, 1, 1).
    """

    def __init__(self, prepare: Prepare, layers: nn.Sequential) -> None:
        super().__init__()
        self.prepare = prepare
        self.layers = layers

    def forward(self, pictures: Tensor) -> Tensor:
        """Features, float32 (n, 2048), of uint8 pictures (n, 3, h, w)."""
        x = self.prepare(pictures).contiguous(memory_format=torch.channels_last)
        features: Tensor = self.layers(x)
        return features.flatten(1)


def _layers(weights: Weights, source: str) -> nn.Sequential:
    """The layers of torch-fidelity's network with the weights, batch norms folded into convolutions.

    Its constructor reads its file with an unrestricted unpickler; it is handed a copy of what the
    restricted one has accepted. It also draws initial values, which must not move the random state of a
    training.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import BasicConv2d, FeatureExtractorInceptionV3

    accepted = io.BytesIO()
    torch.save(weights.state, accepted)
    accepted.seek(0)
    with torch.random.fork_rng(devices=[]), fitting(source):
        network = FeatureExtractorInceptionV3(
            "inception", [str(DIM)], feature_extractor_weights_path=accepted
        )
    for module in network.modules():
        if isinstance(module, BasicConv2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            module.bn = nn.Identity()
    layers = [layer for name, layer in network.named_children() if name != "fc"]
    return nn.Sequential(*layers)


def _standard_weights() -> Weights:
    """The standard weights from the folder that PyTorch keeps downloads in, downloaded into it if absent."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    target = folder / FILE_NAMES[0]
    kept = _kept(folder)
    if kept is not None:
        return kept
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            kept = _kept(folder)
            if kept is None:
                _download(target)
                kept = read_weights(target)
    except (OSError, NotImplementedError, http.client.HTTPException) as error:
        raise RequestError(
            f"the Inception weights are not in '{folder}' and could not be downloaded from {URL} ({error}); "
            "give a local file as evaluate.weights: PATH, set TORCH_HOME to a folder that has them or can be written, "
            "or use the weights that are installed with evaluate.extractor: efficientnet_lite0"
        ) from None
    return kept


def _kept(folder: Path) -> Weights | None:
    for path in (folder / name for name in FILE_NAMES):
        if not path.is_file():
            continue
        with contextlib.suppress(RequestError):
            weights = read_weights(path)
            if weights.digest == DIGEST:
                return weights
        logger.warning("'%s' is damaged or another file than its name says: not used", path)
    return None


def _download(target: Path) -> None:
    """Download the standard weights; the file appears under its name only when its digest is right."""
    request = urllib.request.Request(URL, headers={"User-Agent": "ganlib"})
    logger.info("downloading the Inception weights (%d MB) to '%s'", FILE_BYTES // 10**6, target)
    with (
        urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response,
        tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as part,
    ):
        try:
            digest = _copy(response, part)
            if digest != DIGEST:
                raise OSError(f"what arrived has the SHA-256 {digest}, expected {DIGEST}")
            part.flush()
            os.fsync(part.fileno())
            os.replace(part.name, target)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy to the end and return the SHA-256; a source that does not end is cut off, its digest is wrong."""
    digest = hashlib.sha256()
    left = FILE_BYTES + 1
    while left > 0 and (chunk := source.read(min(1 << 20, left))):
        digest.update(chunk)
        target.write(chunk)
        left -= len(chunk)
    return digest.hexdigest()
