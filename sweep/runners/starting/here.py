"""Ray on this machine for one run: started, shielded from signals, heard by this machine alone, ended promptly."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import ray
from ray._private import services

from ganlib.cores import available
from ganlib.errors import WorkError
from sweep.runners import ray_token
from sweep.runners.stopping import POLITE

LOOPBACK = "127.0.0.1"


def start_here(**settings: Any) -> None:  # noqa: ANN401 - of ray.init
    """Start Ray on this machine; on one that is very busy its own patience may end, so it is tried twice.

    Args:
        settings: Of ``ray.init``.

    Raises:
        WorkError: Ray cannot start here.
    """
    ray_token.take_back()
    ray_token.give_own()
    with deaf():
        _start(settings)


def _start(settings: dict[str, Any]) -> None:
    import psutil  # type: ignore[import-untyped]  # comes with Ray

    before = set(psutil.Process().children(recursive=True))
    for last in (False, True):
        try:
            with _on_loopback():
                # Without "local", Ray attaches to whatever it finds: RAY_ADDRESS, or a cluster of somebody else.
                ray.init(
                    address="local",
                    num_cpus=available(),
                    include_dashboard=False,
                    _node_ip_address=LOOPBACK,
                    **settings,
                )
            _end_promptly()
            return
        except (KeyboardInterrupt, SystemExit):
            _abandon(before)
            raise
        except Exception as error:  # Ray raises it bare
            ray.shutdown()
            if last:
                ray_token.take_back()
                raise WorkError(
                    f"Ray could not start on this machine: {error} Is it very busy, or out of memory or of space "
                    "in /tmp? Is Ray's folder there that of another user? The environment variable RAY_TMPDIR names "
                    "another. Without Ray: --local"
                ) from None


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Have Ray listen for this machine alone: it takes the loopback address for an oversight, and listens for all."""
    resolve = services.resolve_ip_for_localhost
    services.resolve_ip_for_localhost = lambda host: host
    try:
        yield
    finally:
        services.resolve_ip_for_localhost = resolve


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
def deaf() -> Iterator[None]:
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
        ray_token.take_back()

    node.kill_all_processes = kill


def _above(process: Any) -> set[int]:  # noqa: ANN401 - a psutil.Process
    """List the processes above one; none where it, or one of these, ends at this moment."""
    import psutil

    try:
        return {parent.pid for parent in process.parents()}
    except psutil.Error:
        return set()
