"""What is known of the weights that a spec names."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganlib.config import Ancestor
from sweep.spec.specification import Spec

INIT = "model.init"


@dataclass(frozen=True)
class Found:
    """Weights that a spec names, and where they come from.

    Attributes:
        ancestor: What is recorded of them.
        generator: The bytes of a safetensors file.
        discriminator: The bytes of another one; None where there is none.
        classes: Names of the classes that it was told, in their order; empty without labels; None where that is not
            known.
        keys: The values of the keys that made the networks what they are, by path; empty where they are not known.
    """

    ancestor: Ancestor
    generator: bytes
    discriminator: bytes | None
    classes: tuple[str, ...] | None
    keys: Mapping[str, Any]

    @property
    def note(self) -> str | None:
        """What a person should know of them."""
        if self.discriminator is not None:
            return None
        return (
            f"{INIT}: the discriminator begins with fresh weights, because '{self.ancestor.source}' has a generator "
            "alone; SWEEP/TRIAL brings both"
        )


def place_of(spec: Spec, path: str) -> str:
    """Name the line of the spec on which a key stands, and the key where it is that of the weights."""
    line = spec.lines.get(path)
    named = f"{path}: " if path == INIT else ""
    return f"{line}: {named}" if line else named


def sha256_of(data: bytes) -> str:
    """Give the SHA-256 (hex) of bytes."""
    return hashlib.sha256(data).hexdigest()
