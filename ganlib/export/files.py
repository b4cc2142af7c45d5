"""The files of an export: its configuration, its weights, and the digests that hold them together."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from ganlib.config import ModelConfig, Section
from ganlib.errors import RequestError, WorkError
from ganlib.written import EXPORT

if TYPE_CHECKING:
    from torch import nn

WEIGHTS, CONFIG = "model.safetensors", EXPORT


class ExportConfig(Section):
    """The content of ``config.json``.

    ``channels`` are of the pictures: grey, RGB, or RGBA (see `ganlib.data.alpha`).
    ``classes`` has the names of the classes that the generator can be told, in their order, with the numbers of
    pictures that it learned them from; it is empty without labels.
    ``digests`` has the SHA-256 (hex) of files beside it, by name; ``about`` is free for notes (data, versions).
    """

    format: Literal["sweep-generator-1"] = "sweep-generator-1"
    model: ModelConfig
    size: Literal[28, 32, 64, 128, 256]
    channels: Literal[1, 3, 4] = 3
    classes: dict[str, int] = Field(default_factory=dict)
    digests: dict[str, str] = Field(default_factory=dict)
    about: dict[str, Any] = Field(default_factory=dict)


def pack_weights(module: "nn.Module") -> bytes:
    """Pack a network's weights and buffers as safetensors, whose metadata have the SHA-256 of the tensors' bytes."""
    from safetensors.torch import save as save_tensors  # torch is not needed to read a configuration

    state = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    plain = save_tensors(state)
    body = plain[8 + int.from_bytes(plain[:8], "little") :]
    return save_tensors(state, metadata={"sha256": hashlib.sha256(body).hexdigest()})


def save_generator(folder: Path, config: ExportConfig, weights: bytes) -> ExportConfig:
    """Write the two files of an export into an existing folder; returns the configuration with the digest."""
    (folder / WEIGHTS).write_bytes(weights)
    return add_digests(folder, config, [WEIGHTS])


def add_digests(folder: Path, config: ExportConfig, names: Iterable[str]) -> ExportConfig:
    """Write ``config.json`` with the digests of files that lie beside it."""
    found = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    config = config.model_copy(update={"digests": config.digests | found})
    (folder / CONFIG).write_text(json.dumps(config.model_dump(mode="json"), indent=2) + "\n")
    return config


def read_export(root: Path) -> tuple[ExportConfig, bytes]:
    """Read the configuration and the weights of an export, which are those that were exported.

    Raises:
        RequestError: if the folder is no export.
        WorkError: if its files are damaged, or not those that were exported.
    """
    for name in (WEIGHTS, CONFIG):
        if not (root / name).is_file():
            raise RequestError(f"{root} is no exported generator: {name} is missing")
    try:
        config = ExportConfig.model_validate_json((root / CONFIG).read_bytes())
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}".lstrip(": ") for e in error.errors())
        raise WorkError(f"{root / CONFIG} is not the configuration of an export: {found}") from None
    weights = (root / WEIGHTS).read_bytes()
    if hashlib.sha256(weights).hexdigest() != config.digests.get(WEIGHTS):
        raise WorkError(
            f"{root / WEIGHTS} is not the file that was exported: its SHA-256 is not the one in {CONFIG}. "
            "Export it again, or copy it again"
        )
    return config, weights
