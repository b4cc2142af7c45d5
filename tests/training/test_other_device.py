"""A state of another kind of device: weights go on, random numbers begin anew from the seed and the steps.

No GPU is needed: a made-up random state of a GPU's 16 bytes stands in the state of a CPU, or a step's RNG that has a
GPU's 16 bytes is given a CPU's 5,056.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.metrics import Evaluator
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.optimizers import optimizer
from ganlib.training.fit import Fit

CPU = torch.device("cpu")
OF_GPU = torch.arange(16, dtype=torch.uint8)
Make = Callable[..., Any]


def made(seed: int = 3) -> AdversarialStep:
    train = TrainConfig(batch_size=4, precision="fp32")
    return AdversarialStep(DataConfig(size=28), ModelConfig(latent_dim=4, width=4), train, seed, CPU)


class RngOfGpu:
    """Stands in for a GPU's RNG: it has a state of 16 bytes, and takes no other."""

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def get_state(self) -> torch.Tensor:
        return OF_GPU

    def set_state(self, state: torch.Tensor) -> None:
        assert len(state) == 16, "RNG state is wrong size"
        self.taken = state

    def manual_seed(self, seed: int) -> None:
        self.seeds.append(seed)


def after(steps: int, seed: int = 3) -> torch.Tensor:
    """What a step draws first that goes on from a GPU's state after so many steps."""
    step = made(seed)
    assert not step.load_state(made().state() | {"random": OF_GPU, "steps": steps})
    assert step.steps == steps
    return torch.rand(5, generator=step.random)


def test_random_numbers_begin_anew_from_the_seed_and_the_steps() -> None:
    assert torch.equal(after(7), after(7))
    others = [after(8), after(7, seed=4), after(7, seed=-1)]
    assert not any(torch.equal(after(7), other) for other in others)
    fresh = torch.rand(5, generator=made().random)
    assert not any(torch.equal(fresh, drawn) for drawn in (after(7), after(0))), (
        "nor are they those of the start"
    )


def test_weights_and_optimizers_go_on() -> None:
    step, batch = made(), torch.zeros(4, 3, 28, 28, dtype=torch.uint8)
    step(iter([batch]))
    state = step.state()
    other = made(seed=9)
    assert not other.load_state(copy.deepcopy(state) | {"random": OF_GPU})
    for name in ("generator", "discriminator", "average"):
        for key, value in getattr(other, name).state_dict().items():
            assert torch.equal(value, state[name][key])
    assert len(other.optimizer_g.state_dict()["state"]) == len(state["optimizer_g"]["state"]) > 0


def test_a_state_of_a_cpu_goes_on_on_a_gpu() -> None:
    step, state = made(), made().state()
    rng: Any = RngOfGpu()
    step.random = rng
    assert len(state["random"]) == 5056
    assert not step.load_state(state)
    assert len(rng.seeds) == 1
    assert step.load_state(state | {"random": OF_GPU + 1}), "its own kind goes on"
    assert torch.equal(rng.taken, OF_GPU + 1)
    assert len(rng.seeds) == 1


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd", "adagrad"])
def test_an_optimizer_computes_as_its_own_device_does(name: str) -> None:
    """RMSProp of a GPU is capturable, which a CPU's cannot be; its step refuses."""
    network = torch.nn.Linear(2, 2)
    ours = optimizer(name, network, 0.1, TrainConfig(), CPU)
    state = copy.deepcopy(ours.state_dict())
    own = {key: state["param_groups"][0].get(key) for key in ("capturable", "fused", "foreach")}
    state["param_groups"][0] |= {"capturable": True, "fused": None, "foreach": True, "lr": torch.tensor(0.25)}
    ours.load_state_dict(state)
    group = ours.param_groups[0]
    assert {key: group.get(key) for key, value in own.items() if value is not None} == {
        key: value for key, value in own.items() if value is not None
    }
    assert group["lr"].item() == 0.25
    network(torch.ones(1, 2)).sum().backward()
    ours.step()


def test_a_run_says_so_and_a_rollback_does_not_mind(
    pictures: Callable[..., np.ndarray], trial_config: Make
) -> None:
    config = trial_config(epochs=2.0)
    evaluator = Evaluator(pictures(), "discs", config.evaluate)
    begun = Fit(config, pictures(), evaluator)
    next(begun)
    state = begun.state()
    assert not Fit(config, pictures(), evaluator, resume=state).reseeded
    state["step"]["random"] = OF_GPU
    again = Fit(config, pictures(), evaluator, resume=state)
    assert again.reseeded
    again.roll_back(state, 0.5)
    (last,) = again
    assert last.last
