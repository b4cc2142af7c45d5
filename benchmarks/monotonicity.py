"""Does a cheap extractor tell the truth, and which metric the soonest? Damage of known strength, pictures needed.

    python benchmarks/monotonicity.py --out benchmarks/results/monotonicity.json

The second file beside it is that of ``--extractors efficientnet_lite0@64 --counts 64 128 256 512``.

Pictures that were held out stand in for a generator and are damaged in five ways, a little to a lot. A good metric
rises with every kind of damage (`monotonicity`). Then the question that a search asks: of two generators that are
damaged by neighbouring strengths, is the better one rated better, and with how many pictures is that so in 95 % of the
draws (`pictures needed`)? The two sets are drawn independently, each from its own pool. `ordered` has how often each
metric is right over all such pairs, `agreement` how well it orders all generators at once as one on all pictures does.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from ordering import SURE, Comparison, Pool, Reference, agreement, ordered, right_order, seconds
from torch import Tensor

from ganlib.config import DataConfig
from ganlib.data import prepare
from ganlib.metrics import RealStatistics, load_extractor
from ganlib.names import METRICS

N_REAL = 2048
POOL = 1024
MODES = 10
COUNTS = (16, 32, 64, 128, 256, 512)
DRAWS = 40
EVALUATED = 512
"""Pictures of the evaluation whose cost is measured."""
CLEAN = ("", 0.0)
STYLE, OTHER = "adventurer", "lorelei"


def blur(pictures: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, sigma in pixels."""
    radius = math.ceil(3 * sigma)
    axis = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = (-0.5 * (axis / sigma) ** 2).exp()
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    x = F.pad(pictures.float(), (radius,) * 4, mode="reflect")
    x = F.conv2d(F.conv2d(x, kernel, groups=3), kernel.mT, groups=3)
    return x.round().to(torch.uint8)


def noise(pictures: Tensor, sigma: float) -> Tensor:
    """Gaussian noise, sigma in levels of 255."""
    random = torch.Generator().manual_seed(1)
    x = pictures.float() + sigma * torch.randn(pictures.shape, generator=random)
    return x.round().clamp(0, 255).to(torch.uint8)


def colour_shift(pictures: Tensor, levels: float) -> Tensor:
    """Red up, blue down, by so many levels of 255."""
    x = pictures.float() + torch.tensor([levels, 0.0, -levels]).view(1, 3, 1, 1)
    return x.round().clamp(0, 255).to(torch.uint8)


def modes_of(pictures: Tensor) -> Tensor:
    """Find the mode of each picture: k-means on 8 x 8 colours, without any of the networks that are judged."""
    x = F.adaptive_avg_pool2d(pictures.float(), 8).flatten(1)
    random = torch.Generator().manual_seed(2)
    centres = x[torch.randperm(len(x), generator=random)[:MODES]]
    for _ in range(50):
        nearest = torch.cdist(x, centres).argmin(1)
        centres = torch.stack([x[nearest == mode].mean(0) for mode in range(MODES)])
    order = torch.bincount(nearest, minlength=MODES).argsort()
    rank = torch.empty_like(order).scatter_(0, order, torch.arange(MODES))
    return rank[nearest]  # 0 is the rarest


class Damage:
    """Pools of pictures by kind and strength of damage."""

    def __init__(self, real: Tensor, other: Tensor) -> None:
        self.held_out, self.other = real, other
        self.modes = modes_of(real)

    def pool(self, kind: str, strength: float) -> Tensor:
        """`POOL` pictures; strength 0 is no damage."""
        clean = self.held_out[:POOL]
        if strength == 0:
            return clean
        if kind == "modes dropped of 10":  # the rarest first, as a generator loses them
            return self.held_out[self.modes >= strength][:POOL]
        if kind == f"% of {OTHER} mixed in":
            count = round(POOL * strength / 100)
            return torch.cat([self.other[:count], clean[count:]])
        damage: dict[str, Callable[[Tensor, float], Tensor]] = {
            "blur, sigma in px": blur,
            "noise, sigma of 255": noise,
            "colour shift of 255": colour_shift,
        }
        return damage[kind](clean, strength)


STRENGTHS = {
    "blur, sigma in px": (0, 0.4, 0.6, 0.9, 1.5),
    "noise, sigma of 255": (0, 4, 8, 16, 32),
    "colour shift of 255": (0, 5, 10, 20, 40),
    "modes dropped of 10": (0, 2, 4, 6, 8),
    f"% of {OTHER} mixed in": (0, 5, 10, 20, 40),
}


def features_of(extractor: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """Features of pictures, in batches."""
    return torch.cat([extractor(part) for part in pictures.split(64)])


@dataclass(frozen=True)
class Made:
    """A damaged pool: the metrics of all of it, and those of draws from it by their number of pictures."""

    whole: dict[str, float]
    drawn: dict[int, dict[str, np.ndarray]]

    @classmethod
    def of(cls, features: Tensor, reference: Reference, counts: Sequence[int], seed: int) -> "Made":
        """Measure a pool."""
        real = reference.real
        kid, mmd = real.kid(features), real.mmd(features)
        whole = {"pictures": len(features), "fid": real.frechet(features), "kid": kid.mean, "kid_se": kid.se}
        whole |= {"mmd": mmd.value, "mmd_se": mmd.se, "mind": real.mind(features)}
        pool = Pool(features, reference)
        return cls(whole, {n: pool.scores(n, DRAWS, seed=seed + n) for n in counts})


def experiment(name: str, pictures: Tensor, damage: Damage, counts: Sequence[int]) -> dict[str, object]:
    """Measure all figures of one extractor."""
    extractor = load_extractor(name)
    started = time.perf_counter()
    real = RealStatistics(features_of(extractor, pictures))
    rate = len(pictures) / (time.perf_counter() - started)
    reference = Reference(real)
    made: dict[tuple[str, float], Made] = {}
    series, needed, comparisons = [], [], []
    for kind, strengths in STRENGTHS.items():
        for place, strength in enumerate(strengths):
            key = (kind, strength) if strength else CLEAN
            if key not in made:
                features = features_of(extractor, damage.pool(kind, strength))
                made[key] = Made.of(features, reference, counts, seed=100 * place)
            series.append({"kind": kind, "strength": strength, **made[key].whole})
        for better, worse in pairwise(strengths):
            one, other = (made[(kind, strength) if strength else CLEAN] for strength in (better, worse))
            comparisons.append(Comparison(kind, one.drawn, other.drawn))
            for metric in METRICS:
                shares = {n: right_order(other.drawn[n][metric], one.drawn[n][metric]) for n in counts}
                enough = [n for n in counts if all(shares[m] >= SURE for m in counts if m >= n)]
                pair = {"kind": kind, "pair": (better, worse), "metric": metric}
                needed.append(pair | {"needed": min(enough, default=None), "shares": shares})
        tell(name, kind, series, needed)
    each = list(made.values())
    found = {
        "pictures_per_second": rate,
        "seconds": seconds(real, features[:EVALUATED].double()),
        "ordered": ordered(comparisons, counts),
        "agreement": agreement([one.drawn for one in each], [one.whole for one in each], counts),
        "monotonicity": series,
        "pictures_needed": needed,
    }
    summarise(found)
    return found


def tell(name: str, kind: str, series: list[dict], needed: list[dict]) -> None:
    """Print the figures of one kind of damage."""
    print(f"{name}  {kind}")
    for row in (row for row in series if row["kind"] == kind):
        print(
            f"  {row['strength']:5}  FID {row['fid']:8.3f}  KID {row['kid']:8.5f} +- {row['kid_se']:.5f}  "
            f"MMD {row['mmd']:8.5f} +- {row['mmd_se']:.5f}  MIND {row['mind']:8.3f}"
        )
    for row in (row for row in needed if row["kind"] == kind):
        shares = "  ".join(f"{n}: {share:.2f}" for n, share in row["shares"].items())
        print(f"  {row['pair']} by {row['metric']}: {row['needed']} pictures   ({shares})")
    print(flush=True)


def summarise(found: dict[str, Any]) -> None:
    """Print how the metrics compare over all kinds of damage."""
    for row in found["ordered"]:
        low, high = row["interval"]
        least, most = row["beyond_kid_interval"]
        print(
            f"{row['metric']:5} n={row['count']:4}: right {row['share']:.4f} ({low:.4f} to {high:.4f}), beyond KID "
            f"{row['beyond_kid']:+.4f} ({least:+.4f} to {most:+.4f}), told apart {row['told_apart']} of {row['of']}"
        )
    for row in found["agreement"]:
        own = row[f"tau_with_{row['metric']}"]
        print(
            f"{row['metric']:5} n={row['count']:4}: tau with KID of all {row['tau_with_kid']:.3f}, own {own:.3f}"
        )
    for name, row in found["seconds"].items():
        print(f"{name:5} {1000 * row['seconds']:.1f} ms, {row['of_kid']:.2f} of KID")


def main() -> None:
    """Run the experiment for each extractor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--extractors", nargs="+", default=[f"efficientnet_lite0@{s}" for s in (64, 96, 128)])
    parser.add_argument("--size", type=int, default=64, help="of the pictures, in pixels")
    parser.add_argument("--counts", nargs="+", type=int, default=list(COUNTS), help="of pictures in a draw")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    held_out = 8 * POOL  # so that `POOL` are left when most modes are dropped
    real, other = (
        torch.from_numpy(prepare(DataConfig(style=style, count=count, size=options.size)).pictures.copy())
        for style, count in ((STYLE, N_REAL + held_out), (OTHER, POOL))
    )
    pictures = real.permute(0, 3, 1, 2)[:N_REAL]
    damage = Damage(real.permute(0, 3, 1, 2)[N_REAL:], other.permute(0, 3, 1, 2))
    results = {name: experiment(name, pictures, damage, options.counts) for name in options.extractors}
    about = {"size": options.size, "n_real": N_REAL, "pool": POOL, "draws": DRAWS, "threads": options.threads}
    if options.out:
        options.out.write_text(json.dumps({"settings": about} | results, indent=2) + "\n")


if __name__ == "__main__":
    main()
