"""Find what real pictures look like at their worst: how flat, how alike, how far from all the others.

Some sets hardly vary, and a perfect generator of such pictures does not either. So it is compared with draws of real
pictures. The draws are a quarter as large as what a generator is judged by, and the worst of several counts: small
draws scatter more, and a generator that draws from the real pictures themselves is hardly ever beyond all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganlib.metrics.diversity import pairwise_similarity, pixel_std, vendi_from_features

DRAWS, SHARE = 16, 4
SEED = 0


@dataclass(frozen=True)
class Extremes:
    """The worst of several draws of real pictures.

    Attributes:
        pixel_std: Of the flattest draw; see `ganlib.metrics.pixel_std`.
        similarity: Of the draw whose pictures are most alike; see `ganlib.metrics.pairwise_similarity`.
        vendi: Vendi score of the least varied draw.
        fid: Frechet distance to all real pictures of the draw that is farthest from them.
    """

    pixel_std: float
    similarity: float
    vendi: float
    fid: float


def of_pixels(pictures: Tensor, count: int) -> tuple[float, float]:
    """Find the least `pixel_std` and the greatest `pairwise_similarity` of draws of pictures, uint8 (n, 3, h, w).

    Args:
        pictures: The real ones, n >= 2.
        count: How many generated ones will be judged.
    """
    draws = list(_draws(len(pictures), count))
    flattest = min(pixel_std(pictures[rows]) for rows in draws)
    return flattest, max(pairwise_similarity(pictures[rows]) for rows in draws)


def least_vendi(features: Tensor, count: int) -> float:
    """Find the least Vendi score of draws of (n, d) features, where ``count`` generated pictures will be judged."""
    return min(vendi_from_features(features[rows]) for rows in _draws(len(features), count))


def greatest_fid(features: Tensor, count: int, frechet: Callable[[Tensor], float]) -> float:
    """Find the greatest Frechet distance of draws of (n, d) features; ``frechet`` gives that to all of them."""
    return max(frechet(features[rows]) for rows in _draws(len(features), count))


def _draws(available: int, count: int) -> Tensor:
    """Draw row numbers, with replacement as a generator draws: (16, a quarter of ``count``, at least 2)."""
    draw = np.random.RandomState(SEED)
    return torch.from_numpy(draw.randint(available, size=(DRAWS, max(2, count // SHARE))))
