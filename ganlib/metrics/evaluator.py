"""Scores a generator against the real pictures: generate, extract features, compare.

What the real pictures contribute is computed once for each (data, extractor, count) and shared through a
file, so that an evaluation costs the generated pictures and two statistics of matrices, and only the first
one of all trials ever reads the real pictures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganlib.config import EvaluateConfig
from ganlib.errors import RequestError
from ganlib.metrics.cache import Arrays, load_or_compute
from ganlib.metrics.diversity import PICTURES, pairwise_similarity
from ganlib.metrics.extractor import load_extractor
from ganlib.metrics.features import NonFiniteError
from ganlib.metrics.real import RealStatistics

CHOICE_SEED = 0
"""Seed of the choice of real pictures: one for all sweeps, so that all are measured against the same."""
SUBSET_SEED = 0
"""Seed of KID's subsets: the same features give the same number."""
MIN_REAL = 2048
"""Real pictures used at least, where there are as many and the configuration does not say."""
FORMAT = 2
"""Version of what the cache file holds; raise it when that, or the way it is computed, changes."""


@dataclass(frozen=True)
class Score:
    """How near generated pictures are to real ones, with all that makes the numbers comparable.

    Attributes:
        fid: Frechet distance of the features, >= 0, lower is better.
        kid: Kernel distance of the features, lower is better; near 0 it may be slightly negative.
        kid_se: Standard error of ``kid``; NaN where there are too few pictures to tell.
        n_real: Real pictures used.
        n_fake: Generated pictures used.
        extractor: Full name of the extractor.
        extractor_digest: SHA-256 (hex) of its weights file.
    """

    fid: float
    kid: float
    kid_se: float
    n_real: int
    n_fake: int
    extractor: str
    extractor_digest: str


class Evaluator:
    """Measures generators against one set of real pictures.

    Args:
        pictures: Real pictures, uint8 (n, s, s, 3), values 0 to 255; may be a memory map. They are read
        only if
            the cache does not hold what is needed of them.
        data_hash: Identity of the pictures' content.
        config: How to measure.
        device: Where features are extracted and compared.
        cache: Folder for what the real pictures contribute; None computes it anew in each process.

    Raises:
        RequestError: if the pictures have another dtype or shape or are fewer than two, or the extractor
        cannot
            be loaded.
    """

    def __init__(
        self,
        pictures: np.ndarray,
        data_hash: str,
        config: EvaluateConfig,
        device: torch.device | str = "cpu",
        cache: Path | None = None,
    ) -> None:
        shape = pictures.shape
        if pictures.dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or shape[0] < 2:
            raise RequestError(
                f"the real pictures have dtype {pictures.dtype} and shape {shape}; give at least 2 of "
                "uint8 (n, s, s, 3)"
            )
        self.config = config
        self.device = torch.device(device)
        self.extractor = load_extractor(config.extractor, config.weights, self.device)
        self.n_real = min(config.n_real or max(config.n_fake, MIN_REAL), shape[0])
        self._pictures = pictures
        self._cache = cache
        self._identity = {
            "data": data_hash,
            "pictures": shape[0],
            "extractor": self.extractor.name,
            "digest": self.extractor.digest,
            "n_real": self.n_real,
            "seed": CHOICE_SEED,
            "format": FORMAT,
        }

    def score(self, generate: Callable[[int], Tensor]) -> Score:
        """Measure a generator with ``config.n_fake`` pictures.

        Args:
            generate: ``generate(k)`` returns k new pictures, uint8 (k, 3, h, w), on the evaluator's device.
            It is
                called without gradients, for at most ``config.batch_size`` pictures at a time.

        Raises:
            NonFiniteError: if a feature is NaN or infinite.
            RequestError: if ``generate`` returns another number, dtype or shape.
        """
        config, real = self.config, self.real
        fake = self._generated_features(generate)
        finite = torch.isfinite(fake).all(1)
        if not bool(finite.all()):
            raise NonFiniteError(
                f"{int((~finite).sum())} of {config.n_fake} generated pictures have NaN or infinite features "
                f"({self.extractor.name}); the generator has diverged"
            )
        kid = real.kid(fake, config.kid_subsets, config.kid_subset_size, SUBSET_SEED)
        return Score(
            fid=real.frechet(fake),
            kid=kid.mean,
            kid_se=kid.se,
            n_real=self.n_real,
            n_fake=config.n_fake,
            extractor=self.extractor.name,
            extractor_digest=self.extractor.digest,
        )

    @cached_property
    def real(self) -> RealStatistics:
        """What the real pictures contribute, on the evaluator's device; the first use may compute it."""
        arrays = self._stored
        factor = torch.from_numpy(arrays["factor"]) if "factor" in arrays else None
        return RealStatistics(torch.from_numpy(arrays["features"]).to(self.device), factor)

    @property
    def real_similarity(self) -> float:
        """Mean structural similarity of pairs of real pictures, in [-1, 1]: a healthy generator nears it."""
        return float(self._stored["similarity"])

    @cached_property
    def _stored(self) -> Arrays:
        return load_or_compute(self._cache, self._identity, self._measure_real)

    def _measure_real(self) -> Arrays:
        chosen = np.random.RandomState(CHOICE_SEED).permutation(len(self._pictures))[: self.n_real]
        rows = np.sort(chosen)  # pictures lie on a disk in this order
        step = self.config.batch_size
        batches = [self._pictures_at(rows[i : i + step]) for i in range(0, len(rows), step)]
        features = torch.cat([self.extractor(batch) for batch in batches])
        similar = pairwise_similarity(self._pictures_at(chosen[:PICTURES]))
        arrays = {"features": features.cpu().numpy(), "similarity": np.array(similar)}
        if self.n_real > self.extractor.dim:  # below that the factor is the features themselves
            arrays["factor"] = RealStatistics(features).gaussian.factor.contiguous().cpu().numpy()
        return arrays

    def _pictures_at(self, rows: np.ndarray) -> Tensor:
        pictures = torch.from_numpy(np.ascontiguousarray(self._pictures[rows]))
        return pictures.permute(0, 3, 1, 2).to(self.device)

    def _generated_features(self, generate: Callable[[int], Tensor]) -> Tensor:
        config = self.config
        features = torch.empty(config.n_fake, self.extractor.dim, device=self.device)
        for start in range(0, config.n_fake, config.batch_size):
            count = min(config.batch_size, config.n_fake - start)
            with torch.no_grad():
                pictures = generate(count)
            if len(pictures) != count:
                raise RequestError(f"generate({count}) returned {len(pictures)} pictures")
            features[start : start + count] = self.extractor(pictures)
        return features
