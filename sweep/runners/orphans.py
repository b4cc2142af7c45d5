"""End a worker whose parent has ended: an orphan would hold its GPU for ever."""

import os
import threading
import time
from functools import cache

ORPHAN_SECONDS = 2.0


@cache
def end_with_parent() -> None:
    """End this process soon after its parent, Ray's daemon on this node."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="sweep-orphan-watch", daemon=True).start()
