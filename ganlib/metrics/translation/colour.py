"""Measure the colours of pictures: CIE Lab, in which distances are about as large as people see them, and luma."""

import torch
from torch import Tensor

from ganlib.transfers import Pending, pending_number, sent

_XYZ_OF_RGB = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
"""From linear sRGB."""
_WHITE = (0.95047, 1.0, 1.08883)
"""XYZ of D65, seen by the observer of 1931 (2 degrees)."""
_LUMA = (0.299, 0.587, 0.114)
"""Weights of Rec. 601."""


def lab(pictures: Tensor) -> Tensor:
    """Convert sRGB to CIE Lab (1976, D65), as `skimage.color.rgb2lab` does.

    Args:
        pictures: uint8 (n, 3, h, w), values 0 to 255.

    Returns:
        float32 (n, 3, h, w): L* from 0 to 100, a* and b* from about -110 to 100, 0 for grey.
    """
    rgb = pictures.float() / 255
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    matrix = sent(torch.tensor(_XYZ_OF_RGB) / torch.tensor(_WHITE)[:, None], pictures.device)
    xyz = torch.einsum("ij,njhw->nihw", matrix, linear)
    x, y, z = torch.where(xyz > 0.008856, xyz.clamp(min=0) ** (1 / 3), 7.787 * xyz + 16 / 116).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def mean_lab(colours: Tensor) -> Tensor:
    """Average Lab colours (n, 3, h, w) over all pixels; gives (3,) float64."""
    return colours.mean((2, 3), dtype=torch.float64).mean(0)


def mean_chroma(colours: Tensor) -> Pending[float]:
    """Average the chroma of Lab colours (n, 3, h, w), the distance from grey in the plane of a* and b*."""
    return pending_number(torch.hypot(colours[:, 1], colours[:, 2]).mean(dtype=torch.float64))


def luma(pictures: Tensor) -> Tensor:
    """Weigh the channels of uint8 (n, 3, h, w) as bright as they look (Rec. 601); gives float32 (n, h, w), 0 to 1."""
    weights = sent(torch.tensor(_LUMA), pictures.device) / 255
    return torch.einsum("c,nchw->nhw", weights, pictures.float())
