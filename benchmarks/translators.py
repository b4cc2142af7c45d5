"""What do the numbers of a translator say of translators whose fault is known, and where do limits separate them?

    python benchmarks/translators.py --out benchmarks/results/translators.json
    python benchmarks/translators.py --photos FOLDER

Each "translator" is a simple change of the photographs, or held-out drawings with a planted fault. The limits of the
verdicts (`ganlib.config.CollapseConfig`) and of the warnings (`sweep/results/translation.py`) lie between those that
are dead or flawed and those that are not.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from monotonicity import blur, colour_shift, noise
from torch import Tensor

from ganlib.config import DataConfig, EvaluateConfig
from ganlib.data import ImageSet, cache_dir, prepare
from ganlib.metrics import Evaluator, Pairs, TranslationEvaluator
from ganlib.models.inputs import Pictures

SIZE, COUNT, N_FAKE = 64, 3000, 512
BUILT_IN = (("adventurer", "lorelei"), ("lorelei", "adventurer"), ("adventurer", "pixel-art"))
SHOWN = ("kid", "kid_se", "change", "content", "luminance", "tint", "chroma", "chequer")

Change = Callable[[Tensor, Tensor], Tensor]


def grey(pictures: Tensor) -> Tensor:
    """Take the colour away."""
    return pictures.float().mean(1, keepdim=True).expand(-1, 3, -1, -1).round().to(torch.uint8)


def chequered(pictures: Tensor, levels: float) -> Tensor:
    """Add a chequerboard of single pixels, so many levels up and down."""
    rows, columns = torch.arange(pictures.shape[2]), torch.arange(pictures.shape[3])
    board = 1 - 2.0 * ((rows[:, None] + columns) % 2)
    return (pictures.float() + levels * board).round().clamp(0, 255).to(torch.uint8)


def mixed(photos: Tensor, drawings: Tensor, share: float) -> Tensor:
    """Lay drawings over photographs, so opaque."""
    return torch.lerp(photos.float(), drawings.float(), share).round().to(torch.uint8)


def graded(photos: Tensor, drawings: Tensor) -> Tensor:
    """Give photographs the mean and the spread of each channel of drawings, and change nothing else."""
    x, y = photos.float(), drawings.float()
    x = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)
    x = x * y.std((0, 2, 3), keepdim=True) + y.mean((0, 2, 3), keepdim=True)
    return x.round().clamp(0, 255).to(torch.uint8)


CRAFTED: dict[str, Change] = {
    "identity": lambda a, b: a,
    "identity, noise of 4 levels": lambda a, b: noise(a, 4),
    "identity, blur of 0.6 px": lambda a, b: blur(a, 0.6),
    "identity, blur of 1 px": lambda a, b: blur(a, 1.0),
    "identity, blur of 2 px": lambda a, b: blur(a, 2.0),
    "identity, colours 20 levels off": lambda a, b: colour_shift(a, 20),
    "identity with drawings' mean and spread": graded,
    "identity and 10 % of a drawing": lambda a, b: mixed(a, b, 0.1),
    "identity and 25 % of a drawing": lambda a, b: mixed(a, b, 0.25),
    "identity and 50 % of a drawing": lambda a, b: mixed(a, b, 0.5),
    "identity and 75 % of a drawing": lambda a, b: mixed(a, b, 0.75),
    "negative": lambda a, b: 255 - a,
    "grey identity": lambda a, b: grey(a),
    "other drawings": lambda a, b: b,
    "drawings, colours 5 levels off": lambda a, b: colour_shift(b, 5),
    "drawings, colours 10 levels off": lambda a, b: colour_shift(b, 10),
    "drawings, colours 20 levels off": lambda a, b: colour_shift(b, 20),
    "drawings, 10 levels darker": lambda a, b: (b.short() - 10).clamp(0, 255).to(torch.uint8),
    "drawings, half the chroma": lambda a, b: mixed(grey(b), b, 0.5),
    "drawings, 80 % of the chroma": lambda a, b: mixed(grey(b), b, 0.8),
    "grey drawings": lambda a, b: grey(b),
    "drawings, chequerboard of 1 level": lambda a, b: chequered(b, 1),
    "drawings, chequerboard of 2 levels": lambda a, b: chequered(b, 2),
    "drawings, chequerboard of 4 levels": lambda a, b: chequered(b, 4),
    "drawings, chequerboard of 8 levels": lambda a, b: chequered(b, 8),
    "drawings, noise of 4 levels": lambda a, b: noise(b, 4),
    "drawings, noise of 8 levels": lambda a, b: noise(b, 8),
    "drawings, blur of 0.4 px": lambda a, b: blur(b, 0.4),
    "drawings, blur of 0.6 px": lambda a, b: blur(b, 0.6),
    "drawings, blur of 1 px": lambda a, b: blur(b, 1.0),
}


class Known:
    """A translator whose drawings are known before."""

    def __init__(self, photos: Tensor, drawn: Tensor) -> None:
        self.photos, self.drawn, self.made = photos, drawn, 0

    def __call__(self, count: int) -> Tensor:
        """Give the next drawings."""
        self.made += count
        return self.drawn[self.made - count : self.made]

    def pairs(self, count: int) -> Pairs:
        """Give the first photographs and drawings."""
        return Pairs(self.photos[:count], self.drawn[:count])

    def back(self) -> None:
        """Know no way back."""


def held_out(images: ImageSet, count: int) -> Tensor:
    """Take drawings that evaluations do not compare with: those that the floor is measured with."""
    order = np.random.RandomState(0).permutation(len(images.pictures))[::-1][:count]
    return torch.from_numpy(np.ascontiguousarray(images.pictures[order])).permute(0, 3, 1, 2)


def measure(photos: DataConfig, drawings: DataConfig) -> dict[str, dict[str, float | None]]:
    """Score all crafted translators between two sources."""
    a, b = prepare(photos), prepare(drawings)
    config = EvaluateConfig(n_fake=N_FAKE)
    inputs = Pictures(a.pictures)
    evaluator = TranslationEvaluator(
        Evaluator(b.pictures, b.hash, config, cache=cache_dir()),
        Evaluator(a.pictures, a.hash, config, cache=cache_dir()),
        inputs,
    )
    baseline, floor = evaluator.baseline(), evaluator.floor()
    assert floor is not None
    print(
        f"baseline KID {baseline.kid:.4f} +- {baseline.kid_se:.4f}, floor {floor.kid:.4f} +- {floor.kid_se:.4f}"
    )
    known, others = inputs.levels(N_FAKE), held_out(b, N_FAKE)
    found: dict[str, dict[str, float | None]] = {"baseline": asdict(baseline), "floor": asdict(floor)}
    for name, change in CRAFTED.items():
        score = asdict(evaluator.score(Known(known, change(known, others))))
        found[name] = {key: score[key] for key in SHOWN}
        shown = " ".join(
            f"{key} {value:.4f}" if value is not None else f"{key} -" for key, value in found[name].items()
        )
        print(f"{name:40} {shown} share of baseline {score['kid'] / baseline.kid:.2f}", flush=True)
    return found


def main() -> None:
    """Measure between the built-in styles, or between a folder and one of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--photos", help="folder of photographs, in place of avatars")
    parser.add_argument(
        "--style", default="lorelei", help="style of the drawings that --photos are compared with"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    sources = {
        f"{a} to {b}": (
            DataConfig(style=a, count=COUNT, size=SIZE),
            DataConfig(style=b, count=COUNT, size=SIZE),
        )
        for a, b in BUILT_IN
    }
    if arguments.photos:
        drawings = DataConfig(style=arguments.style, count=COUNT, size=SIZE)
        sources = {
            f"photographs to {arguments.style}": (DataConfig(source=arguments.photos, size=SIZE), drawings)
        }
    results = {}
    for name, (photos, drawings) in sources.items():
        print(name)
        results[name] = measure(photos, drawings)
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
