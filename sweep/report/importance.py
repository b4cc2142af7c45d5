"""Judge which parameters decide: PED-ANOVA (Watanabe, Bansal, Hutter 2023, https://arxiv.org/abs/2304.10255).

A parameter matters if its values are distributed otherwise among the chosen trials (the best, or those that
collapsed) than among all: the importance is the Pearson divergence of the two densities. Only who is chosen
counts, not by how much, so that trials which ASHA stopped early need no value at the full budget. A conditional
parameter is judged among the trials that have it. With few trials chance alone makes densities differ; so each
importance comes with what a random choice of as many trials reaches.

The range in which a mark (a collapse) is most concentrated is that of the scan statistic for rates (Kulldorff
1997, Communications in Statistics 26:1481): the window with the greatest likelihood ratio.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep import formatting
from sweep.report.results import Param

FEWEST = 8
"""Trials below which nothing is said."""
TOP_SHARE = 0.25
"""Trials that count as the best, but never fewer than `TOP_FEWEST`. (The paper's 0.1 of sixty trials are six.)"""
TOP_FEWEST = 5
SHUFFLES, WINDOW_SHUFFLES = 500, 200
_CELLS = 64
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Importance:
    """How much a parameter decides who is chosen.

    Attributes:
        value: The divergence, from 0 (nothing) to n / k - 1, for k chosen of n trials.
        chance: What 95 % of random choices stay below.
        trials: How many trials have the parameter.
        chosen: How many of them are chosen.
        where: The values of the chosen ones: lowest and highest, or choice to count.
    """

    param: Param
    value: float
    chance: float
    trials: int
    chosen: int
    where: tuple[float, float] | dict[str, int]

    @property
    def clear(self) -> bool:
        """Whether the importance is more than chance."""
        return self.value > self.chance


@dataclass(frozen=True)
class Risk:
    """Where marked trials are concentrated.

    Attributes:
        low: The lowest value of the range, or the choice.
        high: The highest value of the range, or the choice.
        inside: How many trials in the range are marked, of how many.
        outside: How many trials outside of the range are marked, of how many.
    """

    param: Param
    low: Any
    high: Any
    inside: tuple[int, int]
    outside: tuple[int, int]


def top(scores: Sequence[float]) -> NDArray[np.bool_]:
    """Mark the scores that are among the best, that is, lowest; shape (n,)."""
    count = max(math.ceil(TOP_SHARE * len(scores)), min(TOP_FEWEST, len(scores) // 2))
    order = np.argsort(np.asarray(scores), kind="stable")
    chosen = np.zeros(len(scores), bool)
    chosen[order[:count]] = True
    return chosen


def importance(param: Param, values: Sequence[Any], chosen: NDArray[np.bool_]) -> Importance | None:
    """Judge the importance of a parameter for being chosen.

    Args:
        param: The parameter.
        values: The parameter's value in each of n trials; trials with None are left out.
        chosen: Which trials are chosen, shape (n,).

    Returns:
        The importance; None where nothing can be said: fewer than `FEWEST` trials have the parameter, fewer than two of
        them (or all) are chosen, or all have one value.
    """
    present = [index for index, value in enumerate(values) if value is not None]
    known, mask = [values[index] for index in present], chosen[present]
    n, k = len(known), int(mask.sum())
    if n < FEWEST or k < 2 or k == n or not _differ(param, known):
        return None
    spread = _numbers(param, known, k) if param.number else _choices(known)
    everywhere = spread.mean(0)
    random = np.random.default_rng(0)
    shuffled = np.argsort(random.random((SHUFFLES, n)), axis=1) < k
    by_chance = _divergence(shuffled @ spread / k, everywhere)
    return Importance(
        param=param,
        value=float(_divergence(mask @ spread / k, everywhere)),
        chance=float(np.quantile(by_chance, 0.95)),
        trials=n,
        chosen=k,
        where=_where(param, [value for value, is_in in zip(known, mask, strict=True) if is_in]),
    )


def risk(param: Param, values: Sequence[Any], marked: NDArray[np.bool_]) -> Risk | None:
    """Find the range, or the choice, in which marked trials are most concentrated.

    Args:
        param: The parameter.
        values: The parameter's value in each of n trials; trials with None are left out.
        marked: Which trials are marked, shape (n,).

    Returns:
        The range; None where there is none, or where a random choice of as many trials would often be as concentrated.
    """
    present = [index for index, value in enumerate(values) if value is not None]
    known, mask = [values[index] for index in present], marked[present]
    n, k = len(known), int(mask.sum())
    if n < FEWEST or k < 2 or k == n:
        return None
    if not param.number:
        places = {label: index for index, label in enumerate(sorted({label_of(value) for value in known}))}
        known = [places[label_of(value)] for value in known]
    order = np.argsort(np.asarray(known, float), kind="stable")
    ordered = [known[index] for index in order]
    starts, ends = _windows(ordered, single=not param.number)
    if not len(starts):
        return None
    random = np.random.default_rng(0)
    drawn = np.argsort(random.random((WINDOW_SHUFFLES, n)), axis=1) < k
    marks = np.concatenate([mask[order][None], drawn])
    sums = np.concatenate([np.zeros((len(marks), 1)), marks.cumsum(1)], axis=1)
    inside, sizes = sums[:, ends] - sums[:, starts], (ends - starts).astype(float)
    gain = _gain(inside, sizes, k, n)
    most = gain.max(1)
    if most[0] <= np.quantile(most[1:], 0.95):
        return None
    best = int(np.argmax(gain[0]))
    low, high = ordered[starts[best]], ordered[ends[best] - 1]
    if not param.number:
        low = high = list(places)[int(low)]
    hit, size = int(inside[0, best]), int(sizes[best])
    return Risk(param, low, high, (hit, size), (k - hit, n - size))


def label_of(value: Any) -> str:  # noqa: ANN401 - a value of a configuration
    """Name a choice: a schedule in words, all else as it is."""
    return formatting.value(value) if isinstance(value, dict) else str(value)


def _axis(param: Param, known: Sequence[float]) -> Floats:
    """Place numbers on their parameter's axis, (n,)."""
    return np.log(np.asarray(known, float)) if param.log else np.asarray(known, float)


def _differ(param: Param, known: Sequence[Any]) -> bool:
    """Tell whether there are two values that differ: as numbers, 1 and 1.0, or 0.0 and -0.0, do not."""
    if not param.number:
        return len({label_of(value) for value in known}) > 1
    axis = _axis(param, known)
    return bool(axis.min() < axis.max())


def _choices(known: Sequence[Any]) -> Floats:
    """Mark which choice each trial has, (n, choices)."""
    labels = sorted({label_of(value) for value in known})
    return np.array([[label_of(value) == label for label in labels] for value in known], float)


def _numbers(param: Param, known: Sequence[float], k: int) -> Floats:
    """Spread each trial over the cells of the axis by a kernel, (n, cells); each row sums to 1."""
    axis = _axis(param, known)
    axis = (axis - axis.min()) / (axis.max() - axis.min())
    low, high = np.quantile(axis, [0.25, 0.75])
    spread = min(float(axis.std()), float(high - low) / 1.34) or float(axis.std())
    # Scott's rule for the smaller of the two sets, for both: a wider kernel for one would look like a difference.
    width = max(1.059 * spread * k**-0.2, 1.0 / _CELLS)
    centres = (np.arange(_CELLS) + 0.5) / _CELLS
    kernel = np.exp(-0.5 * ((centres - axis[:, None]) / width) ** 2)
    return np.asarray(kernel / kernel.sum(1, keepdims=True), np.float64)


def _divergence(chosen: Floats, everywhere: Floats) -> Floats:
    """Compute Pearson's divergence of densities p and q over cells: the mean of (p / q - 1) squared under q."""
    held = np.maximum(everywhere, 1e-12)
    return np.asarray(((chosen / held - 1) ** 2 * everywhere).sum(-1))


def _where(param: Param, chosen: Sequence[Any]) -> tuple[float, float] | dict[str, int]:
    """Find the lowest and the highest of the chosen values, or count each choice, the most frequent first."""
    if param.number:
        return min(chosen), max(chosen)
    labels = sorted({label_of(value) for value in chosen})
    counts = {label: sum(label_of(value) == label for value in chosen) for label in labels}
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _windows(ordered: Sequence[float], single: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List start and end of every window that splits no equal values, of a few trials at least and half at most.

    With ``single``, windows are of one value only, and of any size: choices have no neighbours.
    """
    n = len(ordered)
    cuts = np.array([0, *(i for i in range(1, n) if ordered[i] != ordered[i - 1]), n])
    if single:
        return cuts[:-1], cuts[1:]
    if len(cuts) > _CELLS:  # a finer choice would say no more, and cost its square
        cuts = np.unique(cuts[np.linspace(0, len(cuts) - 1, _CELLS).round().astype(int)])
    starts, ends = (side.ravel() for side in np.meshgrid(cuts, cuts, indexing="ij"))
    size = ends - starts
    kept = (size >= min(3, n // 2)) & (size <= max(n // 2, 1))
    return starts[kept], ends[kept]


def _gain(inside: Floats, sizes: Floats, k: int, n: int) -> Floats:
    """Compute the log likelihood ratio of two rates, inside and outside, against one; 0 where inside is no higher."""

    def likelihood(hits: Floats, size: Floats) -> Floats:
        rate = np.clip(hits / np.maximum(size, 1), 1e-12, 1 - 1e-12)
        return np.asarray(hits * np.log(rate) + (size - hits) * np.log1p(-rate))

    outside, rest = k - inside, n - sizes
    together = likelihood(np.array(float(k)), np.array(float(n)))
    higher = (inside * rest > outside * sizes) & (rest > 0)
    return np.where(higher, likelihood(inside, sizes) + likelihood(outside, rest) - together, 0.0)
