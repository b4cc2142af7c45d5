"""Check matrices of features, as every statistic does first."""

import numpy as np
import torch
from torch import Tensor

from ganlib.errors import RequestError, WorkError
from ganlib.transfers import Pending

FeatureArray = np.ndarray | Tensor


class NonFiniteError(WorkError):
    """Features of generated pictures hold NaN or infinity, so that no metric is a number."""


def as_features(features: FeatureArray, name: str) -> Tensor:
    """Check a matrix of features and convert it to float64, on its device, or on the CPU where that lacks float64.

    Args:
        features: An (n, d) array or tensor of numbers, n >= 2 and d >= 1.
        name: What to call it in an error text.

    Raises:
        RequestError: if it is no matrix of at least two rows, or holds NaN or infinity.
    """
    tensor = as_matrix(features, name)
    bad = int((~torch.isfinite(tensor)).sum())
    if bad:
        raise RequestError(
            f"{name} holds {bad} values that are NaN or infinite (of {tensor.numel()}); "
            "remove or repair the pictures they come from"
        )
    return tensor


def as_matrix(features: FeatureArray, name: str) -> Tensor:
    """Check and convert as `as_features` does, but for NaN and infinity: nothing is read from the device.

    Raises:
        RequestError: if it is no matrix of at least two rows.
    """
    tensor = torch.as_tensor(features)
    if tensor.ndim != 2 or tensor.shape[0] < 2 or tensor.shape[1] < 1:
        raise RequestError(
            f"{name} has shape {tuple(tensor.shape)}; features must be an (n, d) matrix "
            "with one row for each picture, n >= 2 and d >= 1"
        )
    if tensor.is_complex():
        raise RequestError(f"{name} has dtype {tensor.dtype}; features must be real numbers")
    if tensor.device.type == "mps":
        tensor = tensor.cpu()
    return tensor.detach().to(torch.float64)


def as_pair(x: FeatureArray, y: FeatureArray) -> tuple[Tensor, Tensor]:
    """Check and convert two matrices as `as_features` does, on the device of ``x``, with equal numbers of columns.

    Raises:
        RequestError: if one of them is not acceptable, or their columns differ.
    """
    first, second = as_features(x, "x"), as_features(y, "y")
    if first.shape[1] != second.shape[1]:
        raise RequestError(
            f"x has {first.shape[1]} features a picture and y has {second.shape[1]}; "
            "both must come from the same extractor"
        )
    return first, second.to(first.device)


def all_finite(extractor: str, finite: Tensor) -> Pending[None]:
    """Raise, once it is read, where not all features are finite; ``finite`` (n, 1) tells which are."""

    def finish(found: list[float]) -> None:
        everything, bad = found
        if not everything:
            raise NonFiniteError(
                f"{bad:.0f} of {len(finite)} generated pictures have NaN or infinite features ({extractor}); the "
                "generator has diverged"
            )

    return Pending.of([finite.all(), (~finite).sum()], finish)
