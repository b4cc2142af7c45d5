"""Measure the pictures of each class by themselves."""

from collections.abc import Sequence

from torch import Tensor

from ganlib.data.labels.classes import FEW
from ganlib.metrics.kernel import kid_from_features, usual_size
from ganlib.metrics.score import ClassKid


def kid_by_class(
    real: tuple[Tensor, Tensor],
    fake: tuple[Tensor, Tensor],
    names: Sequence[str],
    subsets: int,
    subset_size: int | None,
    seed: int,
) -> tuple[ClassKid, ...]:
    """Measure KID of each class of which there are `FEW` pictures or more on either side.

    Args:
        real: Features ``(n, d)`` of real pictures, and the numbers of their classes ``(n,)``.
        fake: Those of generated pictures.
        names: Of the classes.
        subsets: See `ganlib.metrics.kid_from_features`.
        subset_size: At most, as ``evaluate.kid_subset_size``.
        seed: Of the subsets.
    """
    found = []
    for number, name in enumerate(names):
        x, y = (features[classes.to(features.device) == number] for features, classes in (real, fake))
        if min(len(x), len(y)) < FEW:
            continue
        kid = kid_from_features(x, y, subsets, usual_size(len(x), len(y), subset_size), seed)
        found.append(ClassKid(name, kid.mean, kid.se, len(x), len(y)))
    return tuple(found)
