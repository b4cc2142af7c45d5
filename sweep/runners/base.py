"""Where trials are trained: what a runner is, and which one a command asks for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sweep.driver.director import Director
from sweep.driver.room import Room
from sweep.formatting import count
from sweep.runners import ray_environment
from sweep.spec.specification import Spec
from sweep.storage.lease import Fate
from sweep.terminal.views import View


@dataclass(frozen=True)
class Options:
    """How to run, beside what the spec says.

    Attributes:
        storage: The folder or URL of all sweeps.
        local: Whether trials run one after another in this process.
        address: Of a cluster.
        as_json: Whether what is said is JSON.
        chosen: The text of a spec that was chosen for a folder of pictures.
    """

    storage: str = "runs"
    local: bool = False
    address: str | None = None
    as_json: bool = False
    chosen: str = ""


class Runner(Room, Protocol):
    """Where trials are trained; `sweep.runners.local` and `sweep.runners.ray` have one each."""

    name: str
    job: str
    """How Ray names this driver; empty without Ray."""

    def at_once(self) -> int:
        """Count the trials that run at a time."""

    def preflight(
        self, config: dict[str, Any], data_hash: str, folder: str, owner: str, say: Callable[[str], None]
    ) -> dict[str, Any]:
        """Check on the workers what has to work before the first trial starts; ``say`` is told what is waited for."""

    def run(self, director: Director, beat: Callable[[], None]) -> None:
        """Train until the director has no more assignments."""

    def close(self) -> None:
        """Give back what was taken."""


def check_address(options: Options) -> Callable[[str], Fate]:
    """Look whether the cluster can be attached to that the options name, before anything else is done.

    Returns:
        What the cluster tells of other drivers, for `sweep.storage.lease.Owner`.

    Raises:
        RequestError: saying what is missing, or that this process uses Ray for something else.
    """
    if not options.local:
        ray_environment.check_free()
    if not options.address:
        return lambda job: Fate.UNKNOWN
    ray_environment.prepare()
    from sweep.runners.fates import Cluster
    from sweep.runners.ray_cluster import check_reachable

    return Cluster(check_reachable(options.address)).fate_of


@contextmanager
def runner_for(spec: Spec, options: Options, view: View, trials: int | None) -> Iterator[Runner]:
    """Open the local runner, or Ray's, for so many trials at most (None: not known); close it at the end."""
    runner = _started(spec, options, view, trials)
    try:
        resources = spec.resources
        if resources.gpus and not runner.gpu:
            view.say(f"no GPU here: trials run on the CPU (the spec asks for {resources.gpus:g} GPU a trial)")
        if 0 < resources.gpus < runner.gpu:
            has = "the whole GPU" if runner.gpu >= 1 else f"{runner.gpu:.3g} of a GPU"
            why = "trials run alone" if options.local else "trials are few"
            view.say(f"{why}: each has {has} (the spec asks for {resources.gpus:g})")
        room = runner.at_once()
        packed = (
            ", those that share a GPU in one process" if runner.gpu and resources.packed(runner.gpu) else ""
        )
        view.say(
            f"runner: {runner.name}, {count(room, 'trial')} at a time, {'GPU' if runner.gpu else 'CPU'}{packed}"
        )
        if not options.local and resources.max_concurrent and room < resources.max_concurrent:
            view.say(
                f"(resources.max_concurrent is {resources.max_concurrent}; no more than {room} run at once here)"
            )
        yield runner
    finally:
        runner.close()


def _started(spec: Spec, options: Options, view: View, trials: int | None) -> Runner:
    resources = spec.resources
    if options.local:
        from sweep.runners.local import LocalRunner

        return LocalRunner(resources)
    where = f"attaching to Ray at {options.address}" if options.address else "starting Ray"
    with view.waiting(where):
        ray_environment.prepare()
        from sweep.runners.ray import RayRunner

        return RayRunner(resources, options.address, trials, view.say)
