"""Record a training step as a CUDA graph once, and play it from then on: one launch in place of hundreds.

A recorded step finds its inputs where they were when it was recorded: so whatever changes in training is a tensor that
is changed in place, random numbers come from one generator that the graph knows, and batches come by way of places
that are filled before each step (`ganlib.steps.stream.BatchStream.hold`). What is a number in Python is part of the
recording; a step says what that is (`AdversarialStep.shape` and `due`), and each such case is recorded by itself.

CUDA graphs: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs.
"""

import gc
import json
import weakref
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Protocol

import torch

from ganlib.flags import alone, measured_elsewhere

WARM = 3
"""Steps that are taken as they are before one is recorded: torch then makes what it makes only once, and cuDNN has
chosen its kernels. They train as all others do."""

PATIENCE = 256
"""Steps after which one is recorded though another thread measures, which is then waited for."""

AHEAD, EACH = 64, 16
"""Steps that may have been launched and not begun, and how many are waited for at once. So an interruption waits for
no more than these, and several trials of a process take turns."""

MOVES = 16
"""Steps in a row, each of another shape, after which it is said that none is recorded."""
MOVING = "a number that its kernels hold moves from step to step, as Adam's decay rates do on a schedule"

UNSEEN = ("lr_g", "lr_d", "milestones", "gamma", "decay_from", "ema_kimg", "smoothing", "epochs", "kimg")
"""Keys of ``train`` of which a recording knows nothing: they are in tensors."""
SWITCHES = ("augment_p", "equalize_p", "instance_noise", "r1_gamma", "r2_gamma")
"""Keys of ``train`` of which it knows whether they are 0, and no more."""

Work = Callable[[], None]


class Recorder(Protocol):
    """Records work on a device."""

    def warm(self, work: Work) -> None:
        """Do work that is to be recorded later."""

    def record(self, work: Work) -> Work:
        """Record work without doing it; what is returned does it."""


class CudaGraphs:
    """Records work as CUDA graphs, which share their memory because no two of them run at a time.

    Args:
        device: The GPU.
        random: Its generator of random numbers; its state goes on from one replay to the next, as it does without.
    """

    def __init__(self, device: torch.device, random: torch.Generator) -> None:
        self._random = random
        self._number = torch.cuda.current_device() if device.index is None else device.index
        # Of another priority than what trains, so that it is never a neighbour's stream: torch hands the same few out
        # again and again, and what a neighbour does on a stream that records spoils the recording, or the neighbour.
        self._aside = torch.cuda.Stream(device, priority=-1)
        self._graphs = weakref.WeakSet[torch.cuda.CUDAGraph]()
        self._played, self._marks = 0, deque[torch.cuda.Event]()

    def warm(self, work: Work) -> None:
        """Do work on a stream aside, as a recording does."""
        current = torch.cuda.current_stream()
        self._aside.wait_stream(current)
        with torch.cuda.stream(self._aside):
            work()
        current.wait_stream(self._aside)

    def record(self, work: Work) -> Work:
        """Record work; other threads may use the GPU meanwhile, but none of them measures.

        Raises:
            RuntimeError: The work cannot be recorded; nor can what was recorded before be played any more.
        """
        # A stream that records hears of whatever waits for all of the GPU, as the search for a kernel does.
        with alone(), _no_garbage(), _own_workspaces(), torch.cuda.stream(torch.cuda.current_stream()):
            # Of a recording that is still there: the memory of others has been given back.
            pool = next((one.pool() for one in self._graphs), None) or torch.cuda.graph_pool_handle()
            graph = torch.cuda.CUDAGraph()
            graph.register_generator_state(self._random)
            try:
                with torch.cuda.graph(graph, pool, self._aside, capture_error_mode="thread_local"):
                    work()
            except BaseException:
                self._clean_up(graph, pool)
                raise
        self._graphs.add(graph)
        return partial(self._play, graph)

    def _clean_up(self, graph: torch.cuda.CUDAGraph, pool: tuple[int, int]) -> None:
        """End a recording that failed where torch does not: up to 2.12, memory and random numbers stay in it."""
        with suppress(RuntimeError):
            graph.pool()  # it has one if its end was reached
            return
        with suppress(RuntimeError):
            torch._C._cuda_endAllocateToPool(self._number, pool)
            torch._C._cuda_releasePool(self._number, pool)
        with suppress(RuntimeError):
            self._record_nothing()
            return
        fresh = torch.Generator(self._random.device)
        fresh.set_state(self._random.get_state())
        self._random.graphsafe_set_state(fresh)

    def _record_nothing(self) -> None:
        """Record, and forget, what cannot fail: at its end generators hear that nothing is recorded any more.

        The process's own one is among them, which all recordings know: theirs could not be played until it does.
        """
        there, graph = torch.zeros(1, device=self._random.device), torch.cuda.CUDAGraph()
        graph.register_generator_state(self._random)
        with torch.cuda.graph(graph, stream=self._aside, capture_error_mode="thread_local"):
            there.zero_()

    def _play(self, graph: torch.cuda.CUDAGraph) -> None:
        """Launch a step, unless the GPU is too many behind: then wait for the earlier ones."""
        graph.replay()
        self._played += 1
        if self._played % EACH == 0:
            mark = torch.cuda.Event()
            mark.record()
            self._marks.append(mark)
            if len(self._marks) > AHEAD // EACH:
                self._marks.popleft().synchronize()


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Collect garbage before, and none meanwhile: a graph among it that is destroyed spoils one that is recorded."""
    gc.collect()
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@contextmanager
def _own_workspaces() -> Iterator[None]:
    """Let cuBLAS take its workspaces from the memory of what is recorded.

    It has one for each stream, and torch gives out 32 streams again and again: two recordings that are played at one
    time could have the same.
    """
    torch._C._cuda_clearCublasWorkspaces()
    try:
        yield
    finally:
        torch._C._cuda_clearCublasWorkspaces()


class Player:
    """Takes steps: the first ones as they are, then by playing what was recorded.

    Args:
        recorder: Of the device.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._shape: Hashable = None
        self._warmed: Counter[Hashable] = Counter()
        self._plays: dict[Hashable, Work] = {}
        self._failed, self._moves = "", 0

    @property
    def refused(self) -> str:
        """Say why steps are not recorded: that was tried in vain, or they have no shape for long; else empty."""
        return self._failed or (MOVING if self._moves >= MOVES else "")

    def __call__(self, shape: Hashable, due: Hashable, work: Work) -> None:
        """Take a step.

        Args:
            shape: What all recordings have in common, the places of batches too; those of another shape are dropped.
            due: Which terms are due in this step: each such case has a recording of its own.
            work: Takes the step, from its beginning too where a recording failed midway.
        """
        if shape != self._shape:
            self._moves = self._moves + 1 if self._warmed.total() == 1 else 0
            self._shape = shape
            self._warmed.clear()
            self._plays.clear()
        ripe = due not in self._plays and not self._failed and self._warmed[due] >= WARM
        # It would have to wait until that is done.
        if ripe and (self._warmed[due] >= PATIENCE or not measured_elsewhere()):
            self._record(due, work)
        if due in self._plays:
            self._plays[due]()
        else:
            self._warmed[due] += 1
            self._recorder.warm(work)

    def _record(self, due: Hashable, work: Work) -> None:
        try:
            self._plays[due], self._moves = self._recorder.record(work), 0
        except RuntimeError as error:
            cause = error.__context__ or error  # torch says again, at the end of a recording, that it failed
            if isinstance(cause, torch.OutOfMemoryError) or "out of memory" in str(error):
                raise cause from None
            self._failed = str(cause).strip().partition("\n")[0]
            self._plays.clear()
            del cause  # it holds this frame, and so all that was recorded


def recorded(config: Mapping[str, Any]) -> str:
    """Give what trials must have in common so that the steps of one can go on with the recordings of another.

    Args:
        config: A `ganlib.config.TrialConfig` as plain values.
    """
    train = {key: value for key, value in config["train"].items() if key not in UNSEEN}
    train |= {key: bool(train[key]) for key in SWITCHES}
    return json.dumps([config["data"], config["model"], train], sort_keys=True)


def player(capture: str, device: torch.device, random: torch.Generator) -> Player | None:
    """Make what records steps on a device, or None where they are taken as they are.

    Args:
        capture: ``train.capture``.
        device: Where the step lives.
        random: Its generator.
    """
    return Player(CudaGraphs(device, random)) if capture == "auto" and device.type == "cuda" else None
