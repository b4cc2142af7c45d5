"""The machines that Ray has: how to reach them, and how many trials fit on them."""

import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import ray
from ray._private import services
from ray.core.generated.gcs_pb2 import GcsNodeInfo
from ray.exceptions import RpcError

from ganlib.cores import available
from ganlib.errors import RequestError
from sweep.runners import ray_environment, ray_token
from sweep.runners.capacity import UNITS, Demand, Node, units
from sweep.runners.leaving import draining
from sweep.runners.starting.here import deaf, start_here
from sweep.runners.stopping import as_interrupt

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 2.0
JOIN_SECONDS = 15.0
"""How long a node on this machine may take to join a cluster."""
MOST_HOSTS = 4
KIND = "ray.io/accelerator-type"
"""Ray's label for the kind of a node's GPUs."""
HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""What a client of gRPC says first, with empty settings (RFC 9113, 3.4); the server answers with its own."""


def connect(address: str | None) -> None:
    """Attach to a cluster, or start Ray on this machine.

    Raises:
        RequestError: no cluster answers at the address, it asks for a token that is not here, this machine is no
            node of it, or this process uses Ray already.
        WorkError: Ray cannot start here.
        KeyboardInterrupt: somebody wants to stop; what had been started here has ended then.
    """
    ray_environment.check_free()
    try:
        _connect(address)
    except (KeyboardInterrupt, SystemExit):  # the second is how Ray's own handler of SIGTERM ends us
        try:
            as_interrupt(signal.SIGINT, None)
        finally:
            ray.shutdown()


def _connect(address: str | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        start_here(**quiet)
    else:
        check_reachable(address)
        with _answering(address), deaf():
            ray.init(address=address, **quiet)
    # Ray prints that a worker died on stdout, in the midst of the JSON lines; the director tells it anyway.
    ray._private.worker._worker_logs_enabled = False


def check_reachable(address: str) -> str:
    """Look whether a driver on this machine can attach to a cluster, which takes a moment; attaching takes seconds.

    Args:
        address: HOST:PORT of the cluster's head, or ``auto``.

    Returns:
        HOST:PORT of the head.

    Raises:
        RequestError: no cluster answers at the address, it asks for a token that is not here, or this machine is no
            node of it.
    """
    ray_token.take_back()
    with _answering(address):
        head = head_of(address)
        _check_is_node(head, address)
    return head


@contextmanager
def _answering(address: str) -> Iterator[None]:
    """Say of what goes wrong within that no cluster answers at an address."""
    try:
        yield
    except RequestError:
        raise
    except (OSError, ValueError, RuntimeError, RpcError) as error:
        raise RequestError(
            f"no Ray cluster answers at '{address}': {error}. Start one with 'ray start --head' or "
            "'ray up cluster.yaml', or leave --address out"
        ) from None


def _check_is_node(head: str, asked: str) -> None:
    """Refuse to attach where no node of the cluster runs: Ray itself would look for one for a minute."""
    cluster = ray._raylet.GcsClient(address=head)
    end = time.monotonic() + JOIN_SECONDS
    while True:
        here = services.find_node_ids()
        every = cluster.get_all_node_info(timeout=CONNECT_SECONDS).values()
        alive = [node for node in every if node.state == GcsNodeInfo.ALIVE]
        if any(node.node_id.hex() in here for node in alive):
            return
        if (alive and not here) or time.monotonic() > end:  # else one is starting, it seems
            break
        time.sleep(0.2)
    raise RequestError(
        f"{socket.gethostname()} is no node of the Ray cluster at '{asked}', and a sweep is driven from one of them: "
        f"give this command on {_one_of(sorted({node.node_manager_hostname for node in alive}))}, add --detach to have "
        f"it driven on the head, or make this machine a node (ray start --address={head})"
    )


def _one_of(hosts: list[str]) -> str:
    named = hosts[:MOST_HOSTS] + ([f"{len(hosts) - MOST_HOSTS} more"] if len(hosts) > MOST_HOSTS else [])
    return " or ".join(named) if named else "one of them (none is up)"


def head_of(address: str) -> str:
    """Find the head of a cluster that answers, and has been shown the token that it asks for.

    Args:
        address: HOST:PORT of the head, or ``auto`` on a machine of the cluster.

    Returns:
        HOST:PORT of the head.

    Raises:
        OSError: nothing answers there, or something else than Ray.
        ValueError: it is no address, or no cluster runs on this machine.
        RpcError: no Ray answers there.
        RequestError: the cluster asks for a token that is not here.
    """
    check_answers(address)
    head = str(services.canonicalize_bootstrap_address(address))
    ray_token.show(partial(ray_token.admits, head), address)
    return head


def check_answers(address: str) -> None:
    """Look whether something listens there that may be Ray: Ray itself tries for minutes.

    Raises:
        OSError: if nothing does, or something else than Ray.
        ValueError: if it is not an address.
        RequestError: if it is one of Ray's client.
    """
    if address == "auto":
        return
    if address.startswith("ray://"):
        raise RequestError(
            f"a sweep would end with the connection of Ray's client ({address}). On a machine of the cluster give "
            "--address auto; from elsewhere hand the sweep over: --detach --address http://HOST:8265"
        )
    if "://" in address:
        raise ValueError(
            "give HOST:PORT of the cluster's head, or 'auto' on a machine of the cluster; http://HOST:8265 is for "
            "--detach"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("an address is HOST:PORT")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS) as connection:
        connection.sendall(HTTP2_GREETING)
        if connection.recv(9)[3:4] != b"\4":
            raise OSError(
                "something else than Ray's head listens there, whose port is 6379 unless it was told another"
            )


def nodes(kinds: Sequence[str] = ()) -> dict[str, Node]:
    """List the machines that are there now and stay, by Ray's names for them.

    Args:
        kinds: Of GPUs, by Ray's names; machines with others, or none, are left out. Empty: all machines.
    """
    going = draining()
    alive = (
        node
        for node in ray.nodes()
        if node["Alive"] and node["NodeID"] not in going and (not kinds or kind_of(node) in kinds)
    )
    return {
        node["NodeID"]: Node.having(node["Resources"].get("CPU", 0), node["Resources"].get("GPU", 0))
        for node in alive
    }


def kind_of(node: dict[str, Any]) -> str:
    """Name the kind of a machine's GPUs, as Ray has found or been told it; empty where there are none."""
    return str((node.get("Labels") or {}).get(KIND, ""))


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


def fitting_nodes(gpu: float, cpu: float, kinds: Sequence[str] = ()) -> list[dict[str, Any]]:
    """List what Ray says of the nodes on which at least one trial fits; ``kinds`` as in `nodes`."""
    able = {name for name, node in nodes(kinds).items() if node.holds(Demand.of(cpu, gpu))}
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


def check_fits(gpu: float, cpu: float, kinds: Sequence[str] = ()) -> None:
    """Refuse a trial that no node can run.

    Raises:
        RequestError: naming what is asked for and what the nodes have.
    """
    if fitting_nodes(gpu, cpu, kinds):
        return
    if kinds and not nodes(kinds):
        there = ", ".join(sorted({kind_of(node) for node in ray.nodes() if node["Alive"]} - {""})) or "none"
        raise RequestError(
            f"no machine has a GPU of the kind that resources.accelerator names ({', '.join(kinds)}): the cluster's "
            f"are {there}"
        )
    machines = nodes().values()
    has = "; ".join(f"{len(node.gpus)} GPU and {node.cpu / UNITS:g} CPU" for node in machines)
    cores = os.cpu_count() or 1
    less = f"; this process may use {available()} of {cores} cores" if available() < cores else ""
    raise RequestError(
        f"no machine can run a trial with resources.gpu {gpu:g} and resources.cpu {cpu:g} (there is: {has}{less}): "
        "lower them, or attach to a larger cluster with --address"
    )
