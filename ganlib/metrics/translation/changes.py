"""Measure what a translator changes of pictures and what it keeps: pure functions of uint8 pictures.

Pictures are uint8 (n, 3, h, w), values 0 to 255, h and w equal in both sets; results are computed on their device, and
stay there until they are read.
"""

import numpy as np
import torch
from torch import Tensor

from ganlib.metrics.diversity import ssim
from ganlib.metrics.translation.colour import luma
from ganlib.transfers import Pending, gathered, pending_number, sent

FLAT = 0.5 / 255
"""Standard deviation of pixels in [0, 1] below which a picture is one colour, but for rounding."""
NEAR = 1 / 32
"""How near frequencies count as 0 or as pi, as a share of pi; the nearest neighbours of either always do."""
ROUNDING = 1 / 255**2 / 12
"""Variance of the error of rounding pixels in [0, 1] to 256 levels."""


def difference(x: Tensor, y: Tensor) -> Pending[float]:
    """Average the absolute difference of pixels, which are taken from 0 to 1, over pairs of pictures."""
    return pending_number((x.short() - y.short()).abs().double().mean() / 255)


def difference_of_all(x: Tensor, y: Tensor) -> Pending[float]:
    """Average the `difference` of each picture of ``x`` from each of ``y``; the sets may differ in number."""
    each = gathered([difference(picture[None], y) for picture in x])
    return each.then(lambda found: float(torch.tensor(found).mean()))


def ratio(value: float, whole: float) -> float | None:
    """Divide two distances; None where the whole is nothing but rounding."""
    return value / whole if whole > 1e-6 else None


def cycle_ssim(x: Tensor, y: Tensor) -> Pending[float]:
    """Average the structural similarity of pairs of pictures, h and w >= 7; see `ganlib.metrics.diversity.ssim`."""
    return pending_number(ssim(x.float(), y.float()).double().mean())


def luminance_correlation(x: Tensor, y: Tensor) -> Pending[float | None]:
    """Average Pearson's correlation of the luma (Rec. 601) of pairs of pictures, pixel by pixel.

    Returns:
        A mean in [-1, 1]. A pair counts as 0 where the picture of ``y`` is one colour, which keeps nothing, and not
        at all where that of ``x`` is; None where no pair counts.
    """
    first, second = (luma(pictures).flatten(1).double() for pictures in (x, y))
    first, second = (values - values.mean(1, keepdim=True) for values in (first, second))
    deviation, other = (values.square().mean(1).sqrt() for values in (first, second))
    correlation = (first * second).mean(1) / (deviation * other).clamp(min=1e-12)
    correlation = torch.where(other < FLAT, 0.0, correlation)

    def finish(found: list[float]) -> float | None:
        each, deviations = found[: len(x)], found[len(x) :]
        counted = [one for one, deviation in zip(each, deviations, strict=True) if deviation >= FLAT]
        return float(torch.tensor(counted, dtype=torch.float64).mean().clamp(-1, 1)) if counted else None

    return Pending(torch.cat([correlation, deviation]), finish)


def nyquist_energy(pictures: Tensor) -> Pending[float]:
    """Measure how much of pictures alternates from pixel to pixel, in rows, in columns or as a chequerboard.

    That is the energy at the Nyquist frequency, pi, in one axis or both, and at 0 in the other axis if it is one: where
    strided transposed convolutions leave their patterns (Odena et al. 2016). What is near pi in one axis and anywhere
    in the other is left out: that has noise and the edges of drawings in it. Pictures are faded out to their borders
    (Hann), because opposite borders do not fit together.

    Returns:
        Mean variance of pixels in [0, 1], that of rounding them to levels at least.
    """
    height, width = pictures.shape[2:]
    values = pictures.float() / 255
    window = torch.outer(_hann(height, values), _hann(width, values))
    window = window / window.square().mean().sqrt()
    values = values - values.mean((2, 3), keepdim=True)
    power = torch.fft.fft2(values * window, norm="forward").abs().square().mean((0, 1))
    (still_y, turn_y), (still_x, turn_x) = _zero_and_pi(height), _zero_and_pi(width)
    chosen = np.outer(still_y | turn_y, still_x | turn_x) & ~np.outer(still_y, still_x)
    least = ROUNDING * float(chosen.mean())
    rows = sent(torch.from_numpy(np.flatnonzero(chosen)), power.device)
    return pending_number(power.flatten()[rows].sum()).then(lambda energy: max(energy, least))


def _hann(length: int, like: Tensor) -> Tensor:
    return torch.hann_window(length, periodic=True, dtype=like.dtype, device=like.device)


def _zero_and_pi(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Tell which of the frequencies of a transform are near 0, and which are near pi; the window spreads over three."""
    frequencies = np.abs(np.fft.fftfreq(length))
    near = max(NEAR / 2, 1.01 / length)
    return frequencies <= near, frequencies >= 0.5 - near
