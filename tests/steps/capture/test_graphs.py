"""What is done around the recording of a CUDA graph, by a stand-in for one that fails as torch 2.11's does."""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import torch

from ganlib.flags import measured_elsewhere, one_at_a_time
from ganlib.steps.capture import PATIENCE, WARM, CudaGraphs, Player

GPU = torch.device("cuda")
WORKSPACES = "workspaces are cleared"


class Graph:
    """A graph; its recording fails where the work has done what no stream does that records."""

    def __init__(self, card: "Card") -> None:
        self.card, self.generator, self.of, self.replays = card, None, None, 0

    def register_generator_state(self, generator: object) -> None:
        self.generator = generator

    def capture_begin(self, pool: tuple[int, int] | None) -> None:
        self.taken = pool or self.card.handle()
        self.card.recording |= {"the process's", self.generator}

    def capture_end(self) -> None:
        if self.card.spoilt:
            raise RuntimeError("operation failed due to a previous error during capture")
        self.card.recording -= {"the process's", self.generator}
        self.of = self.taken

    def pool(self) -> tuple[int, int]:
        if self.of is None:
            raise RuntimeError("no capture has ended")
        return self.of

    def replay(self) -> None:
        if self.card.recording & {"the process's", self.generator}:
            raise RuntimeError("Offset increment outside graph capture encountered unexpectedly.")
        self.replays += 1


class Generator:
    """A generator of a card."""

    def __init__(self, device: object = GPU) -> None:
        self.device, self.state, self.shares = device, 7, None

    def get_state(self) -> int:
        return self.state

    def set_state(self, state: int) -> None:
        self.state = state

    def graphsafe_set_state(self, other: "Generator") -> None:
        self.shares = other


class Card:
    """What stands for a card: its stream in use, what was done, and the pools of graphs."""

    def __init__(self) -> None:
        self.stream, self.done, self.pools, self.spoilt = "usual", [], 0, False
        self.recording: set[object] = set()
        """Generators that take it that something is recorded."""
        self.graphs: list[Graph] = []
        self.broken = False
        """Whether nothing can be recorded any more."""

    def graph(self) -> Graph:
        self.graphs.append(Graph(self))
        return self.graphs[-1]

    def handle(self) -> tuple[int, int]:
        self.pools += 1
        return 0, self.pools

    @contextmanager
    def on(self, stream: str) -> Iterator[None]:
        before, self.stream = self.stream, stream
        try:
            yield
        finally:
            self.stream = before


class Written:
    """A tensor that is written to: the stream forgets what it has failed at."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def zero_(self) -> None:
        self.card.spoilt = self.card.broken


class Recording:
    """Records as `torch.cuda.graph` of torch 2.11: the stream stays in use where the end of a recording fails."""

    def __init__(
        self, card: Card, graph: Graph, pool: Any = None, stream: str = "", capture_error_mode: str = ""
    ) -> None:
        assert capture_error_mode == "thread_local"
        self.card, self.recorded, self.pool = card, graph, pool
        self.before, self.stream = card.stream, stream

    def __enter__(self) -> None:
        self.card.stream = self.stream
        self.recorded.capture_begin(self.pool)

    def __exit__(self, *_: object) -> None:
        self.recorded.capture_end()
        self.card.stream = self.before


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    card = Card()

    def said(what: str) -> Callable[..., None]:
        return lambda *given: card.done.append((what, *given))

    class Event:
        record = synchronize = lambda self: None

    for owner, name, value in (
        (torch.cuda, "CUDAGraph", card.graph),
        (torch.cuda, "graph", lambda *given, **named: Recording(card, *given, **named)),
        (torch.cuda, "graph_pool_handle", card.handle),
        (torch.cuda, "Stream", lambda device, priority: "aside"),
        (torch.cuda, "current_stream", lambda: card.stream),
        (torch.cuda, "current_device", lambda: 3),
        (torch.cuda, "stream", card.on),
        (torch.cuda, "Event", Event),
        (torch, "Generator", Generator),
        (torch, "zeros", lambda *_, device: Written(card)),
        (torch._C, "_cuda_clearCublasWorkspaces", lambda: card.done.append((WORKSPACES,))),
        (torch._C, "_cuda_endAllocateToPool", said("memory is ended")),
        (torch._C, "_cuda_releasePool", said("memory is given back")),
    ):
        monkeypatch.setattr(owner, name, value, raising=False)
    return card


def elsewhere(work: Callable[[], bool]) -> bool:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def test_nobody_measures_nothing_is_collected_and_workspaces_are_its_own(card: Card) -> None:
    seen: list[object] = []

    def work() -> None:
        seen.extend((card.stream, gc.isenabled(), elsewhere(measured_elsewhere), list(card.done)))

    play = CudaGraphs(GPU, Generator()).record(work)
    assert seen == ["aside", False, True, [(WORKSPACES,)]]
    assert gc.isenabled()
    assert not elsewhere(measured_elsewhere)
    assert card.done == [(WORKSPACES,)] * 2
    assert card.stream == "usual"
    assert card.graphs[0].replays == 0
    play()
    assert card.graphs[0].replays == 1


def test_recordings_share_their_memory_as_long_as_one_of_them_is_there(card: Card) -> None:
    graphs = CudaGraphs(GPU, Generator())
    plays = [graphs.record(lambda: None) for _ in range(2)]
    assert [one.of for one in card.graphs] == [(0, 1), (0, 1)]
    del plays
    card.graphs.clear()
    play = graphs.record(lambda: None)
    assert card.graphs[0].of == (0, 2)
    play()


def test_a_recording_that_waited_for_long_waits_for_the_measurement(card: Card) -> None:
    player = Player(Aside(GPU, Generator()))
    with one_at_a_time(GPU):
        assert elsewhere(lambda: [player("shape", "due", lambda: None) for _ in range(PATIENCE)] != [])
        assert not card.graphs
        thread = Thread(target=player, args=("shape", "due", lambda: None), daemon=True)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
    thread.join(20)
    assert card.graphs[0].replays == 1


def test_a_step_is_not_recorded_while_a_neighbour_is_measured(card: Card) -> None:
    player, taken = Player(Aside(GPU, Generator())), [0]

    def work() -> None:
        taken[0] += 1

    def steps(count: int) -> bool:
        for _ in range(count):
            player("shape", "due", work)
        return True

    with one_at_a_time(GPU):
        assert elsewhere(lambda: steps(WARM + 5))
        assert not card.graphs
    assert taken == [WARM + 5]
    steps(1)
    assert card.graphs[0].replays == 1


class Spoiling:
    """Work that cannot be recorded."""

    def __init__(self, card: Card, error: Exception) -> None:
        self.card, self.error, self.count = card, error, 0

    def __call__(self) -> None:
        self.count += 1
        if self.count == WARM + 1:
            self.card.spoilt = True
            raise self.error


class Aside(CudaGraphs):
    """Its warm steps need no stream."""

    def warm(self, work: Callable[[], None]) -> None:
        work()


@pytest.mark.parametrize("broken", [False, True])
def test_what_cannot_be_recorded_leaves_everything_in_order_and_goes_on(broken: bool, card: Card) -> None:
    random, card.broken = Generator(), broken
    player, neighbour = (Player(Aside(GPU, one)) for one in (random, Generator()))
    for _ in range(WARM + 1):
        player("shape", "earlier", lambda: None)
        neighbour("shape", "due", lambda: None)
    spoiling = Spoiling(card, RuntimeError("a search for kernels waited for the card\nand more"))
    for _ in range(WARM + 3):
        player("shape", "due", spoiling)
    assert player.refused == "a search for kernels waited for the card"
    assert spoiling.count == WARM + 4, "each step was taken, and that of the recording once more"
    assert card.stream == "usual"
    assert gc.isenabled()
    assert card.done[-3:] == [
        ("memory is ended", 3, (0, 1)),
        ("memory is given back", 3, (0, 1)),
        (WORKSPACES,),
    ]
    assert random.state == 7, "random numbers go on"
    earlier = card.graphs[0].replays
    player("shape", "earlier", lambda: None)
    assert card.graphs[0].replays == earlier, "it would draw from the generator that failed"
    if broken:
        assert isinstance(random.shares, Generator)
        assert random.shares.state == 7
    else:
        neighbour("shape", "due", lambda: None)
        assert card.graphs[1].replays == 2, "a neighbour's recording is played on"


@pytest.mark.parametrize("spoilt", [False, True])
def test_memory_that_runs_out_in_a_recording_is_told_as_such(spoilt: bool, card: Card) -> None:
    def work() -> None:
        card.spoilt = spoilt
        raise torch.OutOfMemoryError("out of memory")

    player = Player(Aside(GPU, Generator()))
    for _ in range(WARM):
        player("shape", "due", lambda: None)
    with pytest.raises(torch.OutOfMemoryError):
        player("shape", "due", work)
    assert card.stream == "usual"
