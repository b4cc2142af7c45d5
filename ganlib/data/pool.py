"""Run worker processes that draw and decode pictures.

`concurrent.futures.ProcessPoolExecutor` is not used on purpose: a spawned worker imports the main module of
its parent again. Inside Ray, or in a script that trains, that means torch and ray in every worker, and in a
script without an ``if __name__ == "__main__"`` guard it means that every worker prepares the set again. A
worker here is a bare interpreter that imports this package and nothing else; it takes pickled calls from its
standard input and writes pickled answers to its standard output, and it ends when its parent does.
"""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

from ganlib.errors import NO_MEMORY, WorkError

T = TypeVar("T")
R = TypeVar("R")

_SERVE = "from ganlib.data.pool import serve; serve()"


def run(function: Callable[[T], R], tasks: Iterable[T], workers: int) -> Iterator[R]:
    """Yield ``function(task)`` for every task, in the order of the tasks.

    Args:
        function: A function at the top of a module, so that it can be pickled by name.
        tasks: Picklable arguments; taken as workers get free, so that a generator stays a generator.
        workers: How many processes; with 1 everything runs in this one.

    Raises:
        WorkError: when a worker dies, for want of memory for instance.
        Exception: whatever ``function`` raised.
    """
    if workers <= 1 or not sys.executable:
        yield from map(function, tasks)
        return
    remaining = iter(tasks)
    idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
    with contextlib.ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(workers, "pictures"))
        # Closed before the threads are joined, so that a thread that waits for an answer wakes up.
        for _ in range(workers):
            idle.put(stack.enter_context(_Worker()))

        def call(task: T) -> R:
            worker = idle.get()
            try:
                return worker.call(function, task)
            finally:
                idle.put(worker)

        pending = deque(threads.submit(call, task) for task in islice(remaining, 4 * workers))
        try:
            while pending:
                yield pending.popleft().result()
                pending.extend(threads.submit(call, task) for task in islice(remaining, 1))
        finally:
            for future in pending:
                future.cancel()


class _Worker(contextlib.AbstractContextManager["_Worker"]):
    """One interpreter that answers calls until it is closed."""

    def __init__(self) -> None:
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        # One process a core is enough: the numeric libraries need no threads of their own.
        environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    def call(self, function: Callable[[T], R], task: T) -> R:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump((function, task), self._process.stdin)
            self._process.stdin.flush()
            done, answer = pickle.load(self._process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
            self._process.kill()
            code = self._process.wait()
            why = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise WorkError(
                f"a worker process that prepares pictures died ({why}). Signal 9 usually means that "
                f"{NO_MEMORY}."
            ) from error
        if not done:
            raise answer
        result: R = answer
        return result

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def serve() -> None:
    """Answer calls from standard input until it ends: what a worker does."""
    # Ctrl-C reaches the whole process group; the parent decides, and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = sys.stderr  # which holds back no line: a worker that is killed would lose it
    while True:
        try:
            function, task = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answers.write(_answer(function, task))
            answers.flush()
        except BrokenPipeError:  # the parent was killed
            os._exit(1)


def _answer(function: Callable[[Any], Any], task: Any) -> bytes:  # noqa: ANN401 - any task
    """Call the function; pickle (True, result) or (False, exception), which the parent raises."""
    try:
        return pickle.dumps((True, function(task)))
    except Exception as error:
        error.add_note("in a worker process:\n" + traceback.format_exc())
        try:
            return pickle.dumps((False, error))
        except Exception:  # an exception that cannot be pickled still has a text
            return pickle.dumps((False, WorkError(f"{type(error).__name__}: {error}")))
