"""Long work in a thread of its own, so that a trial can say meanwhile that it lives.

An evaluation cannot be left and taken up again as training can. A worker's only way to say something is to return from
what the driver asked of it; so the work goes on in a thread, and the worker returns, is asked again and looks after it.

Nobody waits for what is written: that has a thread beside it.
"""

import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import torch

from ganlib.training.fit import Interrupted

T = TypeVar("T")

_idle: dict[int, list[ThreadPoolExecutor]] = defaultdict(list)
"""Threads whose trials have ended, by how many threads torch has in them. cuDNN keeps its plans in each thread, so that
one that has measured need not make them anew for the next trial."""


class Apart:
    """One piece of work at a time, in a thread that is the same for all.

    Torch keeps its number of threads, its device and its gradients apart in each thread: the work is one that needs
    no gradients, on a device that its tensors name.

    Args:
        seconds: Gives how long `__call__` waits for a result before it raises `Interrupted`.
        heard: Called at every sign of life.
        over: Called when the work has ended.
    """

    def __init__(
        self, seconds: Callable[[], float], heard: Callable[[], None], over: Callable[[], None]
    ) -> None:
        self._seconds, self._heard, self._over = seconds, heard, over
        self._idle = _idle[torch.get_num_threads()]
        self._thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, "sweep-apart")
        self._doing: Future[Any] | None = None
        self._lives, self._left = threading.Event(), False

    def __call__(self, work: Callable[[], T]) -> T:
        """Do ``work``, unless something is being done already, and return its result.

        Raises:
            Interrupted: when there is no result yet; ask again.
        """
        if self._doing is None:
            self._doing = self._thread.submit(self._do, work)
        if not wait([self._doing], self._seconds()).done:
            raise Interrupted
        done, self._doing = self._doing, None
        self._heard()  # the thread has said that it is over
        result: T = done.result()
        return result

    @property
    def busy(self) -> bool:
        """Whether work has been begun whose result nobody has had."""
        return self._doing is not None

    def lives(self) -> bool:
        """Say whether there is no work, or has been a sign of life since this was asked: work that hangs gives none."""
        lives = self._doing is None or self._lives.is_set()
        self._lives.clear()
        return lives

    def alive(self) -> None:
        """Note a sign of life, given by the work.

        Raises:
            Interrupted: where nobody waits for the result any more.
        """
        if self._left:
            raise Interrupted
        self._heard()
        self._lives.set()

    def leave(self, wait: bool = True) -> None:
        """End the work at its next sign of life: nobody wants the result. Work that hangs is not to be waited for."""
        left, self._left = self._left, True
        if not wait:
            self._thread.shutdown(wait=False)
        elif not left:
            if self._doing is not None:
                self._doing.exception()  # waits for its end, whatever that is
            self._idle.append(self._thread)

    def _do(self, work: Callable[[], T]) -> T:
        try:
            return work()
        finally:
            self._over()


class Background:
    """Does one piece of work at a time, in a thread of its own.

    An error of the work is raised by every call that comes after it: nothing more is done.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._doing: Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether work is on its way."""
        return self._doing is not None and not self._doing.done()

    def __call__(self, work: Callable[[], None]) -> None:
        """Begin a piece of work, after the one before it has been done."""
        self.wait()
        self._doing = self._thread.submit(work)

    def wait(self) -> None:
        """Wait until nothing is on its way."""
        if self._doing is not None:
            self._doing.result()

    def check(self) -> None:
        """Raise the error of work that has failed; wait for nothing."""
        if not self.busy:
            self.wait()

    def leave(self, wait: bool = True) -> None:
        """Take no more work; what is on its way is done, and unless it hangs it is waited for."""
        self._thread.shutdown(wait)
