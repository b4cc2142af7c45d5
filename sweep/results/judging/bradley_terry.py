"""Fit scores to judgements of pairs: the Bradley-Terry model, with ties as Davidson has them.

A player i has a score s_i, the logarithm of its strength. Of a pair, i is preferred with a probability proportional
to exp(s_i / 2), j to exp(s_j / 2), and neither to a constant: among pairs without a tie, i wins with probability
1 / (1 + exp(s_j - s_i)). Bradley and Terry, 1952, https://doi.org/10.2307/2334029; Davidson, 1970,
https://doi.org/10.1080/01621459.1970.10481082.

Scores have a weak normal prior around 0, so that one who has won all pairs has a finite score, and players who were
never compared have one at all. It also centres them. Intervals are those of the normal approximation at the maximum
(the inverse of the Hessian).
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
PRIOR = 2.0
"""The standard deviation of scores before any judgement: nine of ten pairs would be won by odds below 100 to 1."""
TIES, TIES_PRIOR = -1.0, 2.0
"""Mean and standard deviation, before any judgement, of the logarithm of how readily ties are called."""
SURE = 1.96
"""Standard errors to each side of a 95 % interval."""
DRAWS = 4000
_STEPS, _STILL = 100, 1e-10


class Choice(StrEnum):
    """What a person said of a pair of pictures."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"


Match = tuple[int, int, Choice]
"""Two players by number, and who was preferred."""


@dataclass(frozen=True)
class Fit:
    """Scores of players.

    Attributes:
        scores: Of each player, shape ``(n,)``; their mean is 0.
        covariance: Of the scores, shape ``(n, n)``.
        ties: The logarithm of how readily ties are called: two equal players tie with odds ``exp(ties) / 2``.
    """

    scores: Array
    covariance: Array
    ties: float

    @cached_property
    def errors(self) -> Array:
        """The standard error of each score against the mean of all, shape ``(n,)``."""
        n = len(self.scores)
        against = np.eye(n) - 1.0 / n
        return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", against, self.covariance, against)))

    def interval(self, player: int) -> tuple[float, float]:
        """Give the 95 % interval of a player's score."""
        half = SURE * float(self.errors[player])
        return float(self.scores[player]) - half, float(self.scores[player]) + half

    @cached_property
    def variances(self) -> Array:
        """The variance of the difference of each two scores, shape ``(n, n)``."""
        own = np.diag(self.covariance)
        return np.asarray(own[:, None] + own[None, :] - 2 * self.covariance)

    def apart(self, one: int, other: int) -> bool:
        """Tell whether the 95 % interval of the difference of two scores leaves out 0."""
        difference = abs(float(self.scores[one] - self.scores[other]))
        return difference > SURE * math.sqrt(self.variances[one, other])

    def information(self, one: int, other: int) -> float:
        """Compute what one more judgement of a pair would tell of the difference of its scores (Fisher's)."""
        wins, losses = outcomes(float(self.scores[one] - self.scores[other]), self.ties)[:2]
        return (wins + losses) / 4 - ((wins - losses) / 2) ** 2

    @cached_property
    def draws(self) -> Array:
        """Scores as they may be, given the judgements, shape ``(DRAWS, n)``; the same at every call."""
        factor = np.linalg.cholesky(self.covariance)
        normal = np.random.default_rng(0).standard_normal((DRAWS, len(self.scores)))
        return np.asarray(self.scores + normal @ factor.T)

    @cached_property
    def best(self) -> Array:
        """The probability that each player is the best of all, shape ``(n,)``."""
        return np.bincount(self.draws.argmax(axis=1), minlength=len(self.scores)) / DRAWS


def preferred(score: float) -> float:
    """Give the share of pairs, ties aside, that a player wins against one whose score is lower by ``score``."""
    return 1 / (1 + math.exp(-score))


def outcomes(difference: float, ties: float) -> tuple[float, float, float]:
    """Give the probabilities that the first of a pair is preferred, the second, and neither."""
    weights = np.exp([difference / 2, -difference / 2, ties])
    first, second, neither = weights / weights.sum()
    return float(first), float(second), float(neither)


def fit(players: int, matches: Sequence[Match], prior: float = PRIOR) -> Fit:
    """Find the scores that are most probable after some judgements, by Newton's method.

    Args:
        players: How many there are; at least one.
        matches: The judgements.
        prior: The standard deviation of the prior on scores.
    """
    counts = Counter(matches)
    signs = np.array([[0.5, -0.5, 0.0]])
    first = np.array([one for one, _, _ in counts], int)
    second = np.array([other for _, other, _ in counts], int)
    said = np.array([list(Choice).index(choice) for _, _, choice in counts], int)
    many = np.array(list(counts.values()), float)
    # The exponents of the three outcomes of each match are linear in scores and ties.
    linear = np.zeros((len(counts), 3, players + 1))
    rows = np.arange(len(counts))
    linear[rows, :, first] += signs
    linear[rows, :, second] -= signs
    linear[:, 2, players] = 1.0
    precision = np.array([prior**-2] * players + [TIES_PRIOR**-2])
    centre = np.array([0.0] * players + [TIES])

    def value(at: Array) -> float:
        exponents = linear @ at
        likelihood = many @ (exponents[rows, said] - np.logaddexp.reduce(exponents, axis=1))
        return float(likelihood - precision @ (at - centre) ** 2 / 2)

    def slope_and_curvature(at: Array) -> tuple[Array, Array]:
        exponents = linear @ at
        chances = np.exp(exponents - np.logaddexp.reduce(exponents, axis=1)[:, None])
        means = np.einsum("mo,mop->mp", chances, linear)
        slope = many @ (linear[rows, said] - means) - precision * (at - centre)
        squares = np.einsum("m,mo,mop,moq->pq", many, chances, linear, linear, optimize=True)
        return slope, squares - np.einsum("m,mp,mq->pq", many, means, means) + np.diag(precision)

    at = centre.copy()
    for _ in range(_STEPS):
        slope, curvature = slope_and_curvature(at)
        step = np.linalg.solve(curvature, slope)
        while value(at + step) < value(at) - 1e-12:
            step /= 2
        at = at + step
        if np.abs(step).max() < _STILL:
            break
    covariance = np.asarray(np.linalg.inv(slope_and_curvature(at)[1]), np.float64)
    return Fit(at[:players], covariance[:players, :players], float(at[players]))
