"""What it gains that a training step on a CPU takes the faster way of each convolution (`ganlib.models.choice`).

    python benchmarks/convolution.py [--turns 31] [--precision auto]

One thread. Steps with that choice take turns with steps by torch's library alone; what is quoted is the median of the
turns' ratios of processor time (above 1 is in favour of the choice), beside that of the library with itself, which says
how well it can be told. The timings that the choice is made by are of this run, not of the user's cache. Writes
benchmarks/results/convolution-amx.json, -avx-512.json, -emulated.json (these in bfloat16) or -float32.json.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.meter import processor, unit  # noqa: E402
from benchmarks.turns import Work, after, in_turn, stepping  # noqa: E402
from ganlib.config import DataConfig, ModelConfig, TrainConfig  # noqa: E402
from ganlib.heap import keep_memory  # noqa: E402
from ganlib.models import choice  # noqa: E402
from ganlib.models.products import Size, Ways  # noqa: E402
from ganlib.steps.precision import Precision, uses_bf16  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
CASES: dict[str, tuple[int, dict[str, Any], dict[str, Any], int]] = {
    "quickstart": (
        32,
        {"width": 32, "latent_dim": 64},
        {"batch_size": 16, "r1_gamma": 1.0, "r1_every": 4},
        4,
    ),
    "dcgan-64, width 32, batch 32": (64, {"width": 32}, {"batch_size": 32}, 2),
    "dcgan-64, width 64, batch 64": (64, {"width": 64}, {"batch_size": 64}, 1),
}
"""Side, model, training, and steps of a turn."""
CHOICE = choice.ways_of


def compared(name: str, turns: int, precision: Precision) -> dict[str, Any]:
    """Let the choice, the library and the library again take turns."""
    side, model, train, steps = CASES[name]
    config = TrainConfig(**train, precision=precision, kimg=1000)

    work = stepping(DataConfig(size=side), ModelConfig(**model), config, steps)

    def chosen_by(ways_of: Callable[[Size], Ways]) -> Work:
        return after(partial(setattr, choice, "ways_of", ways_of), work)

    library = chosen_by(lambda size: Ways())
    return in_turn({"library": library, "choice": chosen_by(CHOICE), "library again": library}, turns)


def main() -> None:
    """Compare all, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=31)
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--out", type=Path, help="in place of benchmarks/results/...")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    bf16 = uses_bf16(options.precision, torch.device("cpu"))
    found: dict[str, Any] = {"processor": processor(), "torch": torch.__version__, "bf16": bf16, "steps": {}}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["SWEEP_CACHE"] = cache
        for name in CASES:
            found["steps"][name] = compared(name, options.turns, options.precision)
            print(name, json.dumps(found["steps"][name]), flush=True)
        kept = sorted(Path(cache, choice.FOLDER).glob("*.json"))
        found["ms"] = {
            path.stem.partition("-")[2]: {
                product: [round(1000 * library, 2), round(1000 * matrix, 2), round(ratio, 2)]
                for product, (library, matrix, ratio) in json.loads(path.read_text())["seconds"].items()
            }
            for path in kept
        }
    print("milliseconds of each product, library and matrix (pictures x few x many x rows x cols):")
    for size, products in found["ms"].items():
        print(f"  {size}: {', '.join(f'{name} {a} and {b} ({c})' for name, (a, b, c) in products.items())}")
    kind = (unit() or "emulated").lower() if bf16 else "float32"
    out = options.out or RESULTS / f"convolution-{kind}.json"
    out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
