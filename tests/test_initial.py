"""Networks that are made in several threads at a time have the weights of their seeds."""

import threading
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

from ganlib.initial import initial_weights


def made(seed: int) -> list[float]:
    with initial_weights(seed):
        layers = [nn.Linear(7, 7) for _ in range(30)]
    return [layer.weight.sum().item() for layer in layers]


def test_networks_of_threads_are_those_of_their_seeds() -> None:
    alone = [made(seed) for seed in range(4)]
    state = torch.get_rng_state()
    with ThreadPoolExecutor(4) as threads:
        barrier = threading.Barrier(4)

        def together(seed: int) -> list[list[float]]:
            barrier.wait()
            return [made(seed) for _ in range(20)]

        for seed, found in enumerate(threads.map(together, range(4))):
            assert found == [alone[seed]] * 20
    assert torch.equal(torch.get_rng_state(), state)


def test_what_is_replaced_anyway_needs_no_seed() -> None:
    state = torch.get_rng_state()
    with initial_weights():
        nn.Linear(3, 3)
    assert torch.equal(torch.get_rng_state(), state)
