"""What the blocks of an R3GAN cost on a processor, and what their convolutions gain over others.

    python benchmarks/grouped.py

One thread, float32, channels-last, batch 32; layers take turns, and ratios of the best of several rounds of processor
time go to benchmarks/results/grouped.json. Two passes are timed: forward and backward, and a penalty on slopes, which
differentiates twice. From one case to the next a block has half the maps and four times the pixels.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from ganlib.models.residual.r3gan import EXPANSION, GROUP, Block, Pointwise

RESULTS = Path(__file__).resolve().parent / "results" / "grouped.json"
BATCH, ROUNDS = 32, 5
CASES = [(128, 4), (64, 8), (32, 16), (16, 32)]
"""Maps outside a block, and the side."""


def backward(layer: nn.Module, x: Tensor) -> None:
    """Go forward and backward, to the weights and the input."""
    x = x.detach().requires_grad_(True)
    torch.autograd.grad(layer(x).square().sum(), [x, *layer.parameters()])


def penalty(layer: nn.Module, x: Tensor) -> None:
    """Go forward, backward to the input, and backward through both to the weights."""
    x = x.detach().requires_grad_(True)
    outputs = layer(x).square().sum()
    (slope,) = torch.autograd.grad(outputs, x, create_graph=True)
    torch.autograd.grad(slope.square().sum() + outputs, list(layer.parameters()))


PASSES: dict[str, Callable[[nn.Module, Tensor], None]] = {"backward": backward, "penalty": penalty}


def best(
    layers: dict[str, nn.Module], maps: dict[str, int], side: int, run: Callable[..., None]
) -> dict[str, float]:
    """Milliseconds of the fastest of several rounds, in which the layers take turns."""
    found = dict.fromkeys(layers, float("inf"))
    for turn in range(ROUNDS + 1):
        for name, layer in layers.items():
            x = torch.randn(BATCH, maps[name], side, side).to(memory_format=torch.channels_last)
            started = time.process_time()
            run(layer.to(memory_format=torch.channels_last), x)
            if turn:  # the first is for warming up
                found[name] = min(found[name], 1000 * (time.process_time() - started))
    return found


def measure() -> list[dict[str, object]]:
    """Time each case; its ratios."""
    rows: list[dict[str, object]] = []
    first: dict[str, float] = {}
    for outside, side in CASES:
        inner = EXPANSION * outside
        layers: dict[str, nn.Module] = {
            "dense": nn.Conv2d(inner, inner, 3, padding=1),
            "grouped": nn.Conv2d(inner, inner, 3, padding=1, groups=inner // GROUP),
            "1x1": nn.Conv2d(inner, inner, 1),
            "product": Pointwise(inner, inner),
            "block": Block(outside, 4),
        }
        maps = dict.fromkeys(layers, inner) | {"block": outside}
        for name, run in PASSES.items():
            times = best(layers, maps, side, run)
            row: dict[str, object] = {
                "maps": inner,
                "side": side,
                "pass": name,
                "dense / grouped": round(times["dense"] / times["grouped"], 2),
                "1x1 / product": round(times["1x1"] / times["product"], 2),
                "block / first block": round(times["block"] / first.setdefault(name, times["block"]), 2),
            }
            rows.append(row)
            print(row, flush=True)
    return rows


def main() -> None:
    """Print and keep the table."""
    torch.set_num_threads(1)
    rows = measure()
    RESULTS.write_text(
        json.dumps({"torch": torch.__version__, "batch": BATCH, "rows": rows}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
