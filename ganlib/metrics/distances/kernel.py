r"""Kernel distance between two sets of features (KID, Binkowski et al. 2018, arXiv:1801.01401).

The squared maximum mean discrepancy with the polynomial kernel ``(x . y / d + 1)^3``, unbiased, averaged over
random subsets. The kernel between all pictures is evaluated once and every subset reads its sums from it,
which costs a fraction of a kernel for each subset; only sets too large for that are evaluated subset by
subset.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganlib.data.labels.classes import FEW
from ganlib.errors import RequestError
from ganlib.metrics.counts import usual_size
from ganlib.metrics.distances.jackknife import jackknife
from ganlib.metrics.features import FeatureArray, as_pair
from ganlib.metrics.score import ClassKid
from ganlib.transfers import Pending, gathered, sent

BLOCK_ELEMENTS = 1 << 23
"""Elements of the kernel matrix held at a time: 64 MiB in float64."""


class Kid(NamedTuple):
    """KID and its standard error; ``se`` is NaN where the sets are too small to tell."""

    mean: float
    se: float


@dataclass(frozen=True)
class Subsets:
    """Which rows of each set every subset takes: two (subsets, size) int64 arrays."""

    of_x: Tensor
    of_y: Tensor

    @property
    def size(self) -> int:
        """Rows of each set in one subset."""
        return self.of_x.shape[1]

    def on(self, device: torch.device) -> "Subsets":
        """Send them to a device."""
        return Subsets(sent(self.of_x, device), sent(self.of_y, device))


def draw_subsets(n: int, m: int, subsets: int, subset_size: int | None, seed: int) -> Subsets:
    """Draw rows without replacement; the draws are those of torch-fidelity for equal seed and size.

    Without a size it is `usual_size`.

    Raises:
        RequestError: if ``subsets`` < 1 or ``subset_size`` < 2 or larger than the smaller set.
    """
    size = usual_size(n, m) if subset_size is None else subset_size
    if subsets < 1 or size < 2:
        raise RequestError(
            f"KID needs at least 1 subset of at least 2 pictures (subsets is {subsets}, subset_size is {size})"
        )
    if size > min(n, m):
        raise RequestError(
            f"subset_size is {size}, but the smaller set has only {min(n, m)} pictures; give at most as many, or "
            f"leave it out: {usual_size(n, m)} would be taken"
        )
    draw = np.random.RandomState(seed)
    rows = [[draw.choice(count, size, replace=False) for count in (n, m)] for _ in range(subsets)]
    of_x, of_y = torch.from_numpy(np.array(rows)).unbind(1)
    return Subsets(of_x, of_y)


class Means(NamedTuple):
    """Averages of the kernel, all float64.

    Attributes:
        subsets: (subsets,) in each subset.
        rows: (n,) of each row of x with those of the other set, or with the other rows of its own; NaN where no subset
            has the row and only subsets were evaluated.
        columns: (m,) the same of each row of y.
    """

    subsets: Tensor
    rows: Tensor
    columns: Tensor


def mean_within(x: Tensor, picks: Tensor) -> Means:
    """Average the kernel between different rows of ``x``."""
    size = picks.shape[1]
    with_self = _cube(x.square().sum(1) / x.shape[1])
    sums = _sums(x, x, picks, picks)
    rows = (sums.rows - sums.times * with_self) / (sums.across - sums.times)
    return Means((sums.subsets - with_self[picks].sum(1)) / (size * (size - 1)), rows, rows)


def mean_between(x: Tensor, y: Tensor, subsets: Subsets) -> Means:
    """Average the kernel between rows of ``x`` and of ``y``."""
    sums = _sums(x, y, subsets.of_x, subsets.of_y)
    return Means(sums.subsets / subsets.size**2, sums.rows / sums.across, sums.columns / sums.down)


def summarise(within_x: Means, within_y: Means, between: Means) -> Pending[Kid]:
    """Compute mean and standard error of the KIDs of subsets; see `kid_from_features`."""
    values = within_x.subsets + within_y.subsets - 2 * between.subsets
    if len(values) < 2 or min(len(between.rows), len(between.columns)) < 3:
        return Pending.of([values.mean()], lambda found: Kid(found[0], math.nan))
    variance = jackknife(within_x.rows, between.rows) + jackknife(within_y.rows, between.columns)
    variance = variance + values.var() / len(values)
    return Pending.of([values.mean(), variance], lambda found: Kid(found[0], math.sqrt(found[1])))


def kid_from_features(
    x: FeatureArray, y: FeatureArray, subsets: int = 100, subset_size: int | None = None, seed: int = 0
) -> Kid:
    """Compute the kernel distance between two sets of features; KID when they come from the Inception network.

    Computed in float64 on the device of ``x``. Unbiased: it does not fall as n grows, and may be slightly
    negative for sets of one distribution. Equals torch-fidelity for equal subsets.

    ``se`` is the standard error of the mean as an estimate of the true distance: how far it would
    move with other pictures on both sides. Subsets share pictures, so the spread over sqrt(subsets) would only say
    how far the mean would move with other *subsets of these pictures*, and would go to zero as more of them
    are drawn. It is the delete-one jackknife of each set (Efron and Stein 1981), whose variance is too large rather
    than too small, and the variance over subsets / subsets for their draw.

    Args:
        x: (n, d) array or tensor, one row a picture, n >= 2.
        y: (m, d) array or tensor, m >= 2.
        subsets: How many subsets, >= 1.
        subset_size: Pictures of each set in a subset, from 2 to the size of the smaller set. By default 1000, but
            at most half of the smaller set: subsets of a whole set would all be equal and have no spread.
        seed: Seed of the draw; equal features and seed give equal numbers.

    Returns:
        ``(mean, se)``. ``se`` is NaN for a single subset, and where a set has fewer than three rows.

    Raises:
        RequestError: on a wrong shape, on unequal d, on NaN or infinity, and on subsets that are too few, too
            small or too large.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(64, 8))
        >>> kid_from_features(x, x + 1.0).mean > 1.0
        True
    """
    with torch.inference_mode():
        first, second = as_pair(x, y)
        chosen = draw_subsets(len(first), len(second), subsets, subset_size, seed)
        return _pending_kid(first, second, chosen).read()


def _pending_kid(x: Tensor, y: Tensor, chosen: Subsets) -> Pending[Kid]:
    """Compute `kid_from_features` of checked float64 features."""
    chosen = chosen.on(x.device)
    return summarise(mean_within(x, chosen.of_x), mean_within(y, chosen.of_y), mean_between(x, y, chosen))


def kid_by_class(
    real: tuple[Tensor, np.ndarray],
    fake: tuple[Tensor, np.ndarray],
    names: Sequence[str],
    subsets: int,
    subset_size: int | None,
    seed: int,
) -> Pending[tuple[ClassKid, ...]]:
    """Measure KID of each class of which there are `FEW` pictures or more on either side.

    Args:
        real: Checked float64 features ``(n, d)`` of real pictures, and the numbers of their classes ``(n,)``.
        fake: Those of generated pictures.
        names: Of the classes.
        subsets: See `ganlib.metrics.kid_from_features`.
        subset_size: At most, as ``evaluate.kid_subset_size``.
        seed: Of the subsets.
    """
    found: list[Pending[ClassKid]] = []
    for number, name in enumerate(names):
        rows = [torch.from_numpy(np.flatnonzero(classes == number)) for _, classes in (real, fake)]
        counts = len(rows[0]), len(rows[1])
        if min(counts) < FEW:
            continue
        x, y = (
            features[sent(chosen, features.device)]
            for (features, _), chosen in zip((real, fake), rows, strict=True)
        )
        drawn = draw_subsets(*counts, subsets, usual_size(*counts, subset_size), seed)
        found.append(_pending_kid(x, y, drawn).then(partial(_of_class, name, counts)))
    return gathered(found).then(tuple)


def _of_class(name: str, counts: tuple[int, int], kid: Kid) -> ClassKid:
    return ClassKid(name, kid.mean, kid.se, *counts)


def _cube(inner: Tensor) -> Tensor:
    shifted = inner + 1
    return shifted * shifted * shifted


class _Sums(NamedTuple):
    """Sums of the kernel over pairs that were evaluated.

    Attributes:
        subsets: (subsets,) over all pairs of each subset.
        rows: (n,) over the pairs of each row of x.
        columns: (m,) over the pairs of each row of y.
        times: How many times each row of x met all that it meets: (n,), or one number for all.
        across: How many pairs each row of x is in: (n,), or one number for all.
        down: The same of each row of y.
    """

    subsets: Tensor
    rows: Tensor
    columns: Tensor
    times: Tensor | int
    across: Tensor | int
    down: Tensor | int


def _sums(x: Tensor, y: Tensor, rows_x: Tensor, rows_y: Tensor) -> _Sums:
    """Sum the kernel over all pairs of rows, or where these are too many, over those in subsets."""
    n, m, (subsets, size) = len(x), len(y), rows_x.shape
    return (
        _of_subsets(x, y, rows_x, rows_y) if n * m > subsets * size * size else _of_all(x, y, rows_x, rows_y)
    )


def _of_all(x: Tensor, y: Tensor, rows_x: Tensor, rows_y: Tensor) -> _Sums:
    (n, d), m, subsets = x.shape, len(y), len(rows_x)
    takes_x, takes_y = _membership(rows_x, n, x), _membership(rows_y, m, x)
    total, rows, columns = x.new_zeros(subsets), x.new_zeros(n), x.new_zeros(m)
    block = max(1, BLOCK_ELEMENTS // m)
    for start in range(0, n, block):
        part = slice(start, start + block)
        kernel = _cube(x[part] @ y.T / d)
        total += ((takes_x[:, part] @ kernel) * takes_y).sum(1)
        rows[part] = kernel.sum(1)
        columns += kernel.sum(0)
    return _Sums(total, rows, columns, 1, m, n)


def _of_subsets(x: Tensor, y: Tensor, rows_x: Tensor, rows_y: Tensor) -> _Sums:
    total, rows, columns = [], x.new_zeros(len(x)), x.new_zeros(len(y))
    for i, j in zip(rows_x, rows_y, strict=True):
        kernel = _cube(x[i] @ y[j].T / x.shape[1])
        total.append(kernel.sum())
        rows.index_add_(0, i, kernel.sum(1))
        columns.index_add_(0, j, kernel.sum(0))
    times, size = _membership(rows_x, len(x), x).sum(0), rows_x.shape[1]
    return _Sums(
        torch.stack(total), rows, columns, times, times * size, _membership(rows_y, len(y), x).sum(0) * size
    )


def _membership(rows: Tensor, n: int, like: Tensor) -> Tensor:
    """Make a (subsets, n) matrix of ones where a subset takes a row, zeros elsewhere."""
    return like.new_zeros(len(rows), n).scatter_(1, rows, 1.0)
