"""Start, drain and stop Ray's processes of one node, on machines that others use too; make the token of a cluster.

    python deploy/ray_node.py token FILE
    python deploy/ray_node.py start --head --port=6379 --temp-dir=/tmp/mine ...
    python deploy/ray_node.py leave --seconds=100
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


def stop(folder: str, force: bool) -> None:
    """End the processes of the node whose temporary folder this is, and what they have started."""
    import ray  # noqa: F401, I001 - psutil comes with it
    import psutil

    named = re.compile(rf"(?:^|[=\s]){re.escape(os.path.abspath(folder))}(?:/|\s|$)")
    own = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    found: set[psutil.Process] = set()
    for process in psutil.process_iter():
        try:
            if process.pid not in own and any(named.search(word) for word in process.cmdline()):
                found |= {process, *process.children(recursive=True)}
        except psutil.Error:
            continue
    ending = [process for process in found if process.pid not in own]
    for end in (psutil.Process.kill,) if force else (psutil.Process.terminate, psutil.Process.kill):
        for process in ending:
            try:
                end(process)
            except psutil.Error:
                continue
        _, ending = psutil.wait_procs(ending, timeout=GRACE_SECONDS)
    print(f"{len(found) - len(ending)} processes of {folder} ended")
    if ending:
        sys.exit(f"of {folder} go on: {', '.join(str(process.pid) for process in ending)}")


def leave(seconds: int) -> None:
    """Have Ray drain the nodes of this machine, and wait until no trial is left there."""
    import ray  # noqa: I001 - psutil comes with it
    import psutil
    from ray._private import services
    from ray.core.generated.autoscaler_pb2 import DrainNodeReason

    end = time.time() + seconds
    for address in services.find_gcs_addresses():
        cluster = ray._raylet.GcsClient(address=address)
        for node in services.find_node_ids():
            reason = DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
            cluster.drain_node(node, reason, "its machine is about to be taken away", int(end * 1000))
    while time.time() < end:
        titles = [(process.info["cmdline"] or [""])[0] for process in psutil.process_iter(["cmdline"])]
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
    commands.add_parser("leave", help="drain it").add_argument("--seconds", type=int, required=True)
    stopping = commands.add_parser("stop", help="end its processes")
    stopping.add_argument("--temp-dir", required=True)
    stopping.add_argument("--force", action="store_true", help="without asking them first")
    commands.add_parser("token", help="make a token").add_argument("file")
    given = parser.parse_args()
    if given.command == "token":
        return token(given.file)
    return leave(given.seconds) if given.command == "leave" else stop(given.temp_dir, given.force)


if __name__ == "__main__":
    main()
