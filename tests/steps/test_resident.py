"""Pictures on a GPU, which answers as it is told."""

import gc
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from helpers.training.fake_card import part_of_memory
from torch._subclasses.fake_tensor import FakeTensorMode

from ganlib.steps import resident as module
from ganlib.steps.resident import free_memory, resident

GPU = torch.device("cuda")


def some() -> np.ndarray:
    """240 bytes of pictures."""
    return np.zeros((20, 2, 2, 3), np.uint8)


TOTAL = 1000
Memory = Callable[..., None]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """``memory(free=..., part=..., reserved=..., allocated=...)``: what a GPU of 1,000 bytes says."""

    def say(free: int = TOTAL, part: float = 1.0, reserved: int = 0, allocated: int = 0) -> None:
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, TOTAL))
        monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", partial(part_of_memory, part))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: reserved)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: allocated)

    return say


@pytest.mark.parametrize(
    ("said", "free"),
    [
        ({}, 1000),
        ({"part": 0.25}, 250),
        ({"free": 100, "part": 0.25}, 100),  # others have taken the rest
        ({"free": 800, "part": 0.25, "reserved": 200, "allocated": 150}, 100),
        ({"free": 100, "part": 1.0, "reserved": 200, "allocated": 150}, 150),  # 50 lie idle in the allocator
        ({"free": 800, "part": 0.1, "reserved": 200, "allocated": 150}, 0),  # a smaller part than before
    ],
)
def test_free_is_what_is_left_of_the_part_of_this_process(said: dict, free: int, memory: Memory) -> None:
    memory(**said)
    assert free_memory(GPU) == free


def test_pictures_stay_on_the_host_where_half_of_the_part_is_too_little(memory: Memory) -> None:
    pictures = some()
    with FakeTensorMode():
        memory(part=0.48)
        assert resident(pictures, GPU).device.type == "cuda"
        memory(part=0.47)
        assert resident(pictures, GPU).device.type == "cpu"


def test_pictures_are_moved_once_and_forgotten_with_their_array(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory()
    monkeypatch.setattr(module, "_moved", known := {})
    pictures, others = some(), some()
    pictures.flags.writeable = False
    with FakeTensorMode():
        first = resident(pictures, GPU)
        memory(free=0, allocated=240)
        assert resident(pictures, GPU) is first, "the next trial finds them there"
        assert resident(others, GPU).device.type == "cpu", "others are not taken for them"
        memory()
        assert resident(others, GPU) is not resident(others, GPU), (
            "what can be written to is copied each time"
        )
    assert len(known) == 1
    del pictures, first
    gc.collect()
    assert not known
