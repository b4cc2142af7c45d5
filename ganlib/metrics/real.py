"""Compute what metrics need of the real pictures once, for every evaluation."""

import torch
from torch import Tensor

from ganlib.errors import RequestError
from ganlib.metrics.features import FeatureArray, as_features
from ganlib.metrics.frechet import Gaussian, fit, frechet_distance
from ganlib.metrics.kernel import Kid, draw_subsets, mean_between, mean_within, summarise


class RealStatistics:
    """Features of the real pictures with everything that does not depend on the generated ones.

    Holds the mean and a factor of the covariance for the Frechet distance, and remembers the real part of the
    kernel distance, so that an evaluation only pays for the generated pictures. The factor takes the place
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
        self._within: tuple[tuple[int, int, int, int], Tensor] | None = None

    def __len__(self) -> int:
        return len(self.features)

    def frechet(self, features: FeatureArray) -> float:
        """Compute the Frechet distance to (m, d) features; see `ganlib.metrics.fid_from_features`."""
        with torch.inference_mode():
            return frechet_distance(self.gaussian, self._checked(features))

    def kid(
        self, features: FeatureArray, subsets: int = 100, subset_size: int | None = None, seed: int = 0
    ) -> Kid:
        """Compute the kernel distance to (m, d) features; see `ganlib.metrics.kid_from_features`."""
        with torch.inference_mode():
            fake = self._checked(features)
            n, m = len(self), len(fake)
            chosen = draw_subsets(n, m, subsets, subset_size, seed)
            key = (m, subsets, chosen.size, seed)
            if self._within is None or self._within[0] != key:
                self._within = key, mean_within(self.features, chosen.of_x)
            values = self._within[1] + mean_within(fake, chosen.of_y)
            values = values - 2 * mean_between(self.features, fake, chosen)
            return summarise(values, chosen.size, min(n, m))

    def _checked(self, features: FeatureArray) -> Tensor:
        tensor = as_features(features, "features of the generated pictures").to(self.features.device)
        if tensor.shape[1] != self.features.shape[1]:
            raise RequestError(
                f"the generated pictures have {tensor.shape[1]} features each and the real ones "
                f"{self.features.shape[1]}; both must come from the same extractor"
            )
        return tensor
