"""Hand what the driver's machine has to the other machines of a cluster, by way of Ray."""

import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sweep.formatting import size

TELL_SECONDS = 5.0
READERS = 16


class Served:
    """A process on the driver's machine that reads files for others; see `sweep.worker.ready.offer.Offer`."""

    def __init__(self, data_hash: str, weights: Sequence[str | None]) -> None:
        from sweep.worker.ready.offer import Offer

        self._offer = Offer(data_hash, weights)
        self._news: dict[str, tuple[int, int]] = {}

    def told(self) -> dict[str, Any]:
        """Describe what there is."""
        return self._offer.told()

    def read(self, name: str, offset: int, count: int) -> bytes:
        """Read a part of a file."""
        return self._offer.read(name, offset, count)

    def hear(self, host: str, done: int, total: int) -> None:
        """Note how many bytes of the pictures have come to a machine."""
        self._news[host] = done, total

    def news(self) -> dict[str, tuple[int, int]]:
        """Give, once, what was heard since the last time."""
        news, self._news = self._news, {}
        return news


class Remote:
    """What another machine has, as `sweep.worker.ready.offer.Source`."""

    def __init__(self, served: Any) -> None:  # noqa: ANN401 - a handle of Ray's
        self._served, self._next = served, 0.0

    def told(self) -> dict[str, Any]:
        """Describe what there is."""
        told: dict[str, Any] = ray.get(self._served.told.remote())
        return told

    def read(self, name: str, offset: int, count: int) -> bytes:
        """Read a part of a file."""
        data: bytes = ray.get(self._served.read.remote(name, offset, count))
        return data

    def progress(self, done: int, total: int) -> None:
        """Tell the driver how much has come, now and then."""
        if done == total or time.monotonic() >= self._next:
            self._next = time.monotonic() + TELL_SECONDS / 2
            self._served.hear.remote(socket.gethostname(), done, total)


class Offering:
    """The driver's side: starts the process that serves, and says what machines have fetched.

    Args:
        owner: Of the sweep's lease; others find the process by it.
        data_hash: Of the pictures.
        weights: Paths of weights that trials read.
        say: Told of progress.
    """

    def __init__(
        self, owner: str, data_hash: str, weights: Sequence[str | None], say: Callable[[str], None]
    ) -> None:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._served = (
            ray.remote(Served)
            .options(
                name=_name(owner),
                num_cpus=0,
                max_concurrency=READERS,
                max_restarts=3,
                scheduling_strategy=here,
            )
            .remote(data_hash, list(weights))
        )
        self._say, self._next = say, 0.0
        self._asked: Any = None

    def tell(self) -> None:
        """Say what machines have fetched since the last time; waits for nothing."""
        if self._asked is None:
            if time.monotonic() < self._next:
                return
            self._next = time.monotonic() + TELL_SECONDS
            self._asked = self._served.news.remote()
        if not ray.wait([self._asked], timeout=0)[0]:
            return
        asked, self._asked = self._asked, None
        try:
            news: dict[str, tuple[int, int]] = ray.get(asked)
        except ray.exceptions.RayError:  # whoever needs it says so
            return
        for host, (done, total) in news.items():
            self._say(f"pictures to {host}: {size(done)} of {size(total)}")

    def close(self) -> None:
        """End the process that serves."""
        ray.kill(self._served)


def source(owner: str) -> Remote | None:
    """Find what the driver's machine offers; None where it offers nothing."""
    try:
        return Remote(ray.get_actor(_name(owner)))
    except ValueError:
        return None


def _name(owner: str) -> str:
    return f"sweep-offer-{owner}"
