"""What it gains that slopes are cheap to differentiate again (`ganlib.slopes`), in one run.

    python benchmarks/slopes.py [--turns 15] [--precision auto]

One thread. Training steps with it take turns with steps by torch's own second derivatives; what is quoted is the median
of the turns' ratios of processor time (above 1 is in favour of ours), beside that of torch's with itself, which tells
how well it can be known. Writes benchmarks/results/slopes.json.
"""

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.meter import processor  # noqa: E402
from benchmarks.turns import Work, after, in_turn, stepping  # noqa: E402
from ganlib.config import DataConfig, ModelConfig, TrainConfig  # noqa: E402
from ganlib.heap import keep_memory  # noqa: E402
from ganlib.slopes.passes import Sloped  # noqa: E402
from ganlib.steps import judging, styles  # noqa: E402
from ganlib.steps.precision import uses_bf16  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "slopes.json"
SMALL: dict[str, Any] = {"width": 32, "latent_dim": 64}
R1: dict[str, Any] = {"r1_gamma": 1.0}
CASES: dict[str, tuple[int, dict[str, Any], dict[str, Any], int]] = {
    "quickstart: R1 at every fourth step": (32, SMALL, {**R1, "r1_every": 4}, 8),
    "the same, at every step": (32, SMALL, R1, 4),
    "DCGAN of 64 px, R1 at every step": (64, SMALL, R1, 1),
    "wgan-gp": (32, SMALL, {"loss": "wgan-gp"}, 1),
    "R3GAN": (32, {"family": "r3gan", "width": 16}, {"loss": "rpgan", **R1, "r2_gamma": 1.0}, 2),
    "SNGAN, R1 at every step": (32, {"family": "sngan", "width": 32}, {"loss": "hinge", **R1}, 2),
    "StyleGAN2, R1 and path lengths at every step": (
        32,
        {"family": "stylegan2", "width": 8},
        {**R1, "r1_every": 1, "path_weight": 2.0, "path_every": 1},
        1,
    ),
}
"""Side, model, training, and steps of a turn, of 16 pictures."""


def passes_in(context: Callable[[], Any]) -> Work:
    """Make what has steps compute in a context where slopes are taken."""

    def choose() -> None:
        judging.Sloped = styles.Sloped = context  # type: ignore[misc, assignment]

    return choose


def main() -> None:
    """Compare all, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    bf16 = uses_bf16(options.precision, torch.device("cpu"))
    found: dict[str, Any] = {"processor": processor(), "torch": torch.__version__, "bf16": bf16, "steps": {}}
    for name, (side, model, train, steps) in CASES.items():
        config = TrainConfig(batch_size=16, kimg=1000, precision=options.precision, **train)
        work = stepping(DataConfig(size=side), ModelConfig(**model), config, steps)
        theirs, ours = after(passes_in(nullcontext), work), after(passes_in(Sloped), work)
        works = {"torch's": theirs, "ours": ours, "torch's again": theirs}
        found["steps"][name] = in_turn(works, options.turns)
        print(name, json.dumps(found["steps"][name]), flush=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
