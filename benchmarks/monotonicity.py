"""Does a cheap extractor tell the truth? FID and KID against damage of known strength, and the pictures needed.

    python benchmarks/monotonicity.py --out benchmarks/results/monotonicity.json

Pictures that were held out stand in for a generator and are damaged in five ways, a little to a lot. A good metric
rises with every kind of damage (`monotonicity`). Then the question that a search asks: of two generators that are
damaged by neighbouring strengths, is the better one rated better, and with how many pictures is that so in 95 % of the
draws (`pictures needed`)? The two sets are drawn independently, each from its own pool.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganlib.config import DataConfig
from ganlib.data import prepare
from ganlib.metrics import RealStatistics, load_extractor

N_REAL = 2048
POOL = 1024
MODES = 10
COUNTS = (16, 32, 64, 128, 256, 512)
DRAWS = 40
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


class Pool:
    """Features of one damaged pool, prepared so that the metrics of any of its subsets cost little."""

    def __init__(self, features: Tensor, real: RealStatistics) -> None:
        x = features.double()
        self.features, self.real = x, real
        self.gram = (x @ real.gaussian.factor) @ (x @ real.gaussian.factor).T
        d = x.shape[1]
        self.within, self.between = (x @ x.T / d + 1) ** 3, ((x @ real.features.T / d + 1) ** 3).mean(1)
        self.real_within = _off_diagonal(((real.features @ real.features.T) / d + 1) ** 3)

    def scores(self, n: int, draws: int, seed: int) -> dict[str, np.ndarray]:
        """FID and KID of ``draws`` random subsets of n pictures."""
        random = torch.Generator().manual_seed(seed)
        found: dict[str, list[float]] = {"fid": [], "kid": []}
        for _ in range(draws):
            rows = torch.randperm(len(self.features), generator=random)[:n]
            found["fid"].append(self._fid(rows))
            kernel = self.within[rows][:, rows]
            kid = self.real_within + _off_diagonal(kernel) - 2 * self.between[rows].mean()
            found["kid"].append(float(kid))
        return {name: np.array(values) for name, values in found.items()}

    def _fid(self, rows: Tensor) -> float:
        x, gram = self.features[rows], self.gram[rows][:, rows]
        gram = gram - gram.mean(0) - gram.mean(1, keepdim=True) + gram.mean()
        squares = torch.linalg.eigvalsh(gram / (len(rows) - 1))
        overlap = squares.clamp(min=0).sqrt().sum()
        mean = x.mean(0)
        variance = (x - mean).square().sum() / (len(rows) - 1)
        gaussian = self.real.gaussian
        return float((mean - gaussian.mean).square().sum() + gaussian.variance + variance - 2 * overlap)


def _off_diagonal(kernel: Tensor) -> Tensor:
    n = len(kernel)
    return (kernel.sum() - kernel.diagonal().sum()) / (n * (n - 1))


def features_of(extractor: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """Features of pictures, in batches."""
    return torch.cat([extractor(part) for part in pictures.split(64)])


def right_order(worse: np.ndarray, better: np.ndarray) -> float:
    """Share of all pairs of draws in which the better generator has the lower value."""
    return float((better[:, None] < worse[None]).mean())


def experiment(name: str, pictures: Tensor, damage: Damage) -> dict[str, object]:
    """All figures of one extractor."""
    extractor = load_extractor(name)
    started = time.perf_counter()
    real = RealStatistics(features_of(extractor, pictures))
    rate = len(pictures) / (time.perf_counter() - started)
    series, needed = [], []
    for kind, strengths in STRENGTHS.items():
        drawn: list[dict[int, dict[str, np.ndarray]]] = []
        for place, strength in enumerate(strengths):
            features = features_of(extractor, damage.pool(kind, strength))
            kid = real.kid(features)
            row = {
                "kind": kind,
                "strength": strength,
                "pictures": len(features),
                "fid": real.frechet(features),
            }
            series.append(row | {"kid": kid.mean, "kid_se": kid.se})
            pool = Pool(features, real)
            drawn.append({n: pool.scores(n, DRAWS, seed=100 * place + n) for n in COUNTS})
        for place in range(1, len(strengths)):
            for metric in ("fid", "kid"):
                shares = {
                    n: right_order(drawn[place][n][metric], drawn[place - 1][n][metric]) for n in COUNTS
                }
                enough = [n for n in COUNTS if all(shares[m] >= 0.95 for m in COUNTS if m >= n)]
                pair = {"kind": kind, "pair": strengths[place - 1 : place + 1], "metric": metric}
                needed.append(pair | {"needed": min(enough, default=None), "shares": shares})
        tell(name, kind, series, needed)
    return {"pictures_per_second": rate, "monotonicity": series, "pictures_needed": needed}


def tell(name: str, kind: str, series: list[dict], needed: list[dict]) -> None:
    """Print the figures of one kind of damage."""
    print(f"{name}  {kind}")
    for row in (row for row in series if row["kind"] == kind):
        print(f"  {row['strength']:5}  FID {row['fid']:8.3f}  KID {row['kid']:8.5f} +- {row['kid_se']:.5f}")
    for row in (row for row in needed if row["kind"] == kind):
        shares = "  ".join(f"{n}: {share:.2f}" for n, share in row["shares"].items())
        print(f"  {row['pair']} by {row['metric']}: {row['needed']} pictures   ({shares})")
    print(flush=True)


def main() -> None:
    """Run the experiment for each extractor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--extractors", nargs="+", default=[f"efficientnet_lite0@{s}" for s in (64, 96, 128)])
    parser.add_argument("--size", type=int, default=64, help="of the pictures, in pixels")
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
    results = {name: experiment(name, pictures, damage) for name in options.extractors}
    about = {"size": options.size, "n_real": N_REAL, "pool": POOL, "draws": DRAWS, "threads": options.threads}
    if options.out:
        options.out.write_text(json.dumps({"settings": about} | results, indent=2) + "\n")


if __name__ == "__main__":
    main()
