"""The clock of training: kimg, thousands of real pictures shown to the discriminator."""

import math


def kimg_of(value: float, unit: str, images: int) -> float:
    """Epochs or kimg to kimg, for a set of ``images`` pictures."""
    return value if unit == "kimg" else value * images / 1000


def pictures_of(kimg: float) -> int:
    """Pictures after which ``kimg`` is reached, at least one; float noise (1.1 * 300) does not add one."""
    return max(1, math.ceil(kimg * 1000 - 1e-6))
