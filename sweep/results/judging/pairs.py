"""Choose the pair that is judged next, and foretell how many more judgements are needed.

A judgement of a pair tells the more the less sure the difference of its scores is, and the less sure its outcome. It is
worth the more the likelier it changes who is among the first. Pairs are drawn with odds by that, not the best one
taken, so that nobody can guess what comes.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

from sweep.results.judging.bradley_terry import SURE, Array, Fit, Match

FIRST = 3
"""So many of the best are to be told apart, from each other and from the next."""
OFTEN = 2
"""How often each is judged before anything is foretold."""
MANY = 100
"""More judgements than this are not foretold."""
_BEHIND = 0.1
"""What a pair is worth that has none of the first in it."""
_SHARPNESS = 3
"""The power of a pair's worth by which it is drawn."""

Pair = tuple[int, int]


def draw(fit: Fit, last: Pair | None, rng: random.Random) -> Pair:
    """Draw the next pair, its order included.

    Args:
        fit: The scores so far, of at least two players.
        last: The pair that was judged last, which is not drawn again where there is another.
        rng: Draws.
    """
    pairs = [pair for pair in combinations(range(len(fit.scores)), 2) if set(pair) != set(last or ())]
    pairs = pairs or [(0, 1)]
    among = _among_first(fit)
    worth = [_worth(fit, pair, among) ** _SHARPNESS for pair in pairs]
    (pair,) = rng.choices(pairs, worth)
    return pair if rng.random() < 0.5 else (pair[1], pair[0])


def unseen(fit: Fit, matches: Sequence[Match]) -> int:
    """Count how many more judgements it takes until every player was judged `OFTEN` times."""
    shown = Counter(player for one, other, _ in matches for player in (one, other))
    missing = [max(OFTEN - shown[player], 0) for player in range(len(fit.scores))]
    return max(math.ceil(sum(missing) / 2), *missing)


def lacking(fit: Fit, matches: Sequence[Match], first: int = FIRST) -> int:
    """Foretell how many more judgements it takes until the ``first`` players are told apart; at most `MANY`.

    That is from each other and from the next, should the scores stay as they are; none before each was judged `OFTEN`
    times (`unseen`).
    """
    more = 0.0
    for one, other in neighbours(fit, first):
        if fit.apart(one, other):
            continue
        difference = float(fit.scores[one] - fit.scores[other])
        needed = (SURE / max(difference, 1e-6)) ** 2 - 1 / fit.variances[one, other]
        more += max(needed / fit.information(one, other), 1.0)
    return min(max(math.ceil(more), unseen(fit, matches)), MANY)


def neighbours(fit: Fit, first: int = FIRST) -> list[Pair]:
    """List the pairs that must be told apart so that the ``first`` are: each of them and the next, the best first."""
    order = [int(player) for player in np.argsort(-fit.scores, kind="stable")]
    return list(pairwise(order[: first + 1]))


def _worth(fit: Fit, pair: Pair, among: Array) -> float:
    one, other = pair
    gain = math.log1p(fit.variances[one, other] * fit.information(one, other))
    return gain * (_BEHIND + float(max(among[one], among[other])))


def _among_first(fit: Fit) -> Array:
    """Compute the probability that each player is among the `FIRST`, shape ``(n,)``."""
    count = min(FIRST, len(fit.scores))
    draws = fit.draws[:500]
    kept = np.argpartition(-draws, count - 1, axis=1)[:, :count]
    return np.bincount(kept.ravel(), minlength=len(fit.scores)) / len(draws)
