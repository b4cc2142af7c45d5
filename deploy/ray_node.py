"""Start, drain and stop Ray's processes of one node, on machines that others use too; make the token of a cluster.

    python deploy/ray_node.py token FILE
    python deploy/ray_node.py start --head --port=6379 --temp-dir=/tmp/mine ...
    python deploy/ray_node.py leave --temp-dir=/tmp/mine --seconds=100
    python deploy/ray_node.py stop --temp-dir=/tmp/mine [--force]

``start`` takes the options of ``ray start`` and differs from it in two ways. The server of Ray Client, which nobody
here uses, is not started: it would listen on port 10001 of every network, and a second cluster on the machine would
fail for it. And with ``--block`` the processes do not hear SIGTERM and SIGHUP: Slurm sends them to all of a job, and
trials need Ray until they have written their checkpoints. They end when the job ends, or with SIGKILL.

``stop`` ends the processes of the node that has this temporary folder; ``ray stop`` ends all of Ray on the machine that
the user may end, other clusters too. ``token`` writes a token for Ray's authentication, which its owner alone may read,
where there is none yet; ``ray get-auth-token --generate`` writes to ~/.ray, where it turns authentication on in all
clusters that the user starts.

``leave`` tells Ray that this machine is about to be taken away, and waits until its trials have written checkpoints and
gone elsewhere, at most so many seconds: for the hook that Kubernetes calls before it ends a pod.
"""

import argparse
import os
import re
import secrets
import signal
import sys
import time
from contextlib import suppress
from typing import Any

GRACE_SECONDS = 10.0
IDLE = re.compile(r"ray::(IDLE|\w*Agent)")
"""Names of Ray's processes that no trial needs."""


def start() -> None:
    """Do as ``ray start`` does, with the arguments of this process."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    modules: dict[str, Any] = sys.modules
    modules["grpc"] = None  # what Ray Client needs; Ray's own processes, which are others, have it
    if "--block" in sys.argv:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})

    from ray.scripts.scripts import main  # Ray looks for grpc as it is imported

    main()


def processes_of(folder: str) -> list[Any]:
    """List the processes of the node whose temporary folder this is, but not this one and those above it."""
    import ray  # noqa: F401, I001 - psutil comes with it
    import psutil

    named = re.compile(rf"(?:^|[=\s]){re.escape(os.path.abspath(folder))}(?:/|\s|$)")
    own = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid not in own and any(named.search(word) for word in process.cmdline()):
                found |= {process, *process.children(recursive=True)}
    return [process for process in found if process.pid not in own and running(process)]


def running(process: Any) -> bool:  # noqa: ANN401 - a psutil.Process
    """Tell whether a process has not ended; one that nobody has taken notice of has."""
    import psutil

    with suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def command_line(process: Any) -> list[str]:  # noqa: ANN401 - a psutil.Process
    """Give the words of a process, none of one that has ended."""
    import psutil

    with suppress(psutil.Error):
        return list(process.cmdline())
    return []


def stop(folder: str, force: bool) -> None:
    """End the processes of a node, and what they have started."""
    ending = found = processes_of(folder)
    for number in (signal.SIGKILL,) if force else (signal.SIGTERM, signal.SIGKILL):
        for process in ending:
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)
        end = time.monotonic() + GRACE_SECONDS
        while (ending := [process for process in ending if running(process)]) and time.monotonic() < end:
            time.sleep(0.1)
    print(f"{len(found) - len(ending)} processes of {folder} ended")
    if ending:
        sys.exit(f"of {folder} go on: {', '.join(str(process.pid) for process in ending)}")


def leave(folder: str, seconds: int) -> None:
    """Have Ray drain a node, and wait until no trial is left on it."""
    from ray._raylet import GcsClient
    from ray.core.generated.autoscaler_pb2 import DrainNodeReason

    end = time.time() + seconds
    reason = DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
    for process in processes_of(folder):
        options = dict(word.removeprefix("--").split("=", 1) for word in command_line(process) if "=" in word)
        if {"node_id", "gcs-address"} <= options.keys():
            cluster = GcsClient(address=options["gcs-address"])
            cluster.drain_node(
                options["node_id"], reason, "its machine is about to be taken away", int(end * 1000)
            )
    while time.time() < end:
        titles = [(command_line(process) or [""])[0] for process in processes_of(folder)]
        if not any(title.startswith("ray::") and not IDLE.match(title) for title in titles):
            break
        time.sleep(1)


def token(path: str) -> None:
    """Write a new token to a file, unless there is one."""
    path = os.path.expanduser(path)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    except FileExistsError:
        return
    with open(file, "w") as opened:
        opened.write(secrets.token_hex(32))


def main() -> None:
    """Do what the first argument says."""
    if sys.argv[1:2] == ["start"]:
        return start()
    parser = argparse.ArgumentParser(
        description="Start, drain and stop a node of Ray; make a cluster's token."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("start", help="as `ray start`, with its options")
    leaving = commands.add_parser("leave", help="drain it")
    leaving.add_argument("--temp-dir", required=True)
    leaving.add_argument("--seconds", type=int, required=True)
    stopping = commands.add_parser("stop", help="end its processes")
    stopping.add_argument("--temp-dir", required=True)
    stopping.add_argument("--force", action="store_true", help="without asking them first")
    commands.add_parser("token", help="make a token").add_argument("file")
    given = parser.parse_args()
    if given.command == "token":
        return token(given.file)
    if given.command == "leave":
        return leave(given.temp_dir, given.seconds)
    return stop(given.temp_dir, given.force)


if __name__ == "__main__":
    main()
