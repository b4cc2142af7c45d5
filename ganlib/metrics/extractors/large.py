"""The networks of CMMD and FD-DINOv2, with pictures prepared as the authors of these metrics do.

CMMD (Jayasumana et al. 2024, arXiv:2401.09603) compares embeddings of CLIP ViT-L/14 at 336 pixels, FD-DINOv2 (Stein et
al. 2023, arXiv:2306.04675) those of DINOv2 ViT-L/14 at 224. Both resize with Pillow: bicubic, antialiased, and rounded
to whole levels. Weights and the code of DINOv2 come from where those of `ganlib.metrics.extractors.fidelity` do.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganlib.metrics.extractors.base import Extractor
from ganlib.metrics.extractors.download import Published
from ganlib.metrics.extractors.fidelity import clip_network, dinov2_network
from ganlib.names import EXTRACTORS

CLIP_DIGEST = "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02"
CLIP = Published(
    f"https://openaipublic.azureedge.net/clip/models/{CLIP_DIGEST}/ViT-L-14-336px.pt",
    CLIP_DIGEST,
    EXTRACTORS["clip@cmmd"].download_mb,
)
CLIP_COLOURS = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Mean and standard deviation of red, green and blue by which CLIP's pictures are scaled."""
DINOV2 = Published(
    "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
    "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
    EXTRACTORS["dinov2@dgm-eval"].download_mb,
)
DINOV2_SIZE, DINOV2_DIM = 224, 1024
DINOV2_COLOURS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of red, green and blue by which DINOv2's pictures are scaled: ImageNet's."""


def load_clip_cmmd(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load the picture side of CLIP ViT-L/14 at 336 pixels (Radford et al. 2021), 768 features; for CMMD.

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    network, digest = clip_network("clip-vit-l-14-336px", weights, CLIP)
    visual, size = network.model.visual, network.resolution
    return _extractor(
        "clip@cmmd", digest, visual.proj.shape[1], Prepared(visual, size, *CLIP_COLOURS), device
    )


def load_dinov2_dgm_eval(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load DINOv2 ViT-L/14 (Oquab et al. 2023), 1024 features; for FD-DINOv2.

    Raises:
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded, or if the
            authors' code is neither in torch.hub's folder nor can be downloaded.
    """
    network, digest = dinov2_network("dinov2_vitl14", weights, DINOV2)
    prepared = Prepared(network, DINOV2_SIZE, *DINOV2_COLOURS)
    return _extractor("dinov2@dgm-eval", digest, DINOV2_DIM, prepared, device)


class Prepared(nn.Module):
    """A network with what is done to pictures before it.

    Args:
        network: Maps float32 (n, 3, size, size) to features (n, d).
        size: Side in pixels that pictures are resized to.
        mean: Of red, green and blue, in [0, 1], which is taken away.
        deviation: Of red, green and blue, by which the rest is divided.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, network: nn.Module, size: int, mean: Sequence[float], deviation: Sequence[float]
    ) -> None:
        super().__init__()
        self.network, self.size = network, size
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).view(3, 1, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Extract features, float32 (n, d), of uint8 pictures (n, 3, h, w)."""
        x = resized_as_pillow(pictures, self.size).div_(255)
        features: Tensor = self.network((x - self.mean) / self.deviation)
        return features.float()


def resized_as_pillow(pictures: Tensor, size: int) -> Tensor:
    """Resize uint8 pictures to a square as Pillow does: columns, then rows, each rounded to whole levels from 0 to 255.

    On pictures of noise fewer than one value in a hundred is another than Pillow's, by a level or two: where a value
    lies half way between two.
    """
    x = pictures.float()
    for shape in ((x.shape[2], size), (size, size)):
        x = F.interpolate(x, shape, mode="bicubic", antialias=True).round_().clamp_(0, 255)
    return x


def _extractor(name: str, digest: str, dim: int, network: Prepared, device: torch.device | str) -> Extractor:
    network.requires_grad_(False).eval()
    resize = f"bicubic antialiased to {network.size}, whole levels (Pillow)"
    return Extractor(name, digest, dim, network.to(device), resize)
