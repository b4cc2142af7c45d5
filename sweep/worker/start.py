"""Read the weights that a trial begins with from the sweep's folder, which every worker sees."""

import hashlib

from ganlib.config import TrialConfig
from ganlib.errors import WorkError
from ganlib.export.start import tensors_of
from ganlib.models.start import Start, Weights
from sweep.storage import layout
from sweep.storage.folder import Folder


def start_of(folder: Folder, config: TrialConfig) -> Start | None:
    """Read the weights that a trial begins with; None for fresh ones.

    Raises:
        WorkError: if they are not those that the sweep began with.
    """
    if config.ancestor is None:
        return None
    discriminator = config.ancestor.discriminator
    generator = _read(folder, config.ancestor.weights)
    return Start(generator, _read(folder, discriminator) if discriminator else None)


def _read(folder: Folder, digest: str) -> Weights:
    path = layout.initial(digest)
    data = folder.read(path)
    if hashlib.sha256(data).hexdigest() != digest:
        raise WorkError(
            f"{folder}/{path} is damaged: its SHA-256 is not its name; copy its origin there again"
        )
    return tensors_of(data, path)
