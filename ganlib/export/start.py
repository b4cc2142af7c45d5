"""Read weights that training begins with: of an export, or from a file of tensors."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from ganlib.errors import RequestError, WorkError
from ganlib.export.files import CONFIG, WEIGHTS, ExportConfig, read_export
from ganlib.models.start import Start

TENSORS = (".safetensors", ".pt", ".pth")


@dataclass(frozen=True)
class Origin:
    """Weights of a generator in a file.

    Attributes:
        weights: The bytes, safetensors.
        config: What the export says of itself; None for a file that is in no export.
    """

    weights: bytes
    config: ExportConfig | None

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the bytes."""
        return hashlib.sha256(self.weights).hexdigest()


def read_origin(path: str | Path) -> Origin:
    """Read the weights of an export, given its folder or a file of tensors: ``.safetensors``, ``.pt``, ``.pth``.

    A ``.pt`` file holds a mapping from names to tensors (``torch.save(generator.state_dict(), file)``); nothing else in
    it is unpickled.

    Raises:
        RequestError: if that is neither.
        WorkError: if the file is damaged, or not the one that was exported.
    """
    place = Path(path).expanduser()
    root = place if place.is_dir() else place.parent
    if place.is_dir() or (place.name == WEIGHTS and (root / CONFIG).is_file()):
        config, weights = read_export(root)
        return Origin(weights, config)
    if not place.is_file():
        raise RequestError(f"there is no file '{path}'")
    if place.suffix.lower() not in TENSORS:
        raise RequestError(
            f"'{path}' is no file of weights: give the folder of an export, or its {WEIGHTS} ({', '.join(TENSORS)})"
        )
    weights = (
        place.read_bytes() if place.suffix.lower() == ".safetensors" else save_tensors(_unpickled(place))
    )
    tensors_of(weights, str(place))
    return Origin(weights, None)


def load_start(path: str | Path) -> Start:
    """Read weights to begin with, for `ganlib.fit`; see `read_origin`. The discriminator begins with fresh ones."""
    return Start(tensors_of(read_origin(path).weights, str(path)))


def tensors_of(data: bytes, name: str) -> dict[str, Tensor]:
    """Read tensors by name from the bytes of a safetensors file.

    Raises:
        WorkError: if it is damaged.
    """
    try:
        return load_tensors(data)
    except SafetensorError as error:
        raise WorkError(f"{name} is no whole safetensors file: {error}") from None


def _unpickled(place: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(place, map_location="cpu", weights_only=True)
    except Exception as error:  # a foreign content can make the parser raise anything, with any advice
        raise RequestError(
            f"'{place}' is no file of tensors that can be read safely ({type(error).__name__}): write it with "
            "torch.save(generator.state_dict(), file)"
        ) from None
    if not isinstance(state, dict) or not state or not all(isinstance(one, Tensor) for one in state.values()):
        raise RequestError(
            f"'{place}' must hold a mapping from names to tensors, as generator.state_dict() gives it"
        )
    return {str(name): tensor.contiguous() for name, tensor in state.items()}
