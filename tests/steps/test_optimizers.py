"""What optimizers say of themselves on a GPU, as far as that can be known without one."""

import warnings
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch.optim import Optimizer

from ganlib.config import TrainConfig
from ganlib.steps import optimizers

GPU = torch.device("cuda")


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[[Optimizer], None]:
    """Do what torch does at the beginning of each step of an optimizer on a GPU that captures nothing."""

    def check(made: Optimizer) -> None:
        with monkeypatch.context() as patch:
            stream = SimpleNamespace(is_capturing=lambda: False)
            patch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: GPU)
            patch.setattr(torch.accelerator, "current_stream", lambda device=None: stream)
            patch.setattr(torch.cuda, "is_available", lambda: True)  # what versions before 2.15 ask
            patch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
            name = "_accelerator_graph_capture_health_check"
            getattr(made, name if hasattr(made, name) else "_cuda_graph_capture_health_check")()

    return check


def on_gpu(name: str, monkeypatch: pytest.MonkeyPatch) -> Optimizer:
    """The optimizer that a GPU would have, of weights on the CPU."""
    monkeypatch.setattr(optimizers, "tensor", lambda value, device: torch.tensor(value))
    return optimizers.optimizer(name, torch.nn.Linear(2, 2), 0.1, TrainConfig(), GPU)


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_steps_that_are_not_captured_are_no_mistake(
    name: str, check: Callable[[Optimizer], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = on_gpu(name, monkeypatch)
    assert made.param_groups[0]["capturable"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(made)
    del made._warned_capturable_if_run_uncaptured
    with pytest.warns(UserWarning, match="capturable=True"):
        check(made)
