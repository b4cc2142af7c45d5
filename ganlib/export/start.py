"""Read weights that training begins with: of an export, or from a file of tensors."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from ganlib.errors import RequestError, WorkError
from ganlib.export.generator import CONFIG, WEIGHTS, ExportConfig
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
    if place.is_dir():
        if not (place / CONFIG).is_file() or not (place / WEIGHTS).is_file():
            raise RequestError(f"'{path}' is no export: it lacks {CONFIG} or {WEIGHTS}")
        place = place / WEIGHTS
    if not place.is_file():
        raise RequestError(f"there is no file '{path}'")
    if place.suffix.lower() not in TENSORS:
        raise RequestError(
            f"'{path}' is no file of weights: give the folder of an export, or its {WEIGHTS} ({', '.join(TENSORS)})"
        )
    config = _config(place) if place.name == WEIGHTS else None
    if place.suffix.lower() != ".safetensors":
        return Origin(save_tensors(_unpickled(place)), None)
    weights = place.read_bytes()
    if config is not None and hashlib.sha256(weights).hexdigest() != config.digests.get(WEIGHTS):
        raise WorkError(f"{place} is not the file that was exported: its SHA-256 is not the one in {CONFIG}")
    tensors_of(weights, str(place))
    return Origin(weights, config)


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


def _config(weights: Path) -> ExportConfig | None:
    place = weights.with_name(CONFIG)
    if not place.is_file():
        return None
    try:
        return ExportConfig.model_validate_json(place.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise WorkError(f"{place} is not the configuration of an export: {where}: {first['msg']}") from None


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
