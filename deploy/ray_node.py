"""Start Ray's processes of one node, as ``ray start`` does, for machines that others use too.

    python deploy/ray_node.py start --head --port=6379 ...

It differs from ``ray start`` in two ways. The server of Ray Client, which nobody here uses, is not started: it would
listen on port 10001 of every network, and a second cluster on the machine would fail for it. And with ``--block`` the
processes do not hear SIGTERM and SIGHUP: Slurm sends them to all of a job, and trials need Ray until they have written
their checkpoints. They end when the job ends, or with SIGKILL.
"""

import os
import signal
import sys
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
modules: dict[str, Any] = sys.modules
modules["grpc"] = None  # what Ray Client needs; Ray's own processes, which are others, have it

if "--block" in sys.argv:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})

from ray.scripts.scripts import main  # noqa: E402 - Ray looks for grpc as it starts

if __name__ == "__main__":
    main()
