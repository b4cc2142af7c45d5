"""Extractors from outside: a user's own network in a TorchScript file."""

import hashlib
import io
from pathlib import Path

import torch
from torch import Tensor, nn

from ganlib.errors import RequestError
from ganlib.metrics.extractors.base import Extractor


def load(weights: str | None = None, device: torch.device | str = "cpu") -> Extractor:
    """Load the network in the file ``weights``, as extractor ``torchscript``, whose digest says which one it is.

    It must map uint8 pictures (n, 3, h, w) of any size to floating-point features (n, d), and do its own resizing and
    scaling. TorchScript is a language of its own: loading such a file runs none of Python's pickle code.

    Raises:
        RequestError: without a file, or if it cannot be read, is no TorchScript or gives no features.
    """
    if weights is None:
        raise RequestError(
            "the extractor 'torchscript' is a file of yours: give it as evaluate.weights: PATH"
        )
    try:
        content = Path(weights).read_bytes()
    except OSError as error:
        raise RequestError(f"cannot read the TorchScript file '{weights}': {error.strerror}") from None
    try:
        network = torch.jit.load(io.BytesIO(content), map_location=device).eval()
    except (RuntimeError, ValueError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise RequestError(
            f"'{weights}' is not a TorchScript file, or is damaged ({reason}); write one with torch.jit.save"
        ) from None
    dim = _dim(network, weights, device)
    return Extractor("torchscript", hashlib.sha256(content).hexdigest(), dim, Float32(network), "its own")


class Float32(nn.Module):
    """The network with its features in float32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """Extract features, float32 (n, d), of uint8 pictures (n, 3, h, w)."""
        features: Tensor = self.network(pictures)
        return features.float()


def _dim(network: nn.Module, source: str, device: torch.device | str) -> int:
    """Try the network on two black pictures; the length of their features."""
    with torch.inference_mode():
        try:
            features = network(torch.zeros(2, 3, 64, 64, dtype=torch.uint8, device=device))
        except (RuntimeError, torch.jit.Error) as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise RequestError(
                f"the network in '{source}' fails on uint8 pictures (2, 3, 64, 64): {lines[-1] if lines else error}"
            ) from None
    if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != 2:
        told = f"shape {tuple(features.shape)}" if isinstance(features, Tensor) else type(features).__name__
        raise RequestError(f"the network in '{source}' gives {told} for 2 pictures; features must be (n, d)")
    return features.shape[1]
