"""Load feature extractors: fixed networks that turn a picture into a vector, known by their weights' digest."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ganlib.errors import RequestError
from ganlib.flags import exact
from ganlib.names import EXTRACTORS


@dataclass(frozen=True, eq=False)
class Extractor:
    """A frozen network that maps pictures to features.

    Attributes:
        name: Full name, with the size the pictures are brought to where that is a choice
            (``efficientnet_lite0@64``, ``inception``).
        digest: SHA-256 (hex) of the weights file.
        dim: Length of a feature vector.
        network: Maps uint8 (n, 3, h, w) to float32 (n, dim); it does its own resizing and scaling.
        resize: How it does that: the filter, and whose convention.
    """

    name: str
    digest: str
    dim: int
    network: nn.Module
    resize: str = ""

    def __call__(self, pictures: Tensor) -> Tensor:
        """Extract the features of pictures, on their device.

        Args:
            pictures: uint8 (n, 3, h, w), values 0 to 255, RGB, of any size.

        Returns:
            float32 (n, dim).

        Raises:
            RequestError: if the pictures have another dtype or shape.
        """
        if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[1] != 3:
            raise RequestError(
                f"pictures have dtype {pictures.dtype} and shape {tuple(pictures.shape)}; "
                "an extractor takes uint8 (n, 3, h, w)"
            )
        with torch.inference_mode(), _full_precision(pictures.device):
            features: Tensor = self.network(pictures)
            return features


@contextmanager
def _full_precision(device: torch.device) -> Iterator[None]:
    """Compute in plain float32, whatever training uses: metrics must not depend on the kind of GPU.

    On avatars bfloat16 moves FID and KID by up to 2 %, and TF32, which GPUs use for convolutions unless told
    otherwise, by about 0.1 %.
    """
    with torch.autocast(device.type, enabled=False), exact(device):
        yield


_loaded: dict[tuple[Callable[..., Extractor], str | None, str], Extractor] = {}
_loading = threading.Lock()


def load_extractor(
    name: str, weights: str | Path | None = None, device: torch.device | str = "cpu"
) -> Extractor:
    """Load an extractor by name; a process loads each one once for each weights file and device.

    The random state is left as it was found.

    Args:
        name: A name in `ganlib.names.EXTRACTORS`.
        weights: A local weights file of the extractor's layout. Default: the weights the extractor ships
            with, or downloads once.
        device: Where it shall run.

    Raises:
        UnknownNameError: if there is no extractor of that name.
        RequestError: if the weights are missing, damaged, of another layout, or cannot be downloaded.
    """
    load: Callable[..., Extractor] = EXTRACTORS[name].load()
    path = None if weights is None else str(Path(weights).expanduser().resolve())
    key = (load, path, str(torch.device(device)))
    with _loading:
        if key not in _loaded:
            _loaded[key] = load(path, device)
        return _loaded[key]
