"""Keep arrays in files: written whole or not at all, checked when read, computed once for many processes."""

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ganlib.disk import write_whole

Arrays = dict[str, np.ndarray]
Identity = Mapping[str, str | int]

logger = logging.getLogger(__name__)
OWN = "; the environment variable SWEEP_CACHE names a folder of your own"


def load_or_compute(folder: Path | None, identity: Identity, compute: Callable[[], Arrays]) -> Arrays:
    """Return the arrays of an identity, from the folder if they are there, else computed and kept there.

    Of several processes that ask at once, one computes and the others wait for it. A damaged file is computed
    again. A folder that cannot be written to costs the saving, not the result.

    Args:
        folder: Where files are kept; None keeps nothing.
        identity: All that the arrays depend on.
        compute: Computes them.
    """
    if folder is None:
        return compute()
    path = folder / f"{_key(identity)}.safetensors"
    arrays = _load(path, identity)
    if arrays is not None:
        return arrays
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(f"{path}.lock"))
        except (OSError, NotImplementedError) as error:  # a network disk may know no locks
            logger.warning("cannot lock '%s' (%s): other processes may compute the same%s", path, error, OWN)
        arrays = _load(path, identity)
        if arrays is None:
            arrays = compute()
            try:
                write_whole(path, save(arrays, _metadata(identity, arrays)))
            except OSError as error:
                logger.warning(
                    "cannot write '%s' (%s): it will be computed again next time%s", path, error, OWN
                )
    return arrays


def kept_of(folder: Path, data: Collection[str]) -> list[Path]:
    """List the files in a folder that hold what was computed of some pictures.

    Args:
        folder: Where `load_or_compute` keeps files.
        data: The hashes of the pictures, as the identity's ``data``.
    """
    paths = sorted(folder.glob("*.safetensors"))
    return [path for path in paths if (identity_of(path) or {}).get("data") in data]


def identity_of(path: Path) -> Identity | None:
    """Read what the arrays in a file depend on; None where `load_or_compute` did not write it."""
    try:
        with safe_open(path, framework="np") as file:
            identity: Identity = json.loads((file.metadata() or {})["identity"])
    except (OSError, SafetensorError, ValueError, KeyError):
        return None
    return identity


def _key(identity: Identity) -> str:
    return hashlib.sha256(_canonical(identity).encode()).hexdigest()[:32]


def _canonical(identity: Identity) -> str:
    return json.dumps(dict(identity), sort_keys=True)


def _metadata(identity: Identity, arrays: Arrays) -> dict[str, str]:
    return {"identity": _canonical(identity), "sha256": _digest(identity, arrays)}


def _digest(identity: Identity, arrays: Arrays) -> str:
    digest = hashlib.sha256(_canonical(identity).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _load(path: Path, identity: Identity) -> Arrays | None:
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata()
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        logger.warning("'%s' is damaged (%s): computing it again", path, error)
        return None
    if metadata != _metadata(identity, arrays):
        logger.warning("'%s' does not hold what it should: computing it again", path)
        return None
    return arrays
