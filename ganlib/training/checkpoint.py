"""Write checkpoints that are either right or refused.

A checkpoint is what `torch.save` wrote, behind a line with its digest (`ganlib.digests`). A bit flip, a truncation or a
foreign file is found by the digest before anything is parsed, and only tensors and plain values are ever unpickled
(``weights_only``).
"""

import io
from typing import Any

import torch

from ganlib.digests import DamagedError, ForeignError, line_of, without_digest
from ganlib.errors import WorkError

MAGIC = b"sweep-checkpoint-1"


class BrokenCheckpointError(WorkError):
    """The bytes are not a whole checkpoint of this program."""


def dump(state: dict[str, Any]) -> bytes:
    """Write nested dicts, lists, tensors, numbers and strings as bytes, which are in memory once only."""
    buffer, room = io.BytesIO(), len(line_of(MAGIC, b""))
    buffer.write(bytes(room))
    torch.save(state, buffer)
    with buffer.getbuffer() as content:
        content[:room] = line_of(MAGIC, content[room:])
    return buffer.getvalue()


def load(data: bytes, name: str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read what `dump` was given.

    Args:
        data: the file's bytes.
        name: the file's name, for the error.
        device: where the tensors go.

    Raises:
        BrokenCheckpointError: if the bytes are torn, flipped or foreign, or hold more than plain values.
    """
    try:
        payload = without_digest(MAGIC, data)
    except ForeignError:
        raise BrokenCheckpointError(f"{name} is not a checkpoint of this version (or is empty)") from None
    except DamagedError:
        raise BrokenCheckpointError(f"{name} is damaged: its content does not match its digest") from None
    try:
        state = torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
    except (MemoryError, torch.OutOfMemoryError):
        raise  # that is not the file's fault
    except Exception as error:  # a foreign content can make the parser raise anything, with any advice
        raise BrokenCheckpointError(
            f"{name} was not written by this program and is not loaded ({type(error).__name__})"
        ) from None
    if not isinstance(state, dict):
        raise BrokenCheckpointError(
            f"{name} was not written by this program: it holds a {type(state).__name__}"
        )
    return state
