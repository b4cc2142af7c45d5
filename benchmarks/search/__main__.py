"""What a search finds for how much training: replays of the real director, sampler and rungs on learning curves.

    python benchmarks/search [--replays 200] [--only QUESTION ...] [--processes 2] [--out FILE]
    python benchmarks/search --tables        # only write the tables of docs/search.md from the figures on record

The table of real curves is made by `benchmarks/search/table.py`. Figures are written after each way to search; those on
record are kept, unless their question is named with --only. docs/search.md says what the figures mean.
"""

import argparse
import json
import logging
import math
import multiprocessing
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks.search.curves import Table, World  # noqa: E402
from benchmarks.search.measures import Figures, median  # noqa: E402
from benchmarks.search.questions import QUESTIONS, RANDOM, Way  # noqa: E402
from benchmarks.search.replay import Enough, Spent  # noqa: E402
from benchmarks.search.tables import write_tables  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "search.json"
DOCS = ROOT / "docs" / "search.md"


def quiet() -> None:
    """Say nothing of what replays do on purpose."""
    import optuna

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def played(world: World, way: Way, enough: Enough, seed: int) -> Spent:
    """Run one replay."""
    return way(world, seed, enough)


def answer(name: str, replays: int, processes: int, known: dict[str, Any], save: Any) -> None:
    """Answer a question way by way; what is known already stays."""
    question = QUESTIONS[name]
    if question.ways.keys() <= known.get(name, {}).get("ways", {}).keys():
        return
    world, seeds = question.world(), range(max(4, round(question.replays * replays)))
    with multiprocessing.get_context("fork").Pool(processes, quiet) as pool:

        def all_of(way: Way, enough: Enough) -> list[Spent]:
            return pool.map(partial(played, world, way, enough), seeds, chunksize=1)

        # What random search finds is the target of all others.
        whole, budget = question.whole, question.budget
        target = median(np.array([one.best(whole) for one in all_of(RANDOM, Enough(whole))]))
        to_the_end = Enough(budget, target, question.limit)
        random = all_of(RANDOM, to_the_end)
        until = to_the_end if question.reach else Enough(budget)
        baseline = Figures.of(random, target, budget)
        rows = known.setdefault(name, {"target": target, "budget": budget, "ways": {}})["ways"]
        for label, way in question.ways.items():
            if label in rows:
                continue
            started = time.perf_counter()
            found = random if way is RANDOM else all_of(way, until)
            rows[label] = Figures.of(found, target, budget).plain(baseline, question.limit)
            print(f"{name}: {label}: {rows[label]}, {time.perf_counter() - started:.0f} s", flush=True)
            save()


def main() -> None:
    """Answer the questions; write figures and tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--replays", type=int, default=200, help="of each way to search")
    parser.add_argument("--only", nargs="+", choices=list(QUESTIONS), help="answer these anew")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--tables", action="store_true", help="only write the tables")
    options = parser.parse_args()
    quiet()
    known = json.loads(options.out.read_text()) if options.out.exists() else {}
    known = {
        name: told for name, told in known.items() if name in QUESTIONS and name not in (options.only or ())
    }

    def save() -> None:
        options.out.write_text(json.dumps(known, indent=1) + "\n")

    for name in () if options.tables else options.only or QUESTIONS:
        answer(name, options.replays, options.processes, known, save)
    write_tables(DOCS, known, Table.read())
    assert all(math.isfinite(told["target"]) for told in known.values())


if __name__ == "__main__":
    main()
