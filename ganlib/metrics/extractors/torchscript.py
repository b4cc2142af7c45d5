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
    own = Own(network, weights)
    with torch.inference_mode():
        dim = own(torch.zeros(2, 3, 64, 64, dtype=torch.uint8, device=device)).shape[1]
    return Extractor("torchscript", hashlib.sha256(content).hexdigest(), dim, own, "its own")


class Own(nn.Module):
    """The network, its features checked and in float32.

    Args:
        network: As it was loaded.
        source: Its file, for errors.
    """

    def __init__(self, network: nn.Module, source: str) -> None:
        super().__init__()
        self.network = network
        self._source = source

    def forward(self, pictures: Tensor) -> Tensor:
        """Extract features, float32 (n, d), of uint8 pictures (n, 3, h, w).

        Raises:
            RequestError: if it fails on pictures of this shape, or gives no features.
        """
        try:
            features = self.network(pictures)
        except (RuntimeError, torch.jit.Error) as error:
            if "memory" in str(error):  # smaller batches may do
                raise
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise RequestError(
                f"the network in '{self._source}' fails on uint8 pictures {tuple(pictures.shape)}, and must take any "
                f"size: {lines[-1] if lines else error}"
            ) from None
        if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != len(pictures):
            told = (
                f"shape {tuple(features.shape)}" if isinstance(features, Tensor) else type(features).__name__
            )
            raise RequestError(
                f"the network in '{self._source}' gives {told} for {len(pictures)} pictures; features must be (n, d)"
            )
        return features.float()
