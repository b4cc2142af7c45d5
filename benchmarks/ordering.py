"""How metrics of few pictures order generators: those of any subset of a pool, and how often they are right.

`benchmarks/monotonicity.py` makes the pools.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau
from torch import Tensor

from ganlib.metrics import RealStatistics
from ganlib.metrics.distances.rbf import SCALE, SIGMA
from ganlib.metrics.distances.sliced import FACTOR, directions_of, means_of_quantiles
from ganlib.names import METRICS

SURE = 0.95
"""How often two generators must be ordered rightly to count as told apart."""
RESAMPLES = 1000
REPEATS = 9
"""Measurements of which each time is the median."""

Draws = Mapping[str, np.ndarray]


class Reference:
    """What real pictures bring to the metrics of all subsets.

    Attributes:
        real: Their statistics.
        projected: (directions, n) their projections in order.
    """

    def __init__(self, real: RealStatistics) -> None:
        self.real, x = real, real.features
        d = x.shape[1]
        self.kid_within = _off_diagonal((x @ x.T / d + 1) ** 3)
        self.unit = x / x.norm(dim=1, keepdim=True)
        self.mmd_within = _off_diagonal(_gaussian(self.unit, self.unit))
        self.directions = torch.from_numpy(directions_of(d))
        self.projected = (self.directions @ x.T).sort(1).values
        self._means: dict[int, tuple[Tensor, Tensor]] = {}

    def means(self, n: int) -> tuple[Tensor, Tensor]:
        """Give the real side of the sliced distance to n pictures."""
        if n not in self._means:
            means = means_of_quantiles(self.projected, n)
            self._means[n] = means, self.projected.square().mean() - means.square().mean()
        return self._means[n]


class Pool:
    """Features of one damaged pool, prepared so that the metrics of any of its subsets cost little."""

    def __init__(self, features: Tensor, reference: Reference) -> None:
        x, real = features.double(), reference.real
        self.features, self.reference = x, reference
        self.gram = (x @ real.gaussian.factor) @ (x @ real.gaussian.factor).T
        d = x.shape[1]
        self.within, self.between = (x @ x.T / d + 1) ** 3, ((x @ real.features.T / d + 1) ** 3).mean(1)
        unit = x / x.norm(dim=1, keepdim=True)
        self.gaussian, self.across = _gaussian(unit, unit), _gaussian(unit, reference.unit).mean(1)
        self.projected, self.order = (reference.directions @ x.T).sort(1)

    def scores(self, n: int, draws: int, seed: int) -> dict[str, np.ndarray]:
        """Measure ``draws`` random subsets of n pictures by all metrics."""
        random = torch.Generator().manual_seed(seed)
        found: dict[str, list[float]] = {name: [] for name in METRICS}
        for _ in range(draws):
            rows = torch.randperm(len(self.features), generator=random)[:n]
            for name, value in self.of(rows).items():
                found[name].append(value)
        return {name: np.array(values) for name, values in found.items()}

    def of(self, rows: Tensor) -> dict[str, float]:
        """Measure some of the pictures by all metrics, as `ganlib.metrics.Evaluator` does but for KID's subsets."""
        reference = self.reference
        kid = reference.kid_within + _off_diagonal(self.within[rows][:, rows]) - 2 * self.between[rows].mean()
        mmd = _off_diagonal(self.gaussian[rows][:, rows]) - 2 * self.across[rows].mean()
        return {
            "kid": float(kid),
            "fid": self._fid(rows),
            "mmd": SCALE * float(reference.mmd_within + mmd),
            "mind": self._mind(rows),
        }

    def _fid(self, rows: Tensor) -> float:
        x, gram = self.features[rows], self.gram[rows][:, rows]
        gram = gram - gram.mean(0) - gram.mean(1, keepdim=True) + gram.mean()
        squares = torch.linalg.eigvalsh(gram / (len(rows) - 1))
        overlap = squares.clamp(min=0).sqrt().sum()
        mean = x.mean(0)
        variance = (x - mean).square().sum() / (len(rows) - 1)
        gaussian = self.reference.real.gaussian
        return float((mean - gaussian.mean).square().sum() + gaussian.variance + variance - 2 * overlap)

    def _mind(self, rows: Tensor) -> float:
        chosen = torch.zeros(len(self.features), dtype=torch.bool)
        chosen[rows] = True
        ordered = self.projected[chosen[self.order]].view(len(self.projected), len(rows))
        means, within = self.reference.means(len(rows))
        return FACTOR * self.features.shape[1] * float((ordered - means).square().mean() + within)


def _gaussian(x: Tensor, y: Tensor) -> Tensor:
    """Compute the Gaussian kernel less 1 of rows of unit length."""
    return torch.expm1((x @ y.T - 1) / SIGMA**2)


def _off_diagonal(kernel: Tensor) -> Tensor:
    n = len(kernel)
    return (kernel.sum() - kernel.diagonal().sum()) / (n * (n - 1))


def right_order(worse: np.ndarray, better: np.ndarray) -> float:
    """Share of all pairs of draws in which the better generator has the lower value."""
    return float((better[:, None] < worse[None]).mean())


@dataclass(frozen=True)
class Comparison:
    """Two generators of which one is known to be better, with what was drawn of each: by count, by metric."""

    kind: str
    better: Mapping[int, Draws]
    worse: Mapping[int, Draws]


def ordered(comparisons: Sequence[Comparison], counts: Sequence[int]) -> list[dict[str, Any]]:
    """Say how often each metric orders the two generators of a comparison rightly, and how much oftener than KID.

    The share is the mean over the comparisons; its 95 % interval and that of the difference are over the draws, which
    are drawn again with replacement, the same for all metrics (``RESAMPLES`` times).
    """
    random = np.random.default_rng(0)
    rows = []
    for count in counts:
        right = {
            name: np.stack([c.better[count][name][:, None] < c.worse[count][name][None] for c in comparisons])
            for name in METRICS
        }
        draws = right["kid"].shape[1]
        picks = random.integers(draws, size=(RESAMPLES, 2, draws))
        means = {
            name: np.array([table[:, one][:, :, other].mean() for one, other in picks])
            for name, table in right.items()
        }
        for name, table in right.items():
            shares = table.mean((1, 2))
            rows.append(
                {
                    "metric": name,
                    "count": count,
                    "share": float(shares.mean()),
                    "interval": _interval(means[name]),
                    "beyond_kid": float(shares.mean() - right["kid"].mean()),
                    "beyond_kid_interval": _interval(means[name] - means["kid"]),
                    "told_apart": int((shares >= SURE).sum()),
                    "of": len(comparisons),
                    "by_kind": {
                        kind: float(shares[[c.kind == kind for c in comparisons]].mean())
                        for kind in dict.fromkeys(c.kind for c in comparisons)
                    },
                }
            )
    return rows


def agreement(
    drawn: Sequence[Mapping[int, Draws]], whole: Sequence[Mapping[str, float]], counts: Sequence[int]
) -> list[dict[str, Any]]:
    """Say how well each metric of few pictures orders all generators as a result would: Kendall's tau.

    Args:
        drawn: Of each generator, what was drawn, by count and metric.
        whole: Of each generator, the metrics of its whole pool.
        counts: Numbers of pictures.
    """
    rows = []
    for count in counts:
        for name in METRICS:
            values = np.array([one[count][name] for one in drawn])  # generators, draws
            taus = {
                of: [float(kendalltau(column, [one[of] for one in whole]).statistic) for column in values.T]
                for of in dict.fromkeys(("kid", name))
            }
            rows.append(
                {
                    "metric": name,
                    "count": count,
                    **{f"tau_with_{of}": statistics.mean(found) for of, found in taus.items()},
                    **{f"tau_with_{of}_spread": statistics.stdev(found) for of, found in taus.items()},
                }
            )
    return rows


def seconds(real: RealStatistics, fake: Tensor) -> dict[str, dict[str, float]]:
    """Measure what each metric costs at an evaluation: medians of seconds, and of the ratio to KID beside it."""
    measures: dict[str, Callable[[], object]] = {
        "kid": lambda: real.kid(fake),
        "fid": lambda: real.frechet(fake),
        "mmd": lambda: real.mmd(fake),
        "mind": lambda: real.mind(fake),
    }
    times: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(REPEATS + 1):
        for name, measure in measures.items():
            started = time.perf_counter()
            measure()
            times[name].append(time.perf_counter() - started)
    kept = {name: values[1:] for name, values in times.items()}  # the first one also computes the real side
    return {
        name: {
            "seconds": statistics.median(values),
            "of_kid": statistics.median(a / b for a, b in zip(values, kept["kid"], strict=True)),
            "first_seconds": times[name][0],
        }
        for name, values in kept.items()
    }


def _interval(values: np.ndarray) -> list[float]:
    return [float(end) for end in np.quantile(values, (0.025, 0.975))]
