"""The stream of batches: every picture once an epoch, and one number to go on from."""

import warnings
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganlib.errors import RequestError
from ganlib.steps.resident import resident
from ganlib.steps.stream import BatchStream, Places

CPU = torch.device("cpu")


def numbered(n: int, size: int = 2) -> Tensor:
    """Pictures that say which they are: (number // 256, number % 256, 0) everywhere."""
    pictures = torch.zeros(n, size, size, 3, dtype=torch.uint8)
    pictures[..., 0] = torch.arange(n)[:, None, None] // 256
    pictures[..., 1] = torch.arange(n)[:, None, None] % 256
    return pictures


def numbers(batch: Tensor) -> list[int]:
    return (batch[:, 0, 0, 0].int() * 256 + batch[:, 1, 0, 0]).tolist()


def stream(n: int, batch_size: int, seed: int = 0, shown: int = 0) -> BatchStream:
    return BatchStream(numbered(n), batch_size, seed, CPU, shown)


def order(count: int, *args: int) -> list[int]:
    """The first ``count`` pictures of a stream."""
    batches = stream(*args)
    return [
        number for batch in islice(batches, -(-count // batches.batch_size)) for number in numbers(batch)
    ][:count]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n=st.integers(1, 300), seed=st.integers(0, 2**32 - 1))
def test_every_picture_is_shown_once_an_epoch(data: st.DataObject, n: int, seed: int) -> None:
    shown = order(3 * n, n, data.draw(st.integers(1, n)), seed)
    for epoch in range(3):
        assert sorted(shown[epoch * n : (epoch + 1) * n]) == list(range(n))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n=st.integers(1, 100), seed=st.integers(0, 2**32 - 1), skip=st.integers(0, 400))
def test_resuming_at_any_picture_goes_on_in_the_same_order(
    data: st.DataObject, n: int, seed: int, skip: int
) -> None:
    batch, other = data.draw(st.integers(1, n)), data.draw(st.integers(1, n))
    whole = order(skip + 2 * n, n, batch, seed)
    # Also with another batch size: the order is one of pictures, not of batches.
    assert order(2 * n, n, other, seed, skip) == whole[skip:]


def test_the_order_differs_between_epochs_and_seeds() -> None:
    shown = order(200, 100, 10)
    assert shown[:100] != shown[100:]
    assert shown[:100] != order(100, 100, 10, 1)
    assert shown[:100] != list(range(100))


def test_batches_cross_the_ends_of_epochs_and_are_always_full() -> None:
    batches = stream(10, 4)
    sizes = [len(next(batches)) for _ in range(5)]
    assert sizes == [4] * 5
    assert batches.shown == 20


def test_a_batch_as_large_as_the_set() -> None:
    batches = stream(7, 7)
    assert sorted(numbers(next(batches))) == sorted(numbers(next(batches))) == list(range(7))


def test_too_few_pictures_say_both_numbers_and_what_to_do() -> None:
    with pytest.raises(RequestError, match=r"batch_size is 64.*only 63 pictures.*lower the batch size"):
        stream(63, 64)


def test_layout_and_content_of_a_batch() -> None:
    pictures = torch.randint(0, 256, (6, 5, 5, 3), dtype=torch.uint8)
    batch = next(BatchStream(pictures, 6, 0, CPU))
    assert batch.shape == (6, 3, 5, 5)
    assert batch.dtype == torch.uint8
    assert batch.is_contiguous(memory_format=torch.channels_last)
    rows = {picture.numpy().tobytes() for picture in pictures}
    assert {picture.permute(1, 2, 0).contiguous().numpy().tobytes() for picture in batch} == rows


def test_a_batch_is_a_copy() -> None:
    pictures = numbered(4)
    next(BatchStream(pictures, 4, 0, CPU)).fill_(9)
    assert torch.equal(pictures, numbered(4))


def test_a_device_with_and_without_its_number_is_the_same_device() -> None:
    """As on a GPU: tensors that went to "cuda" say "cuda:0", and cannot be pinned once they are there."""
    batch = next(BatchStream(numbered(4), 4, 0, torch.device("cpu:0")))
    assert sorted(numbers(batch)) == [0, 1, 2, 3]


def test_global_random_numbers_are_not_touched() -> None:
    state = torch.get_rng_state()
    order(30, 10, 3)
    assert torch.equal(state, torch.get_rng_state())


def test_a_read_only_memory_map_is_used_as_it_is_and_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "pictures.npy"
    np.save(path, numbered(50).numpy())
    mapped = np.load(path, mmap_mode="r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stored = resident(mapped, CPU)
        batches = BatchStream(stored, 8, 0, CPU)
        shown = [number for _ in range(10) for number in numbers(next(batches))]
    assert shown == order(80, 50, 8)
    assert stored.data_ptr() == mapped.ctypes.data, "ten trials share one copy"


def test_a_writable_array_is_shared_too() -> None:
    array = numbered(5).numpy()
    assert resident(array, CPU).data_ptr() == array.ctypes.data


@settings(max_examples=40, deadline=None)
@given(data=st.data(), n=st.integers(1, 60), seed=st.integers(0, 2**32 - 1), count=st.integers(1, 4))
def test_batches_by_way_of_places_are_the_same(data: st.DataObject, n: int, seed: int, count: int) -> None:
    size = data.draw(st.integers(1, n))
    held, plain = stream(n, size, seed), stream(n, size, seed)
    held.hold(count)
    places: set[int] = set()
    for _ in range(5):
        held.fill()
        for again in range(2):
            held.rewind()
            for turn in range(count):
                batch = next(held)
                places.add(held.rows.data_ptr())
                if not again:
                    continue
                assert numbers(batch) == numbers(next(plain)), turn
                assert torch.equal(held.rows, plain.rows)
        held.hold(count)
    assert held.shown == plain.shown
    assert len(places) == count


def test_pictures_that_are_elsewhere_come_by_way_of_places_too() -> None:
    held, plain = stream(20, 8), stream(20, 8)
    held.device = torch.device("meta")
    held.hold(2)
    assert held._places.pictures.shape == (2, 8, 2, 2, 3)
    held._places = Places(
        torch.empty((2, 8), dtype=torch.int64), torch.empty((2, 8, 2, 2, 3), dtype=torch.uint8)
    )
    held.device = CPU
    for _ in range(4):
        held.fill()
        held.rewind()
        for _ in range(2):
            assert numbers(next(held)) == numbers(next(plain))
