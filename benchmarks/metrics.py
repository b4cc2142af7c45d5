"""What the metrics cost beside their peers, from the same features: ratios of this run on this machine.

    python benchmarks/metrics.py --out benchmarks/results/metrics.json

Compared are, for 2048 features of 2048 real and of 2048 generated pictures: the Frechet term alone with the factor of
the real covariance at hand, as an evaluation has it, against `scipy.linalg.sqrtm` of the product of the covariances;
and the whole FID from features against torchmetrics. The values must agree, else the script fails.
"""

import argparse
import json
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.linalg import sqrtm
from torchmetrics.image.fid import FrechetInceptionDistance

from ganlib.metrics import RealStatistics, fid_from_features, kid_from_features

N, D = 2048, 2048


def features(seed: int, shift: float) -> torch.Tensor:
    """Features as a network gives them: positive, correlated, float32 (n, d)."""
    random = torch.Generator().manual_seed(seed)
    mix = torch.randn((D, D), generator=torch.Generator().manual_seed(99)) / D**0.5
    decay = torch.linspace(1.5, 0.02, D)
    return ((torch.randn((N, D), generator=random) * decay) @ mix + shift).abs()


def seconds(work: Callable[[], float], runs: int) -> tuple[float, float]:
    """Median wall-clock, and the last value."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        value = work()
        times.append(time.perf_counter() - started)
    return statistics.median(times), value


def sqrtm_term(x: np.ndarray, y: np.ndarray) -> float:
    """FID as it is usually computed from covariances: by a matrix square root."""
    (m1, s1), (m2, s2) = ((f.mean(0), np.cov(f, rowvar=False)) for f in (x, y))
    with warnings.catch_warnings(action="ignore"):
        root = sqrtm(s1 @ s2)
    return float(((m1 - m2) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * np.trace(root.real))


def torchmetrics_fid(x: torch.Tensor, y: torch.Tensor) -> float:
    """Compute the whole FID of torchmetrics from features: its sums, and its value."""

    class Features(torch.nn.Module):
        num_features = D

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return pictures

    # It judges by a picture whether its extractor works; features take the pictures' place.
    metric = FrechetInceptionDistance(feature=Features(), input_img_size=(D,))
    metric.used_custom_model = True
    metric.update(x, real=True)
    metric.update(y, real=False)
    return float(metric.compute())


def main() -> None:
    """Print the ratios; with ``--out`` also write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    x, y = features(0, 0.0), features(1, 0.05)
    real = RealStatistics(x)  # once for a whole cluster
    ours, value = seconds(lambda: real.frechet(y), options.runs)
    slow, expected = seconds(lambda: sqrtm_term(x.double().numpy(), y.double().numpy()), 1)
    assert abs(value - expected) < 1e-5 * expected, (value, expected)
    whole, _ = seconds(lambda: fid_from_features(x, y), options.runs)
    theirs, other = seconds(lambda: torchmetrics_fid(x, y), options.runs)
    assert abs(value - other) < 1e-3 * value, (value, other)
    kernel, _ = seconds(lambda: kid_from_features(x, y).mean, options.runs)
    results = {
        "machine": {"cpus": os.cpu_count(), "threads": options.threads, "processor": platform.processor()},
        "n": N,
        "d": D,
        "seconds": {
            "frechet_with_cached_real_factor": ours,
            "scipy_sqrtm": slow,
            "fid_from_features": whole,
            "torchmetrics_fid_from_features": theirs,
            "kid_from_features": kernel,
        },
        "ratios": {"sqrtm_over_ours": slow / ours, "torchmetrics_over_ours": theirs / whole},
    }
    print(json.dumps(results, indent=2))
    if options.out:
        options.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
