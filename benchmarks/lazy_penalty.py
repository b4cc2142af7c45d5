"""What a gradient penalty that comes only every so many steps gains and costs: wgan-gp with ``gp_every`` 1, 2, 4 and 8.

    python benchmarks/lazy_penalty.py [--seconds 180] [--kimg 60] [--seeds 3] [EVERY ...]

The system is wgan-gp of benchmarks/systems.py, on one thread. Each run is measured twice: when it has seen ``--kimg``
thousand pictures, and after ``--seconds`` of processor time, whichever comes first. Writes
benchmarks/results/lazy_penalty.json, a row for each run, and the table in docs/systems.md anew.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import systems
import torch

from ganlib.data import cache_dir, prepare
from ganlib.metrics import Evaluator
from ganlib.training.fit import Fit

RESULTS = systems.ROOT / "benchmarks" / "results" / "lazy_penalty.json"
BEGIN, END = "<!-- lazy_penalty.py writes from here -->", "<!-- lazy_penalty.py to here -->"
EVERY = (1, 2, 4, 8)


def measure(every: int, seed: int, seconds: float, kimg: float) -> dict[str, Any]:
    """Train one run until both marks are behind it; what it was worth at each."""
    parts = systems.SYSTEMS["wgan-gp"]
    config = systems.configuration(parts.get("model"), parts["train"] | {"gp_every": every})
    images = prepare(systems.DATA)
    evaluator = Evaluator(
        images.pictures, images.hash, systems.EVALUATE, device=torch.device("cpu"), cache=cache_dir()
    )
    run = Fit(config, images.pictures, evaluator, seed=seed)
    spent, found = 0.0, dict[str, float]()
    while len(found) < 2:
        started = time.process_time()
        run._schedule()
        run.step(run.stream)
        spent += time.process_time() - started
        if run.kimg >= kimg and "kid_at_kimg" not in found:
            found["kid_at_kimg"] = systems.score(evaluator, run).kid
        if spent >= seconds and "kid_at_seconds" not in found:
            found |= {"kid_at_seconds": systems.score(evaluator, run).kid}
            reached = run.kimg
    return {
        "every": every,
        "seed": seed,
        "seconds": seconds,
        "kimg": kimg,
        "kimg_at_seconds": reached,
        **found,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Write the results as Markdown, a line for each ``gp_every``, with all seeds in it."""
    lines = [
        "| `gp_every` | KID at the kimg of all | kimg in the seconds of all | KID then |",
        "|--:|---|---|---|",
    ]
    for every in sorted({row["every"] for row in rows}):
        runs = sorted((row for row in rows if row["every"] == every), key=lambda row: row["seed"])
        cells = [
            ", ".join(f"{run['kid_at_kimg']:.3f}" for run in runs),
            ", ".join(f"{run['kimg_at_seconds']:.0f}" for run in runs),
            ", ".join(f"{run['kid_at_seconds']:.3f}" for run in runs),
        ]
        lines.append(f"| {every} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write(rows: list[dict[str, Any]], page: Path) -> None:
    """Put the results on disk and into the page."""
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
    head, _, rest = page.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    page.write_text(f"{head}{BEGIN}\n\n{table(rows)}\n\n{END}{tail}")


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("every", nargs="*", type=int, default=EVERY, metavar="EVERY")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--kimg", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = json.loads(RESULTS.read_text()) if RESULTS.is_file() else []
    for seed in range(options.seeds):
        for every in options.every:
            row = measure(every, seed, options.seconds, options.kimg)
            rows = [old for old in rows if (old["every"], old["seed"]) != (every, seed)] + [row]
            write(rows, systems.PAGE)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
