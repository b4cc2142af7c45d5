"""The numbers that an evaluation measures of a translator, and what it needs of one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from ganlib.metrics.score import Score

PAIRS = 64
"""Photographs that are compared with what becomes of them, at most: those of the sample grid."""


@dataclass(frozen=True)
class Pairs:
    """Photographs with what a translator makes of them.

    Attributes:
        photos: A, uint8 (n, 3, h, w), values 0 to 255.
        drawn: G(A), the drawings made of them, of that dtype and shape.
        returned: F(G(A)), the photographs made of those drawings; None where the way back is not learned.
    """

    photos: Tensor
    drawn: Tensor
    returned: Tensor | None = None


class Translating(Protocol):
    """A translator with a list of photographs, and with a list of drawings where it has learned the way back.

    It is made anew for each measurement. Pictures are uint8 (n, 3, h, w), values 0 to 255, on the evaluator's device.
    """

    def __call__(self, count: int) -> Tensor:
        """Make the next ``count`` drawings, of the next photographs of the list; as ``generate`` of `Evaluator.score`.

        Where that runs out of memory it is asked again for half as many, from the photograph that was next.
        """

    def pairs(self, count: int) -> Pairs:
        """Give the first ``count`` photographs of the list with what becomes of them; ``count`` is at most `PAIRS`.

        It is not asked for fewer where memory is short, and makes them in parts.
        """

    def back(self) -> Callable[[int], Tensor] | None:
        """Give a function that makes the next photographs of the next drawings; None without a way back."""


@dataclass(frozen=True)
class TranslationScore(Score):
    """Numbers of how near a translator's drawings are to real ones, and of what it keeps of the photographs.

    Those of `Score` compare G(A) with B: A are photographs, B drawings, G the way from A to B and F the way back. All
    numbers but FIDs and KIDs are measured on the first 64 photographs, and are None where they are not defined.

    Attributes:
        fid_back: FID of F(B) against A, >= 0; in full measurements of translators with a way back only, as
            ``kid_back`` and ``kid_back_se``.
        kid_back: KID of F(B) against A.
        kid_back_se: Standard error of ``kid_back``.
        cycle_l1: Mean absolute difference of F(G(A)) from A, pixels in [0, 1]: 0 to 1, lower is better. None without
            a way back, as ``cycle_ssim``.
        cycle_ssim: Mean structural similarity (SSIM, Wang et al. 2004) of F(G(A)) and A: -1 to 1, 1 where equal.
        change: Mean absolute difference of G(A) from A, as a share of that between photographs and drawings that have
            nothing to do with each other, >= 0: 0 for the identity, about 1 for a drawing of another person.
        content: Distance of the extractor's features of G(A) from those of A, as a share of that between photographs
            and drawings that have nothing to do with each other, >= 0: 0 for the identity.
        luminance: Mean correlation (Pearson) of the luminance of A and of G(A), pixel by pixel: -1 inverted, 1 kept.
        tint: Distance of the mean colour of G(A) from that of B, in CIE76 units (Lab, D65), >= 0; 2.3 is just
            noticeable.
        chroma: Mean chroma (Lab) of G(A) over that of B, >= 0: below 1 greyer than drawings, 0 grey.
        chequer: Energy of G(A) near the Nyquist frequency over that of B, >= 0: above 1 more of it than drawings
            have, as chequerboards of transposed convolutions; below 1 smoother.
    """

    fid_back: float | None = None
    kid_back: float | None = None
    kid_back_se: float | None = None
    cycle_l1: float | None = None
    cycle_ssim: float | None = None
    change: float | None = None
    content: float | None = None
    luminance: float | None = None
    tint: float | None = None
    chroma: float | None = None
    chequer: float | None = None
