"""Name a process so that none of another machine, container or time has its name: a number alone comes again."""

import os
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")


@cache
def place() -> str:
    """Name this machine, since it was started, and its numbering of processes: a container has one of its own."""
    with suppress(OSError):
        return f"{BOOT.read_text().strip()}/{os.stat('/proc/self/ns/pid').st_ino}"
    return f"{uuid.getnode():012x}"


def begun(pid: int) -> str:
    """Say when a process of this place began, in ticks of its clock; empty where that cannot be known, or it ended."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def lives(pid: int, since: str) -> bool:
    """Tell whether a process of this place lives that began then; empty where that is not known."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    now = begun(pid)
    return not since or not now or since == now
