"""Start `sweep` commands from a process that has imported what they import: seconds less for each."""

import atexit
import multiprocessing
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

IMPORTED = (
    *("torch", "torchvision", "numpy", "scipy.linalg", "PIL.Image", "skimage.metrics", "safetensors.torch"),
    *("pyarrow.parquet", "pyarrow.fs", "pandas", "pydantic", "yaml", "rich.console", "click"),
    "helpers.programs.study_made",  # optuna, sqlalchemy and alembic
)
"""Other people's packages alone: a fault must find the modules of `sweep` not yet imported."""


class Forked:
    """A `sweep` command that looks like `subprocess.Popen`, for those of its methods that tests use.

    Its process is a copy of one that has imported `IMPORTED`. It begins as ``python -m sweep`` does, in a process group
    of its own.
    """

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path | None, out: Path, log: Path
    ) -> None:
        begin = (list(arguments), dict(environment), cwd or Path.cwd(), out, log)
        self._process: BaseProcess = _context().Process(target=_begin, args=begin)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self._wait_for_its_group()

    def _wait_for_its_group(self) -> None:
        with suppress(ProcessLookupError):  # it has ended
            while os.getpgid(self.pid) != self.pid:
                time.sleep(0.001)

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("sweep", timeout or 0.0)
        return self._process.exitcode

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *IMPORTED])
    return context


def _begin(arguments: list[str], environment: dict[str, str], cwd: Path, out: Path, log: Path) -> None:
    os.setsid()
    for path, number in ((out, 1), (log, 2)):
        with path.open("ab") as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    os.fsync = lambda fd: None  # as in conftest.py
    if environment.keys() & {"SWEEP_FAULTS", "SWEEP_PACE"}:
        runpy.run_path(str(Path(__file__).parent / "broken" / "sitecustomize.py"), run_name="sitecustomize")
    sys.argv = ["sweep", *arguments]
    try:
        runpy.run_module("sweep", run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves them out, and Ray ends its processes there
