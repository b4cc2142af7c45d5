"""How often `sweep confirm` finds the truly best configuration, and at what cost, beside as many seeds for each.

    python benchmarks/confirming.py [--times 1000]

Configurations have means from a normal distribution around 1, with a standard deviation of ``spread``, and runs around
these with one of 0.2: seeds of a GAN differ by a fifth of their KID. Reported are: how often the one with the best mean
at the end is the best, by how much it is worse on average, and runs.
"""

import argparse
import json
import statistics

import numpy as np

from sweep.results.confirming.contenders import Contest
from sweep.results.confirming.repeats import FEWEST

NOISE, START = 0.2, 2


def successive(means: np.ndarray, seeds: int, rng: np.random.Generator) -> tuple[int, int]:
    """Add runs as `sweep confirm` does: the winner's place, and how many there were."""
    values = [list(mean + NOISE * rng.standard_normal(START)) for mean in means]
    while (count := sum(map(len, values))) < seeds * len(means):
        place = Contest(values).next([0] * len(means), FEWEST)
        if place is None:
            break
        values[place].append(means[place] + NOISE * rng.standard_normal())
    return Contest(values).leader, count


def even(means: np.ndarray, seeds: int, rng: np.random.Generator) -> tuple[int, int]:
    """Do as many runs of each: the winner's place, and how many there were."""
    runs = means + NOISE * rng.standard_normal((seeds, len(means)))
    return int(runs.mean(axis=0).argmin()), runs.size


def main() -> None:
    """Print one JSON object a setting and rule."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=1000)
    times = parser.parse_args().times
    for spread in (0.1, 0.2, 0.4):
        for count, seeds in ((5, 3), (5, 6), (8, 4)):
            for rule in (even, successive):
                found = []
                for seed in range(times):
                    rng = np.random.default_rng(seed)
                    means = 1 + spread * rng.standard_normal(count)
                    place, runs = rule(means, seeds, rng)
                    found.append((place == means.argmin(), means[place] - means.min(), runs))
                best, worse, runs = (
                    float(statistics.fmean(map(float, column))) for column in zip(*found, strict=True)
                )
                values = {"spread": spread, "configurations": count, "seeds": seeds, "rule": rule.__name__}
                print(json.dumps(values | {"best": best, "worse": worse, "runs": runs}), flush=True)


if __name__ == "__main__":
    main()
