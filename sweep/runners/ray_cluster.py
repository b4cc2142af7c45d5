"""The machines that Ray has: how to reach them, and how many trials fit on them."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import ray

from ganlib.cores import available
from ganlib.errors import RequestError, WorkError
from sweep.runners.capacity import UNITS, Demand, Node, units
from sweep.runners.leaving import draining
from sweep.runners.stopping import POLITE, as_interrupt

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 2.0


def connect(address: str | None) -> None:
    """Attach to a cluster, or start Ray on this machine.

    Raises:
        RequestError: no cluster answers at the address.
        WorkError: Ray cannot start here.
        KeyboardInterrupt: somebody wants to stop; what had been started here has ended then.
    """
    try:
        _connect(address)
    except (KeyboardInterrupt, SystemExit):  # the second is how Ray's own handler of SIGTERM ends us
        as_interrupt(signal.SIGINT, None)


def _connect(address: str | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        # Without "local", Ray attaches to whatever it finds: RAY_ADDRESS, or a cluster of somebody else.
        with _deaf():
            _start_here(quiet)
    else:
        try:
            check_answers(address)
            with _deaf():
                ray.init(address=address, **quiet)
        except (OSError, ValueError, RuntimeError) as error:
            raise RequestError(
                f"no Ray cluster answers at '{address}': {error}. Start one with 'ray start --head' or "
                "'ray up cluster.yaml', or leave --address out"
            ) from None
    # Ray prints that a worker died on stdout, in the midst of the JSON lines; the director tells it anyway.
    ray._private.worker._worker_logs_enabled = False


def _start_here(quiet: dict[str, Any]) -> None:
    """Start Ray on this machine; on one that is very busy its own patience may end, so it is tried twice."""
    import psutil  # type: ignore[import-untyped]  # comes with Ray

    before = set(psutil.Process().children(recursive=True))
    for last in (False, True):
        try:
            ray.init(address="local", num_cpus=available(), include_dashboard=False, **quiet)
            _end_promptly()
            return
        except (KeyboardInterrupt, SystemExit):
            _abandon(before)
            raise
        except Exception as error:  # Ray raises it bare
            ray.shutdown()
            if last:
                raise WorkError(
                    f"Ray could not start on this machine: {error} Is it very busy, or out of memory or of space "
                    "in /tmp? Is Ray's folder there that of another user? The environment variable RAY_TMPDIR names "
                    "another. Without Ray: --local"
                ) from None


def _abandon(before: set[Any]) -> None:
    """Kill what a start of Ray has left that was interrupted: its daemons are deaf, and some outlive the others."""
    import psutil

    if threading.current_thread() is threading.main_thread():
        for number in POLITE:  # a polite end often comes twice
            signal.signal(number, signal.SIG_IGN)
    started = set(psutil.Process().children(recursive=True)) - before
    for child in started:
        with suppress(psutil.Error):
            child.kill()
    psutil.wait_procs(started, timeout=5)
    ray.shutdown()


@contextmanager
def _deaf() -> Iterator[None]:
    """Let processes that are started within not hear SIGTERM and SIGHUP.

    ``timeout``, Slurm, systemd and a terminal that is closed send them to all processes. Ray's daemons and workers
    would end at once; so they live until the trials have written their checkpoints and this process ends them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in POLITE}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, POLITE)  # what is started inherits it
    try:
        yield
    finally:
        for number, handler in handlers.items():  # Ray has put its own in the place of ours
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _end_promptly() -> None:
    """Have Ray kill what it has started: it would ask first, is not heard, and waits a second for each daemon."""
    import psutil

    node = ray._private.worker._global_node
    end = node.kill_all_processes

    def kill(check_alive: bool = True, allow_graceful: bool = False, wait: bool = False) -> None:
        daemons = {one.process.pid for those in node.all_processes.values() for one in those}
        started = [child for child in psutil.Process().children(recursive=True) if child.pid not in daemons]
        below = [child for child in started if daemons & _above(child)]
        end(check_alive=check_alive, allow_graceful=False, wait=wait)
        for child in below:  # agents and workers of a killed raylet notice only after a while
            with suppress(psutil.Error):
                child.kill()

    node.kill_all_processes = kill


def _above(process: Any) -> set[int]:  # noqa: ANN401 - a psutil.Process
    """List the processes above one; none where it, or one of these, ends at this moment."""
    import psutil

    try:
        return {parent.pid for parent in process.parents()}
    except psutil.Error:
        return set()


def check_answers(address: str) -> None:
    """Look whether something listens there at all: Ray itself tries for minutes.

    Raises:
        OSError: if nothing does.
        ValueError: if it is not an address.
    """
    if address == "auto":
        return
    if "://" in address:
        raise ValueError("give HOST:PORT of the cluster's head, or 'auto' on a machine of the cluster")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("an address is HOST:PORT")
    socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()


def nodes() -> dict[str, Node]:
    """List the machines that are there now and stay, by Ray's names for them."""
    going = draining()
    alive = (node for node in ray.nodes() if node["Alive"] and node["NodeID"] not in going)
    return {
        node["NodeID"]: Node.having(node["Resources"].get("CPU", 0), node["Resources"].get("GPU", 0))
        for node in alive
    }


def host_of(node: str) -> str:
    """Name the host of a node, by Ray's name for it."""
    return next((str(one["NodeManagerHostname"]) for one in ray.nodes() if one["NodeID"] == node), node)


def lost(node: str) -> str:
    """Name the host of a node that is gone, or about to go; empty where the node stays, or is not known."""
    going = draining()
    hosts = [
        str(one["NodeManagerHostname"])
        for one in ray.nodes()
        if one["NodeID"] == node and (not one["Alive"] or node in going or not _answers(one))
    ]
    return hosts[0] if hosts else ""


def _answers(node: dict[str, Any]) -> bool:
    """Tell whether a node's own process still listens: Ray itself believes in a lost node for a while."""
    try:
        socket.create_connection(
            (node["NodeManagerAddress"], node["NodeManagerPort"]), timeout=ANSWER_SECONDS
        ).close()
    except OSError:
        return False
    return True


def fitting_nodes(gpu: float, cpu: float) -> list[dict[str, Any]]:
    """List what Ray says of the nodes on which at least one trial fits."""
    able = {name for name, node in nodes().items() if node.holds(Demand.of(cpu, gpu))}
    return [node for node in ray.nodes() if node["NodeID"] in able]


def with_room(able: list[dict[str, Any]], gpu: float, cpu: float) -> list[dict[str, Any]]:
    """Choose those of some nodes that have room for a trial at this moment."""
    left = ray._private.state.available_resources_per_node()
    demand = Demand.of(cpu, gpu)

    def has_room(node: dict[str, Any]) -> bool:
        free = left.get(node["NodeID"], {})
        # How what is left of GPUs is spread over them is not known; it is enough to be right where all of one is free.
        gpus = (units(min(free.get("GPU", 0.0), 1.0)),) * max(1, int(free.get("GPU", 0.0)))
        return bool(Node(units(free.get("CPU", 0.0)), gpus).holds(demand))

    return [node for node in able if has_room(node)]


def check_fits(gpu: float, cpu: float) -> None:
    """Refuse a trial that no node can run.

    Raises:
        RequestError: naming what is asked for and what the nodes have.
    """
    if fitting_nodes(gpu, cpu):
        return
    there = nodes().values()
    has = "; ".join(f"{len(node.gpus)} GPU and {node.cpu / UNITS:g} CPU" for node in there)
    cores = os.cpu_count() or 1
    less = f"; this process may use {available()} of {cores} cores" if available() < cores else ""
    raise RequestError(
        f"no machine can run a trial with resources.gpu {gpu:g} and resources.cpu {cpu:g} (there is: {has}{less}): "
        "lower them, or attach to a larger cluster with --address"
    )
