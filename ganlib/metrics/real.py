"""Choose the real pictures that generators are compared with, and compute once what metrics need of them."""

from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from ganlib.config import EvaluateConfig
from ganlib.data.alpha import GREY, ON_CHECKS, RGB, RGBA
from ganlib.data.look.split import split
from ganlib.errors import RequestError
from ganlib.metrics.counts import count_real, usual_size
from ganlib.metrics.distances.frechet import Gaussian, fit, pending_distance
from ganlib.metrics.distances.kernel import (
    Kid,
    Means,
    Subsets,
    draw_subsets,
    mean_between,
    mean_within,
    summarise,
)
from ganlib.metrics.distances.rbf import Mmd, UnitSet, pending_mmd
from ganlib.metrics.distances.sliced import SlicedSet
from ganlib.metrics.features import FeatureArray, as_features
from ganlib.transfers import Pending

CHOICE_SEED = 0
"""Seed of the choice of real pictures: one for all sweeps, so that all are measured alike."""


class RealPictures:
    """The real pictures that are used of a set.

    Args:
        pictures: uint8 (n, s, s, c), may be a memory map.
        config: How many are used.
        groups: Positions of pictures that are alike: of none are some held out and others compared with.

    Attributes:
        compared: Positions of those that generators are compared with, int64.
        held_out: Positions of those that are scored in place of generated ones, int64.

    Raises:
        RequestError: if the pictures have another dtype or shape or are fewer than two.
    """

    def __init__(
        self, pictures: np.ndarray, config: EvaluateConfig, groups: Sequence[Sequence[int]] = ()
    ) -> None:
        shape = pictures.shape
        if pictures.dtype != np.uint8 or len(shape) != 4 or shape[3] not in (GREY, RGB, RGBA) or shape[0] < 2:
            raise RequestError(
                f"the real pictures have dtype {pictures.dtype} and shape {shape}; give at least 2 of "
                "uint8 (n, s, s, 3), (n, s, s, 1) of grey, or (n, s, s, 4) with alpha"
            )
        self.pictures, self._groups = pictures, groups
        compared = count_real(config, shape[0])
        wanted = min(config.n_fake, shape[0] - compared)
        self.compared, self.held_out = split(shape[0], groups, compared, wanted, CHOICE_SEED)

    @property
    def rows(self) -> np.ndarray:
        """List the positions of all that are used: to compare with, then held out."""
        return np.concatenate([self.compared, self.held_out])

    def identity(self) -> dict[str, str | int]:
        """Say what their features depend on, beside the content of the set and the extractor."""
        found: dict[str, str | int] = {
            "pictures": len(self.pictures),
            "n_real": len(self.compared),
            "held_out": len(self.held_out),
            "seed": CHOICE_SEED,
        }
        if self.pictures.shape[3] == RGBA:
            found["alpha"] = ON_CHECKS
        if self._groups:
            found["groups"] = sha256(repr([list(group) for group in self._groups]).encode()).hexdigest()
        return found

    def at(self, rows: np.ndarray) -> Tensor:
        """Read the pictures at some positions, uint8 (n, c, s, s)."""
        return torch.from_numpy(np.ascontiguousarray(self.pictures[rows])).permute(0, 3, 1, 2)


class RealStatistics:
    """Features of the real pictures with everything that does not depend on the generated ones.

    Holds the mean and a factor of the covariance for the Frechet distance, and remembers the real part of the
    other distances, so that an evaluation only pays for the generated pictures. The factor takes the place
    of a symmetric root: any ``L`` with ``L L^T`` the covariance gives one distance, and this one costs
    no eigendecomposition.

    Args:
        features: (n, d) array or tensor, one row a picture, n >= 2.
        factor: The (d, min(n, d)) covariance factor of these features from an earlier instance, to save
            computing it again.

    Raises:
        RequestError: on a wrong shape, and on NaN or infinity.
    """

    def __init__(self, features: FeatureArray, factor: Tensor | None = None) -> None:
        with torch.no_grad():
            self.features = as_features(features, "features of the real pictures")
            n, d = self.features.shape
            if factor is None:
                self.gaussian = fit(self.features)
            else:
                factor = factor.to(self.features)
                self.gaussian = Gaussian(self.features.mean(0), factor, min(n - 1, d))
        self._within: tuple[tuple[int, int, int, int], Subsets, Means] | None = None

    def __len__(self) -> int:
        return len(self.features)

    def frechet(self, features: FeatureArray) -> float:
        """Compute the Frechet distance to (m, d) features; see `ganlib.metrics.fid_from_features`."""
        with torch.inference_mode():
            fake = self._checked(features)
            return self.pending_frechet(lambda: fake).read()

    def pending_frechet(self, features: Callable[[], Tensor]) -> Pending[float]:
        """Compute the Frechet distance to checked float64 features; they may be asked for a second time."""
        return pending_distance(lambda: (self.gaussian, features()))

    def kid(
        self, features: FeatureArray, subsets: int = 100, subset_size: int | None = None, seed: int = 0
    ) -> Kid:
        """Compute the kernel distance to (m, d) features; see `ganlib.metrics.kid_from_features`."""
        with torch.inference_mode():
            return self.pending_kid(self._checked(features), subsets, subset_size, seed).read()

    def pending_kid(
        self, fake: Tensor, subsets: int, subset_size: int | None = None, seed: int = 0
    ) -> Pending[Kid]:
        """Compute the kernel distance to checked float64 features."""
        n, m = len(self), len(fake)
        size = usual_size(n, m) if subset_size is None else subset_size
        key = (m, subsets, size, seed)
        known = self._within  # read once: trials of a pack are measured in threads of their own
        if known is None or known[0] != key:
            drawn = draw_subsets(n, m, subsets, size, seed).on(self.features.device)
            self._within = known = key, drawn, mean_within(self.features, drawn.of_x)
        _, chosen, within = known
        return summarise(within, mean_within(fake, chosen.of_y), mean_between(self.features, fake, chosen))

    def mmd(self, features: FeatureArray) -> Mmd:
        """Compute the distance with a Gaussian kernel to (m, d) features; see `ganlib.metrics.mmd_from_features`."""
        with torch.inference_mode():
            return self.pending_mmd(self._checked(features)).read()

    def pending_mmd(self, fake: Tensor) -> Pending[Mmd]:
        """Compute the distance with a Gaussian kernel to checked float64 features."""
        return pending_mmd(self._unit, UnitSet.of(fake))

    def mind(self, features: FeatureArray) -> float:
        """Compute the sliced Wasserstein distance to (m, d) features; see `ganlib.metrics.mind_from_features`."""
        with torch.inference_mode():
            return self.pending_mind(self._checked(features)).read()

    def pending_mind(self, fake: Tensor) -> Pending[float]:
        """Compute the sliced Wasserstein distance to checked float64 features."""
        return self._sliced.pending_distance(fake)

    @cached_property
    def _unit(self) -> UnitSet:
        return UnitSet.of(self.features)

    @cached_property
    def _sliced(self) -> SlicedSet:
        return SlicedSet(self.features)

    def _checked(self, features: FeatureArray) -> Tensor:
        tensor = as_features(features, "features of the generated pictures").to(self.features.device)
        if tensor.shape[1] != self.features.shape[1]:
            raise RequestError(
                f"the generated pictures have {tensor.shape[1]} features each and the real ones "
                f"{self.features.shape[1]}; both must come from the same extractor"
            )
        return tensor
