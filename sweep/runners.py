"""Where trials are trained: what a runner is, and which one a command asks for."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sweep.director import Director
from sweep.spec import Spec


@dataclass(frozen=True)
class Options:
    """How to run, beside what the spec says."""

    storage: str = "runs"
    local: bool = False
    address: str | None = None
    as_json: bool = False


class Runner(Protocol):
    """Where trials are trained; `sweep.local` and `sweep.on_ray` have one each."""

    name: str
    gpu: float
    threads: int
    largest_share: float

    def room(self) -> int:
        """How many trials run at a time."""

    def fits(self, live: Mapping[tuple[int, int], float], share: float) -> bool:
        """Whether a trial with ``share`` times the spec's resources would start at once.

        ``live`` has the shares of those that have been handed out, by trial and attempt; it is not empty.
        """

    def preflight(self, config: dict[str, Any], data_hash: str, folder: str, owner: str) -> dict[str, Any]:
        """Check on the workers what has to work before the first trial starts."""

    def run(self, director: Director, beat: Callable[[], None]) -> None:
        """Train until the director has no more assignments."""

    def close(self) -> None:
        """Give back what was taken."""


@contextmanager
def runner_for(spec: Spec, options: Options, say: Callable[[str], None]) -> Iterator[Runner]:
    """The local runner, or Ray's; closed at the end."""
    resources = spec.resources
    runner: Runner
    if options.local:
        from sweep.local import LocalRunner

        runner = LocalRunner(resources.gpu, max(1, int(resources.cpu)))
    else:
        say("starting Ray ..." if options.address is None else f"attaching to Ray at {options.address} ...")
        from sweep.on_ray import RayRunner

        runner = RayRunner(resources.gpu, resources.cpu, options.address, resources.max_concurrent)
    try:
        if resources.gpu and not runner.gpu:
            say(f"no GPU here: trials run on the CPU (the spec asks for {resources.gpu:g} GPU a trial)")
        say(f"runner: {runner.name}, {runner.room()} trials at a time, {'GPU' if runner.gpu else 'CPU'}")
        yield runner
    finally:
        runner.close()
