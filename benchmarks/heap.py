"""What a training step gains when freed memory is kept (`ganlib.heap`), in one run.

    python benchmarks/heap.py [--turns 25]

One thread, float32, DCGAN at 64 px (width 64, batch 64), DCGAN at 32 px as in quickstart.yaml, and StyleGAN2. A process
with it and one without it take turns of a few steps; what is quoted is the median of the turns' ratios of processor
time, with the page faults of a step. Writes benchmarks/results/heap.json.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

RESULTS = ROOT / "benchmarks" / "results" / "heap.json"
WARM_UP = 2
"""Turns that do not count."""
SYSTEMS: dict[str, dict[str, dict[str, Any]]] = {
    "dcgan-64": {"data": {"size": 64}, "model": {"width": 64}, "train": {"batch_size": 64}},
    "dcgan-32": {"data": {"size": 32}, "model": {"width": 32}, "train": {"batch_size": 16, "r1_gamma": 1.0}},
    "stylegan2-32": {
        "data": {"size": 32},
        "model": {"family": "stylegan2", "width": 4},
        "train": {"batch_size": 16, "r1_gamma": 1.0},
    },
}


STEPS = {"dcgan-64": 2, "dcgan-32": 30, "stylegan2-32": 3}
"""Steps of a turn."""


def serve(name: str, kept: bool) -> None:
    """Train some steps for each line of stdin; tell processor seconds and page faults of one, and the size in MiB."""
    import torch

    from benchmarks.turns import stepping
    from ganlib.config import DataConfig, ModelConfig, TrainConfig
    from ganlib.heap import keep_memory

    if kept:
        assert keep_memory()
    torch.set_num_threads(1)
    parts, steps = SYSTEMS[name], STEPS[name]
    train = TrainConfig(**parts["train"], precision="fp32", kimg=1000)
    data, model = DataConfig(**parts["data"]), ModelConfig(**parts["model"])
    work = stepping(data, model, train, steps)
    for _ in range(WARM_UP):
        work()
    for _ in sys.stdin:
        before = resource.getrusage(resource.RUSAGE_SELF)
        work()
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found = {
            "seconds": spent / steps,
            "faults": (after.ru_minflt - before.ru_minflt) / steps,
            "mib": after.ru_maxrss / 1024,
        }
        print(json.dumps(found), flush=True)


def ask(process: "subprocess.Popen[str]") -> dict[str, float]:
    """Let a process take its turn."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    found: dict[str, float] = json.loads(process.stdout.readline())
    return found


def turned(name: str, turns: int) -> dict[str, Any]:
    """Let both take turns, the first one in every second round."""
    processes = {
        kept: subprocess.Popen(
            [sys.executable, __file__, "--one", name, kept],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for kept in ("given-back", "kept")
    }
    rounds = []
    for number in range(turns):
        order = list(processes)[:: 1 if number % 2 else -1]
        rounds.append({kept: ask(processes[kept]) for kept in order})
    for process in processes.values():
        process.communicate()
    from benchmarks.turns import compared

    seconds = {kept: [turn[kept]["seconds"] for turn in rounds] for kept in processes}
    return {
        **compared(seconds["given-back"], seconds["kept"]),
        "faults": {
            kept: round(statistics.median(turn[kept]["faults"] for turn in rounds)) for kept in processes
        },
        "mib": {kept: round(rounds[-1][kept]["mib"]) for kept in processes},
    }


def main() -> None:
    """Compare all, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=25)
    parser.add_argument("--one", nargs=2, metavar=("NAME", "KEPT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, kept = arguments.one
        serve(name, kept == "kept")
        return
    from ganlib.cores import processor

    rows = {}
    for name in SYSTEMS:
        rows[name] = turned(name, arguments.turns)
        print(name, json.dumps(rows[name]), flush=True)
    machine = {"machine": platform.machine(), "processor": processor(), "systems": rows}
    RESULTS.write_text(json.dumps(machine, indent=1) + "\n")


if __name__ == "__main__":
    main()
