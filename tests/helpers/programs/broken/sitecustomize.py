"""Breaks a sweep's processes on purpose. Python imports this by itself where it is on PYTHONPATH.

``SWEEP_FAULTS`` is a JSON list of faults. Each has a ``do`` and where it happens:

- ``write``: at the nth replacement of a file whose path holds this text; ``when`` before or after it;
- ``trial``: in that trial, once ``kimg`` thousand pictures were shown; with ``result`` (before or after) instead
  of ``kimg`` around the measurement of its result, which is reported only then;
- ``worker``: when a process that Ray started for a worker imports this module.

``SWEEP_SAVING``, where it is given, is the number of seconds between two checkpoints: 0 for one at each evaluation, inf
for none but where one is needed.

With ``SWEEP_HURRIED`` the driver has no time to write what may be late.

``SWEEP_CLOCK`` is by how many seconds the clock of this machine is ahead; ``SWEEP_SLOW``, seconds and a folder
with a colon between them, makes that folder's disk slow: opening, replacing and flushing a file takes so long.
``SWEEP_PACE``, seconds and a file, has a trial wait so long
before each evaluation but its first, while the file is there, so that short trials last long without work.

``mark`` is a file: it is made when the fault happens, and while it is there the fault does not happen again.
"""

import builtins
import ctypes
import datetime
import errno
import gc
import importlib.abc
import importlib.machinery
import json
import os
import signal
import sys
import time
from pathlib import Path

FAULTS = json.loads(os.environ.get("SWEEP_FAULTS", "[]"))
IN_WORKER = b"default_worker.py" in Path("/proc/self/cmdline").read_bytes()


def due(fault):
    """Whether it has not happened yet; from now on it has."""
    mark = fault.get("mark")
    if mark is None:
        return True
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def do(what, run=None):
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif what == "hang":
        time.sleep(1e6)
    elif what == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    elif what == "memory":
        raise MemoryError("injected")
    elif what == "raise":
        raise ValueError("injected")
    elif what == "nan":
        import torch

        with torch.no_grad():
            next(run.fit.step.generator.parameters()).fill_(float("nan"))
    else:
        raise AssertionError(what)


def break_writes(faults):
    replace, seen = os.replace, dict.fromkeys(range(len(faults)), 0)

    def breaking(source, target, **options):
        for when in ("before", "after"):
            for number, fault in enumerate(faults):
                # The parts without rows, from which a dataset begins, are no record of anything.
                first = str(target).endswith("/sweep.parquet")
                if fault["write"] in str(target) and fault.get("when", "before") == when and not first:
                    seen[number] += 1
                    if seen[number] >= fault.get("nth", 1) and due(fault):
                        do(fault["do"])
            if when == "before":
                replace(source, target, **options)

    os.replace = breaking


def break_trials(module):
    pause = module.TrialRun._pause
    faults = [fault for fault in FAULTS if "trial" in fault and "result" not in fault]

    def breaking(self):
        stop = pause(self)  # the watchdog has just been fed
        for fault in faults:
            if (
                fault["trial"] == self.assignment.trial
                and self.fit.kimg >= fault.get("kimg", 0)
                and due(fault)
            ):
                do(fault["do"], self)
        return stop

    module.TrialRun._pause = breaking
    break_results(module)


def break_results(module):
    measure = module.measure
    faults = [fault for fault in FAULTS if "result" in fault]

    def breaking(folder, place, candidates, measuring, ids):
        def happen(when):
            for fault in faults:
                if fault["trial"] == ids["trial"] and fault["result"] == when and due(fault):
                    do(fault["do"])

        happen("before")
        row = measure(folder, place, candidates, measuring, ids)
        happen("after")
        return row

    module.measure = breaking


def set_clock(ahead):
    """Change what Python says of the time; what the kernel says of files stays, as a file server has its own clock."""
    real, real_ns, now = time.time, time.time_ns, datetime.datetime.now
    time.time = lambda: real() + ahead
    time.time_ns = lambda: real_ns() + int(ahead * 1e9)
    # A class of C, whose attributes cannot be set in another way.
    gc.get_referents(datetime.datetime.__dict__)[0]["now"] = classmethod(
        lambda cls, tz=None: now(tz) + datetime.timedelta(seconds=ahead)
    )
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime.datetime))


def slow_down(seconds, folder):
    def slowed(call, path_of):
        def slow(first, *others, **options):
            if str(path_of(first)).startswith(folder):
                time.sleep(seconds)
            return call(first, *others, **options)

        return slow

    os.open, os.replace = slowed(os.open, os.fspath), slowed(os.replace, os.fspath)
    builtins.open = slowed(builtins.open, lambda path: path)
    os.fsync = slowed(os.fsync, lambda fd: os.readlink(f"/proc/self/fd/{fd}"))


def slow_pace(module):
    record = module.TrialRun._record
    seconds, _, file = os.environ["SWEEP_PACE"].partition(":")

    def slow(self, fit, evaluation):
        until = time.monotonic() + float(seconds)
        while (
            self.__dict__.get("paced")
            and os.path.exists(file)
            and time.monotonic() < until
            and not self._ends()
        ):
            time.sleep(0.2)
        self.paced = True
        return record(self, fit, evaluation)

    module.TrialRun._record = slow


class After(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Runs a function when a module has been imported, or refuses to import it."""

    def __init__(self, name, function):
        self.name, self.function = name, function

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        if self.function is None:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        self.loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        self.loader.exec_module(module)
        self.function(module)


if ahead := os.environ.get("SWEEP_CLOCK"):
    set_clock(float(ahead))
if slow := os.environ.get("SWEEP_SLOW"):
    slow_down(float(slow.partition(":")[0]), slow.partition(":")[2])
if "SWEEP_PACE" in os.environ:
    sys.meta_path.insert(0, After("sweep.worker.trial_run", slow_pace))
if saving := os.environ.get("SWEEP_SAVING"):
    sys.meta_path.insert(
        0, After("sweep.worker.checkpoints", lambda module: setattr(module, "SAVE_SECONDS", float(saving)))
    )
if "SWEEP_HURRIED" in os.environ:
    sys.meta_path.insert(0, After("sweep.records.parts.late", lambda module: setattr(module, "SHARE", 0.0)))
if writes := [fault for fault in FAULTS if "write" in fault]:
    break_writes(writes)
if any("trial" in fault for fault in FAULTS):
    sys.meta_path.insert(0, After("sweep.worker.trial_run", break_trials))
for fault in FAULTS if IN_WORKER else ():
    if fault.get("worker") == "version":
        sys.meta_path.insert(0, After("sweep", lambda module: setattr(module, "__version__", "0.0.1")))
    elif "worker" in fault:
        sys.meta_path.insert(0, After(fault["worker"], None))
