"""Networks in a pass whose slope is taken compute what they compute elsewhere, and are taught the same."""

import threading
from typing import Any

import pytest
import torch
from helpers.training.watched import watched
from torch import Tensor, nn

from ganlib.config import ModelConfig
from ganlib.initial import initial_weights
from ganlib.models import choice
from ganlib.models.products import Chosen, Ways
from ganlib.names import FAMILIES
from ganlib.slopes.passes import Sloped
from ganlib.slopes.products import convolved
from ganlib.slopes.taking import slope


def discriminator(family: str, norm: str, classes: int = 0, **model: Any) -> nn.Module:
    with initial_weights(0):
        network = (
            FAMILIES[family].load().discriminator(ModelConfig(family=family, **model), 32, norm, 3, classes)
        )
    return network.double().to(memory_format=torch.channels_last).train()


def taught(network: nn.Module, told: tuple[Tensor, ...], own: bool) -> list[Tensor]:
    """The outputs of a network, and what their loss and the penalty R1 teach its weights."""
    random = torch.Generator().manual_seed(1)
    pictures = torch.randn((4, 3, 32, 32), generator=random, dtype=torch.float64).requires_grad_(True)
    if own:
        with Sloped():
            outputs = network(pictures, *told)
    else:
        outputs = network(pictures, *told)
    gradient = slope(outputs.sum(), pictures)
    (outputs.square().mean() + gradient.square().sum()).backward()
    found = [weight.grad for weight in network.parameters() if weight.grad is not None]
    for weight in network.parameters():
        weight.grad = None
    return [outputs.detach(), gradient.detach(), *found]


@pytest.mark.parametrize(
    ("family", "norm", "classes", "model"),
    [
        ("dcgan", "batch", 0, {"width": 4}),
        ("dcgan", "instance", 0, {"width": 4}),
        ("dcgan", "spectral", 3, {"width": 4, "variant": "extended"}),
        ("dcgan", "none", 0, {"width": 4, "variant": "extra"}),
        ("stylegan", "none", 0, {"width": 8, "variant": "simple"}),
        ("stylegan2", "none", 0, {"width": 8, "variant": "simple"}),
        ("r3gan", "none", 0, {"width": 8, "variant": "simple"}),
        ("sngan", "spectral", 3, {"width": 8}),
    ],
)
def test_every_family_is_taught_the_same(family: str, norm: str, classes: int, model: dict[str, Any]) -> None:
    network = discriminator(family, norm, classes, **model)
    told = (torch.arange(4) % classes,) if classes else ()
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    theirs = taught(network, told, own=False)
    network.load_state_dict(state)
    ours = taught(network, told, own=True)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9 * other.abs().max().item())


def test_under_autocast_nothing_is_other() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    pictures = torch.ones(2, 3, 8, 8, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        wanted = network(pictures)
        with Sloped():
            found = network(pictures)
    assert found.dtype == wanted.dtype
    assert type(found.grad_fn) is type(wanted.grad_fn)


def test_a_slope_computes_no_gradient_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = watched(monkeypatch)
    monkeypatch.setattr(choice, "ways_of", lambda size: Ways(True, True, True))
    network = discriminator("dcgan", "none", width=4).float()
    pictures = torch.ones(2, 3, 32, 32, requires_grad=True)
    with Sloped():
        outputs = network(pictures)
    gradient = slope(outputs.sum(), pictures)
    assert {name for name, _ in asked} == {"down", "up"}
    asked.clear()
    gradient.square().sum().backward()
    assert "weigh" in {name for name, _ in asked}


def test_the_slope_of_another_thread_takes_no_gradient_away() -> None:
    """Trials of a pack, and programs of others, may train in threads of one process."""
    inside, done = threading.Event(), threading.Event()

    class Waits(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            inside.set()
            assert done.wait(30)
            return gradients[0]

    def sloping() -> None:
        x = torch.ones(3, requires_grad=True)
        slope(Waits.apply(x).sum(), x)

    thread = threading.Thread(target=sloping)
    thread.start()
    assert inside.wait(30)
    try:
        large = torch.ones(1, 2, 4, 4, requires_grad=True)
        weight = torch.ones(3, 2, 4, 4, requires_grad=True)
        convolved(large, weight, Chosen(Ways())).sum().backward()
    finally:
        done.set()
        thread.join()
    assert weight.grad is not None
