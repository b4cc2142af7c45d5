"""How soon judges find the best of some trials: pairs drawn as `sweep judge` does, and drawn evenly.

    python benchmarks/judging.py [--judges 300] [--players 8] [--spread 1.2] [--seed 0]

Each simulated judge has scores of their own, from a normal distribution, and answers by the model that is fitted
(Bradley-Terry, ties after Davidson). Reported for each number of judgements: how often the truly best has the highest
score, Kendall's tau between true and fitted scores, and how many differences of scores lie in their 95 % intervals.
"""

import argparse
import json
import math
import random
import statistics
from itertools import combinations

import numpy as np

from sweep.results.judging import pairs
from sweep.results.judging.bradley_terry import SURE, Choice, Fit, Match, fit, outcomes
from sweep.results.judging.eye import kendall

AFTER = (20, 30, 60)
TIES = -1.0


def judged(seed: int, players: int, spread: float, favour: bool) -> list[tuple[float, float, float]]:
    """Let one judge answer; what is found after each of `AFTER`: best found, tau, share of differences held."""
    rng = random.Random(seed)
    true = [rng.gauss(0, spread) for _ in range(players)]
    played: list[Match] = []
    found, last, told = fit(players, played), None, []
    for count in range(1, max(AFTER) + 1):
        one, other = pair = pairs.draw(found, last, rng) if favour else tuple(rng.sample(range(players), 2))
        chances = outcomes(true[one] - true[other], TIES)
        played.append((one, other, rng.choices(list(Choice), chances)[0]))
        last, found = pair, fit(players, played)
        if count in AFTER:
            told.append(
                (float(np.argmax(found.scores) == np.argmax(true)), tau(found, true), held(found, true))
            )
    return told


def tau(found: Fit, true: list[float]) -> float:
    """Kendall's tau between fitted and true scores."""
    return float(kendall(found.scores[None], np.array(true)[None])[0])


def held(found: Fit, true: list[float]) -> float:
    """Count the share of differences of scores that lie in their intervals."""
    return statistics.fmean(
        abs(found.scores[a] - found.scores[b] - (true[a] - true[b])) < SURE * math.sqrt(found.variances[a, b])
        for a, b in combinations(range(len(true)), 2)
    )


def main() -> None:
    """Print one JSON object a way of drawing and a number of judgements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--judges", type=int, default=300)
    parser.add_argument("--players", type=int, default=8)
    parser.add_argument("--spread", type=float, default=1.2)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.judges)
    for favour in (False, True):
        all_told = [judged(seed, asked.players, asked.spread, favour) for seed in seeds]
        for place, after in enumerate(AFTER):
            best, agreement, inside = (
                statistics.fmean(told[place][i] for told in all_told) for i in range(3)
            )
            values = {
                "pairs": "as sweep judge" if favour else "evenly",
                "judgements": after,
                "judges": asked.judges,
            }
            print(json.dumps(values | {"best": best, "tau": agreement, "held": inside}))


if __name__ == "__main__":
    main()
