"""What other ways of computing cost an evaluation on a CPU, beside those that are used, in one run.

    python benchmarks/evaluating.py [--turns 31]

One thread, 64 pictures. Similarity (`ganlib.metrics.diversity`), with the means of its windows made by pooling; and
features (`efficientnet_lite0@64`), with clamps inside of the convolutions by an operator of torch that is not public,
first with weights as they are and then in the order of oneDNN. Ways take turns; what is quoted is the median of the
turns' ratios of processor time, beside that of a way with itself, which tells how well it can be known. The values
must agree, else the script fails. Writes benchmarks/results/evaluating.json.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.meter import processor  # noqa: E402
from benchmarks.turns import in_turn  # noqa: E402
from ganlib.heap import keep_memory  # noqa: E402
from ganlib.metrics import diversity  # noqa: E402
from ganlib.metrics.extractors import efficientnet  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "evaluating.json"
PICTURES = 64
CLAMPED: tuple[Any, ...] = ("hardtanh", [0.0, 6.0], "")
"""What the operator does after the convolution, its scalars, and an algorithm that this needs none of."""


def pooled(x: Tensor) -> Tensor:
    """Average each full window as torch's pooling does it, rows, then columns."""
    side = diversity.WINDOW
    return F.avg_pool2d(F.avg_pool2d(x, (side, 1), stride=1), (1, side), stride=1)


def similar(pictures: Tensor, average: Callable[[Tensor], Tensor]) -> float:
    """Compute the similarity of pictures, with the means of windows made in a way that is given."""
    with patch.object(diversity, "_averaged", average):
        return diversity.pairwise_similarity(pictures)


def similarity(turns: int) -> dict[str, Any]:
    """Compare the two ways of averaging at several sizes: the pooling first."""
    found = {}
    for size in (32, 64, 128):
        pictures = torch.randint(0, 256, (PICTURES, 3, size, size), dtype=torch.uint8)
        ways = {"pooling": pooled, "additions": diversity._averaged}
        values = [similar(pictures, way) for way in ways.values()]
        assert abs(values[0] - values[1]) < 1e-12, values
        ways["pooling again"] = pooled
        works = {name: partial(similar, pictures, way) for name, way in ways.items()}
        found[f"{size} px"] = in_turn(works, turns)
    return found


class Inside(nn.Module):
    """A convolution with its clamp inside, of a batch whose shape is known."""

    def __init__(self, convolution: nn.Conv2d, clamped: bool, shape: tuple[int, ...], packed: bool) -> None:
        super().__init__()
        self.bias, self.after = convolution.bias, CLAMPED if clamped else ("none", [], "")
        one = convolution
        self.how = (one.padding, one.stride, one.dilation, one.groups)
        weight = one.weight.detach()
        if packed:
            weight = torch._C._nn.mkldnn_reorder_conv2d_weight(weight.to_mkldnn(), *self.how, shape)
        self.weights = [weight]  # a module takes no tensor of that layout

    def forward(self, x: Tensor) -> Tensor:
        """Convolve and clamp."""
        return torch.ops.mkldnn._convolution_pointwise(x, *self.weights, self.bias, *self.how, *self.after)


def extractor() -> nn.Module:
    """Load the extractor's network as `efficientnet_lite0@64` has it."""
    network, _ = efficientnet.load_network(64, efficientnet.SCALES[64])
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def inside(pictures: Tensor, packed: bool) -> nn.Module:
    """Make the extractor's network with all clamps inside of the convolutions."""
    network = extractor()
    shapes: dict[nn.Module, tuple[int, ...]] = {}
    for convolution in [module for module in network.modules() if isinstance(module, nn.Conv2d)]:
        convolution.register_forward_hook(
            lambda module, given, _: shapes.__setitem__(module, tuple(given[0].shape))
        )
    network(pictures)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if child in shapes:
                setattr(parent, name, Inside(child, name != "_project_conv", shapes[child], packed))
    return network


def without_clamps(network: nn.Module, pictures: Tensor) -> Tensor:
    """Extract features by a network that clamps inside of its convolutions, and nowhere else."""
    with patch.object(F, "relu6", lambda x, inplace: x):
        return network(pictures)


def features(turns: int) -> dict[str, Any]:
    """Compare the network as it is with the two that clamp inside of their convolutions."""
    pictures = torch.randint(0, 256, (PICTURES, 3, 32, 32), dtype=torch.uint8)
    works = {
        "as it is": partial(extractor(), pictures),
        "as it is again": partial(extractor(), pictures),
        "clamps inside": partial(without_clamps, inside(pictures, False), pictures),
        "and weights packed": partial(without_clamps, inside(pictures, True), pictures),
    }
    expected, *others = (work() for work in works.values())
    assert all(torch.equal(expected, other) for other in others)
    return in_turn(works, turns)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=31)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    with torch.inference_mode():
        found = {"similarity": similarity(options.turns), "features": features(options.turns)}
    machine = {"processor": processor(), "torch": torch.__version__, "turns": options.turns}
    text = json.dumps(machine | found, indent=2)
    print(text)
    options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
