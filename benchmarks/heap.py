"""What a training step gains when freed memory is kept (`ganlib.heap`), in one run.

    python benchmarks/heap.py [--turns 5] [--steps 40]

One thread, float32, DCGAN at 64 px (width 64, batch 64), DCGAN at 32 px as in quickstart.yaml, and StyleGAN2. Processes
with and without it take turns; what is quoted is the median of the turns' ratios of processor time, with the page
faults of a step. Writes benchmarks/results/heap.json.
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


def measure(name: str, steps: int, kept: bool) -> dict[str, float]:
    """Train some steps in this process; processor seconds and page faults of one, and the largest size in MiB."""
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
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(steps):
        step(stream)
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "seconds": spent / steps,
        "faults": (after.ru_minflt - before.ru_minflt) / steps,
        "mib": after.ru_maxrss / 1024,
    }


def main() -> None:
    """Let both take turns, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--one", nargs=2, metavar=("NAME", "KEPT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, kept = arguments.one
        print(json.dumps(measure(name, arguments.steps, kept == "kept")))
        return
    rows = {}
    for name in SYSTEMS:
        turns = []
        for _ in range(arguments.turns):
            turn = {}
            for kept in ("given-back", "kept"):
                command = [sys.executable, __file__, "--steps", str(arguments.steps), "--one", name, kept]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                turn[kept] = json.loads(done.stdout)
            turns.append(turn)
        ratios = [turn["given-back"]["seconds"] / turn["kept"]["seconds"] for turn in turns]
        last = turns[-1]
        rows[name] = {
            "ratio": round(statistics.median(ratios), 3),
            "ratios": [round(ratio, 3) for ratio in ratios],
            "faults": {kept: round(turn["faults"]) for kept, turn in last.items()},
            "mib": {kept: round(turn["mib"]) for kept, turn in last.items()},
        }
        print(name, json.dumps(rows[name]), flush=True)
    machine = {"machine": platform.machine(), "processor": _processor(), "systems": rows}
    RESULTS.write_text(json.dumps(machine, indent=1) + "\n")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


if __name__ == "__main__":
    main()
