"""What optimizers say of themselves on a GPU, as far as that can be known without one, and what a step spares."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch.optim import Optimizer

from ganlib.config import TrainConfig
from ganlib.steps import optimizers

CPU, GPU = torch.device("cpu"), torch.device("cuda")


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


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_a_plain_step_is_a_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    networks = [torch.nn.Linear(3, 2) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    plain, whole = (optimizers.optimizer(name, one, 0.1, TrainConfig(), CPU) for one in networks)
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "torch._dynamo", raising=False)
        step = optimizers._plain_step.__wrapped__(type(plain))
    assert step is not type(plain).step
    for _ in range(3):
        inputs = torch.randn(4, 3)
        for one in networks:
            one.zero_grad()
            one(inputs).square().sum().backward()
        step(plain)
        whole.step()
    for ours, torchs in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(ours, torchs)
        assert ours.requires_grad


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_momentum_that_begins_with_nothing_is_torchs(weight_decay: float) -> None:
    networks = [torch.nn.Conv2d(2, 3, 3) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    config = TrainConfig(momentum=0.9, weight_decay=weight_decay)
    ours = optimizers.optimizer("sgd", networks[0], 0.1, config, torch.device("cpu"))
    torchs = torch.optim.SGD(networks[1].parameters(), 0.1, 0.9, weight_decay=weight_decay, fused=True)
    for number in range(4):
        pictures = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(number))
        for network, one in zip(networks, (ours, torchs), strict=True):
            one.zero_grad()
            network(pictures).square().sum().backward()
            one.step()
    for a, b in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_training_imports_no_compiler() -> None:
    """It takes seconds, in every process of every trial."""
    code = """if True:
        import sys, torch
        from ganlib.config import DataConfig, ModelConfig, TrainConfig
        from ganlib.steps.adversarial import AdversarialStep
        from ganlib.steps.stream import BatchStream

        cpu, model = torch.device("cpu"), ModelConfig(width=8, latent_dim=8)
        step = AdversarialStep(DataConfig(size=28), model, TrainConfig(batch_size=4), 0, cpu)
        step(BatchStream(torch.zeros(8, 28, 28, 3, dtype=torch.uint8), 4, 0, cpu))
        assert "torch._dynamo" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True)
