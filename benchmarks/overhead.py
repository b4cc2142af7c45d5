"""What the sweep itself costs, beside training: start-up of commands, of trials, and of the whole.

    python benchmarks/overhead.py                # Ray on this machine, and the local runner
    python benchmarks/overhead.py --skip-ray

Reported are: medians of the wall-clock of ``sweep --help`` and ``sweep best`` as whole processes; for a sweep of n
tiny trials, one at a time, the wall-clock from the first start to the last end over the sum of the trials' own
training and evaluation time; and for each trial after the first what lies between its hand-out and its end and is
neither training nor evaluation (its start-up, checkpoints, records).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

SPEC = """
name: tiny
data: {{source: avatars, count: 256, size: 32}}
model: {{width: 8, latent_dim: 16}}
train:
  lr_g: {{type: float, low: 5e-5, high: 2e-3, log: true}}
  epochs: 8
  batch_size: 32
evaluate: {{every: 4, n_fake: 64, n_real: 64}}
search: {{sampler: random, trials: {trials}}}
resources: {{cpu: 1, max_concurrent: 1}}
"""


def seconds(*arguments: str) -> float:
    """Wall-clock of one ``sweep`` command."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "sweep", *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def start_up(*arguments: str, runs: int = 7) -> dict[str, float]:
    """Median, least and most of a command's wall-clock, after one run to warm the disk's cache."""
    seconds(*arguments)
    times = sorted(seconds(*arguments) for _ in range(runs))
    return {"median": statistics.median(times), "min": times[0], "max": times[-1]}


def sweep_of(trials: int, storage: Path, *options: str) -> dict[str, float]:
    """Run a sweep of tiny trials; its overheads."""
    spec = storage / "spec.yaml"
    spec.write_text(SPEC.format(trials=trials))
    whole = seconds("run", str(spec), "--storage", str(storage), *options)
    rows = pq.read_table(storage / "tiny" / "trials").sort_by("trial").to_pylist()
    busy = [row["seconds_train"] + row["seconds_eval"] for row in rows]
    spans = [(row["ended"] - row["started"]).total_seconds() for row in rows]
    total = (rows[-1]["ended"] - rows[0]["started"]).total_seconds()
    beside = [span - work for span, work in zip(spans, busy, strict=True)]
    return {
        "trials": trials,
        "whole_command_seconds": whole,
        "first_trial_beside_seconds": beside[0],
        "later_trial_beside_seconds_median": statistics.median(beside[1:]),
        "later_trial_beside_seconds_max": max(beside[1:]),
        "busy_seconds_per_trial": statistics.mean(busy),
        "wall_over_busy": total / sum(busy),
        "wall_over_busy_after_the_first": (total - spans[0]) / sum(busy[1:]),
    }


def main() -> None:
    """Print everything; with ``--out`` also write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--skip-ray", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as root:
        os.environ.setdefault("SWEEP_CACHE", f"{root}/cache")
        (Path(root) / "local").mkdir()
        results["local runner"] = sweep_of(options.trials, Path(root) / "local", "--local")
        if not options.skip_ray:
            (Path(root) / "ray").mkdir()
            results["ray runner"] = sweep_of(options.trials, Path(root) / "ray")
        results["sweep --help"] = start_up("--help")
        results["sweep best"] = start_up("best", "--storage", f"{root}/local")
    for name, values in results.items():
        print(name)
        for key, value in values.items():
            print(f"  {key:36s} {value:8.3f}")
    if options.out:
        options.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
