"""Ask the driver of a sweep to stop, in a file beside its lease: from any machine that sees the folder.

The lease itself has one writer, its owner, so that a request is never lost between a reading and a writing of it.
A request names the owner whom it is meant for: one that a dead driver did not see does not stop the next.
"""

import getpass
import json
import socket

from sweep.storage import layout
from sweep.storage.folder import Folder, MissingFileError


def ask(folder: Folder, owner: str) -> None:
    """Ask the owner of a sweep's lease to stop.

    Args:
        folder: Of the sweep.
        owner: As the lease names it.
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "somebody"
    folder.write(layout.STOP, json.dumps({"owner": owner, "by": f"{user}@{socket.gethostname()}"}).encode())


def asked_by(folder: Folder, owner: str) -> str:
    """Name who has asked the owner of a sweep's lease to stop, as ``user@host``; empty where nobody has."""
    try:
        request = json.loads(folder.read(layout.STOP))
    except (MissingFileError, ValueError):
        return ""
    meant = isinstance(request, dict) and request.get("owner") == owner
    return str(request.get("by", "somebody")) if meant else ""
