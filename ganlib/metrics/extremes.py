"""Find what real pictures look like at their worst: how flat, how alike, how far from all the others.

Some sets hardly vary, and a perfect generator of such pictures does not either. So it is compared with draws of real
pictures. The draws are a quarter as large as what a generator is judged by, and the worst of several counts: small
draws scatter more, and a generator that draws from the real pictures themselves is hardly ever beyond all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ganlib.metrics.diversity import pending_pixel_std, pending_similarity, pending_vendi
from ganlib.transfers import Pending, gathered, sent

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
    draws = _draws(pictures, count)
    flat = gathered([pending_pixel_std(pictures[rows]) for rows in draws]).then(min)
    alike = gathered([pending_similarity(pictures[rows]) for rows in draws]).then(max)
    flattest, similarity = gathered([flat, alike]).read()
    return flattest, similarity


def least_vendi(features: Tensor, count: int) -> Pending[float]:
    """Find the least Vendi score of draws of checked float64 (n, d) features, for ``count`` generated pictures."""
    return gathered([pending_vendi(features[rows]) for rows in _draws(features, count)]).then(min)


def greatest_fid(
    features: Tensor, count: int, frechet: Callable[[Callable[[], Tensor]], Pending[float]]
) -> Pending[float]:
    """Find the greatest Frechet distance of such draws; ``frechet`` gives that of what is drawn to all of them."""
    draws = _draws(features, count)
    return gathered([frechet(partial(features.__getitem__, rows)) for rows in draws]).then(max)


def _draws(drawn_from: Tensor, count: int) -> Tensor:
    """Draw row numbers: (16, a quarter of ``count``, at least 2).

    A picture may come twice in a draw, as it may from a generator. In all draws together each comes as often as any
    other, or once more: a rare picture that none of them had would be called too far from the others.
    """
    draw = np.random.RandomState(SEED)
    size = DRAWS, max(2, count // SHARE)
    rows = np.resize(draw.permutation(len(drawn_from)), size[0] * size[1])  # again and again, or cut off
    return sent(torch.from_numpy(draw.permutation(rows).reshape(size)), drawn_from.device)
