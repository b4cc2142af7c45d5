"""The numbers that an evaluation measures of a generator."""

import math
from dataclasses import dataclass

LEAST_VARIETY = 1e-6
"""A Vendi score nearer to 1 is rounding."""


def variety(vendi: float | None, real_vendi: float | None) -> float | None:
    """Compute a Vendi score beyond that of equal pictures, as a share of what it is for real pictures.

    Args:
        vendi: Of generated pictures, from 1 on; None where it was not measured.
        real_vendi: Of as many real pictures.

    Returns:
        The share, from 0 on; None where something is missing or no number, and where the few real pictures are hardly
        more varied than equal ones.

    Example:
        >>> variety(2.0, 5.0)
        0.25
    """
    if vendi is None or real_vendi is None or not real_vendi - 1 >= LEAST_VARIETY:
        return None
    share = (vendi - 1) / (real_vendi - 1)
    return max(share, 0.0) if math.isfinite(share) else None


@dataclass(frozen=True)
class ClassKid:
    """KID of the generated pictures of one class to the real ones of that class.

    Attributes:
        name: Of the class.
        kid: Kernel distance of the features, lower is better.
        kid_se: Standard error of ``kid``.
        n_real: Real pictures of the class.
        n_fake: Generated pictures of the class.
    """

    name: str
    kid: float
    kid_se: float
    n_real: int
    n_fake: int


@dataclass(frozen=True)
class Score:
    """Numbers of how near generated pictures are to real ones, with all that makes them comparable.

    Attributes:
        fid: Frechet distance of the features, >= 0, lower is better.
        kid: Kernel distance of the features, lower is better; near 0 it may be slightly negative.
        kid_se: Standard error of ``kid``; NaN where there are too few pictures to tell.
        n_real: Real pictures used.
        n_fake: Generated pictures used.
        extractor: Full name of the extractor.
        extractor_digest: SHA-256 (hex) of its weights file.
        resize: How pictures were brought to its size.
        vendi: Vendi score of the first 256 generated pictures, 1 where all are equal.
        real_vendi: Vendi score of as many real pictures, or of all where there are fewer.
        mmd: Distance of the features with a Gaussian kernel, lower is better; near 0 it may be slightly negative. This
            and what follows is None in brief measurements.
        mmd_se: Standard error of ``mmd``; NaN where there are too few pictures to tell.
        mind: Sliced Wasserstein distance of the features, >= 0, lower is better.
        fid_infinity: FID extrapolated to infinitely many pictures; this and what follows is None but in full
            measurements.
        fid_infinity_se: Standard error of ``fid_infinity``.
        precision: Share of generated pictures that could be real.
        recall: Share of real pictures that could be generated.
        density: Precision that counts how many real pictures are near; may exceed 1.
        coverage: Share of real pictures with a generated one near.
        class_kid: KID of each class by itself that has enough pictures, as
            `ganlib.metrics.distances.kernel.kid_by_class` has it; of results alone, and None without labels.
    """

    fid: float
    kid: float
    kid_se: float
    n_real: int
    n_fake: int
    extractor: str
    extractor_digest: str
    resize: str = ""
    vendi: float | None = None
    real_vendi: float | None = None
    mmd: float | None = None
    mmd_se: float | None = None
    mind: float | None = None
    fid_infinity: float | None = None
    fid_infinity_se: float | None = None
    precision: float | None = None
    recall: float | None = None
    density: float | None = None
    coverage: float | None = None
    class_kid: tuple[ClassKid, ...] | None = None
