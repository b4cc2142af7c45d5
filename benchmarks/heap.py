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

RESULTS = Path(__file__).parent / "results" / "heap.json"
WARM_UP = 5
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

    from ganlib.config import DataConfig, ModelConfig, TrainConfig
    from ganlib.heap import keep_memory
    from ganlib.names import FAMILIES

    if kept:
        assert keep_memory()
    torch.set_num_threads(1)
    parts = SYSTEMS[name]
    data = DataConfig(**parts["data"])
    model = ModelConfig(**parts["model"])
    train = TrainConfig(**parts["train"], precision="fp32", kimg=1000)
    step = FAMILIES[model.family].load_step()(data, model, train, 0, torch.device("cpu"))
    random = torch.Generator().manual_seed(0)
    shape = (train.batch_size, 3, data.size, data.size)

    def batches() -> Any:
        while True:
            yield torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)

    stream = batches()
    for _ in range(WARM_UP):
        step(stream)
    for _ in sys.stdin:
        before = resource.getrusage(resource.RUSAGE_SELF)
        for _ in range(STEPS[name]):
            step(stream)
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found = {
            "seconds": spent / STEPS[name],
            "faults": (after.ru_minflt - before.ru_minflt) / STEPS[name],
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


def compared(name: str, turns: int) -> dict[str, Any]:
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
    ratios = sorted(turn["given-back"]["seconds"] / turn["kept"]["seconds"] for turn in rounds)
    quarter = turns // 4
    return {
        "ratio": round(statistics.median(ratios), 3),
        "half_of_the_ratios": [round(ratios[quarter], 3), round(ratios[-1 - quarter], 3)],
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
        rows[name] = compared(name, arguments.turns)
        print(name, json.dumps(rows[name]), flush=True)
    machine = {"machine": platform.machine(), "processor": processor(), "systems": rows}
    RESULTS.write_text(json.dumps(machine, indent=1) + "\n")


if __name__ == "__main__":
    main()
