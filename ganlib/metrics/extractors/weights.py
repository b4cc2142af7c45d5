"""Read weights files, identified by the SHA-256 of what was read, and never allowed to run code."""

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ganlib.errors import RequestError


class Weights(NamedTuple):
    """A state dictionary, and the SHA-256 (hex) of the file it was read from."""

    state: dict[str, Tensor]
    digest: str


def file_digest(path: Path) -> str:
    """Hash a file with SHA-256 (hex).

    Raises:
        RequestError: if it is missing or unreadable.
    """
    return hashlib.sha256(_content(path)).hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError(
            f"cannot read the weights file '{path}': {error.strerror}; give the path of an existing file"
        ) from None


def read_weights(path: Path) -> Weights:
    """Read a PyTorch weights file; the bytes that are hashed are the bytes that are parsed.

    Raises:
        RequestError: if the file is missing, unreadable or no dictionary of tensors.
    """
    content = _content(path)
    try:
        # Old but good files are written with a pickle protocol that PyTorch warns of.
        with warnings.catch_warnings(action="ignore"):
            state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise RequestError(
            f"'{path}' is not a PyTorch weights file, or is damaged ({reason}); get it again from its source"
        ) from None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise RequestError(f"'{path}' holds no dictionary of tensors; give a state dictionary (state_dict)")
    return Weights(state, hashlib.sha256(content).hexdigest())


@contextmanager
def fitting(source: str) -> Iterator[None]:
    """Turn PyTorch's complaint that weights do not fit a network into an error for people.

    Raises:
        RequestError: if a tensor is missing, superfluous or of another shape.
    """
    try:
        yield
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]] or [str(error)]
        raise RequestError(
            f"the weights in '{source}' do not fit the network: {' '.join(lines)[:300]}; "
            "give a file made for this network"
        ) from None
