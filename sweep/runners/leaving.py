"""Notice that a worker's machine is about to be taken away: clouds and job systems say so some time ahead.

They send SIGTERM to its processes (Slurm, Kubernetes), or tell Ray, which then starts nothing new there (it drains).
"""

import json
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from types import FrameType
from typing import Any

import ray

from ganlib.errors import WorkError


class LeavingError(WorkError):
    """A worker has left a checkpoint, because its machine is about to go."""


POLL_SECONDS = 2.0
"""Between two questions to Ray, each of which takes about a millisecond."""


def draining() -> dict[str, int]:
    """List the nodes that Ray drains, by its names for them, each with its deadline in ms since 1970; 0 for none."""
    found: dict[str, int] = ray._private.state.state.get_draining_nodes()
    return found


class Leaving:
    """A worker's warnings. It is called to learn why the machine is about to go; empty as long as it stays.

    Args:
        at_work: Whether somebody asks for warnings at any time.
    """

    def __init__(self, at_work: bool = False) -> None:
        self._node = ray.get_runtime_context().get_node_id()
        self._reason, self._next, self._at_work = "", 0.0, at_work
        heard = signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        if heard and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._told)

    def __call__(self) -> str:
        """Say why the machine is about to go."""
        if not self._reason and time.monotonic() >= self._next:
            self._next = time.monotonic() + POLL_SECONDS
            if self._node in draining():
                self._reason = f"{going()}: Ray drains the node"
        return self._reason

    def around(self, work: "Callable[[], dict[str, Any]]") -> dict[str, Any]:
        """Do work that asks for warnings; a SIGTERM at any other time ends the process."""
        self._at_work = True
        try:
            return work()
        finally:
            self._at_work = False

    def _told(self, number: int, frame: FrameType | None) -> None:
        if not self._at_work or self._reason:
            sys.exit(1)
        self._reason = f"{going()}: its process was sent SIGTERM"


def going() -> str:
    """Say what becomes of this machine, by name."""
    return f"its machine {socket.gethostname()} is being taken away"


def told(fault: Any) -> dict[str, str]:  # noqa: ANN401 - a `sweep.worker.messages.Fault`, which is not loaded here
    """Give a worker's fault as what it says: ``leaving`` is the reason of one that is none of the trial's."""
    return {"leaving": fault.reason} if fault.kind == "preempted" else {"fault": json.dumps(asdict(fault))}


@cache
def leaving() -> Leaving:
    """Give the warnings of this process."""
    return Leaving()
