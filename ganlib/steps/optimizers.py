"""Make optimizers, each with its own numbers; their learning rate is a tensor on the device.

Adam's decay rates are plain numbers: the fused kernel takes them as arguments at each call, on a CPU as on a GPU, so
that a change neither waits for the device nor makes another kernel. As a tensor, torch would read them back each time.

Kingma & Ba 2014 (Adam), https://arxiv.org/abs/1412.6980; Tieleman & Hinton 2012 (RMSProp); Sutskever et al. 2013
(momentum); Duchi et al. 2011 (Adagrad). The implementations are torch's, fused into one kernel where it has one.
The functions are registered by name in `ganlib.names.OPTIMIZERS`.
"""

import sys
from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import cache
from inspect import unwrap
from typing import Any

from torch import Tensor, __version__, device, nn, no_grad, tensor, zeros_like
from torch.optim import SGD, Adagrad, Adam, Optimizer, RMSprop

from ganlib.config import TrainConfig
from ganlib.config.schedules import Schedule, value_at
from ganlib.names import OPTIMIZERS

Weights = Iterable[nn.Parameter]
OF_DEVICE = ("capturable", "foreach", "fused")
"""What a group of an optimizer's weights holds for the sake of the device alone: which kernels it computes with."""


def optimizer(name: str, network: nn.Module, lr: float, train: TrainConfig, where: device) -> Optimizer:
    """Make the optimizer of one network.

    Args:
        name: A name in `ganlib.names.OPTIMIZERS`.
        network: The network, on its device; weights that need no gradient are left alone.
        lr: The learning rate.
        train: Has ``weight_decay`` and the numbers that only some optimizers take.
        where: The device.
    """
    _spare_the_compiler()
    entry = OPTIMIZERS[name]
    numbers = {key: getattr(train, key) for key in entry.numbers}
    made: Optimizer = entry.load()(
        [weight for weight in network.parameters() if weight.requires_grad],
        lr,
        train.weight_decay,
        where.type == "cuda",
        **numbers,
    )
    # Only now: torch reads a tensor back, to see that it is no negative rate.
    for group in made.param_groups:
        group["lr"] = tensor(lr, device=where)
    # torch warns where an optimizer is capturable and its step is not captured, as if that were a mistake. Here it is
    # meant: otherwise RMSProp would read its rate back from the GPU at each step, and no step could be captured.
    made._warned_capturable_if_run_uncaptured = True
    made.register_load_state_dict_pre_hook(_as_here)
    return made


def improve(made: Optimizer, loss: Tensor) -> None:
    """Take one step down a loss."""
    made.zero_grad(set_to_none=True)
    loss.backward()
    _plain_step(type(made))(made)  # type: ignore[arg-type]  # types have hashes


# torch's compiler takes three seconds to import and is not used here. Optimizers import it at the first call of some
# methods, to tell it to leave them alone, and at each step, to mark its ends. A program that has imported it may
# compile: it is told.


def _spare_the_compiler() -> None:
    """Let methods of optimizers know what torch's compiler would answer, which it is not asked then."""
    if "torch._dynamo" in sys.modules:
        return
    for method in vars(Optimizer).values():
        if getattr(method, "__globals__", {}).get("__name__") == "torch._compile":
            method.__wrapped__.__dynamo_disable = method.__wrapped__


@cache
def _plain_step(kind: type[Optimizer]) -> Callable[[Optimizer], object]:
    """Find a step of an optimizer below what torch wraps it in: marks for its compiler, profiles, hooks."""
    if "torch._dynamo" in sys.modules:
        return kind.step
    step: Callable[[Optimizer], object] = no_grad()(unwrap(kind.step))
    return step


def take_over(made: Optimizer, state: dict[str, Any]) -> None:
    """Go on with another optimizer's state, in the tensors that are there: recorded steps know no others.

    Args:
        made: The optimizer.
        state: The ``state_dict`` of one for the same weights, also of one that has taken no step; it stays whole.
    """
    held = {weight: dict(values) for weight, values in made.state.items()}
    rates = [group["lr"] for group in made.param_groups]
    made.load_state_dict(deepcopy(state))
    for weight, values in held.items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                given = made.state[weight].get(name)
                # What an optimizer makes at its first step, it makes of zeros.
                made.state[weight][name] = value.zero_() if given is None else value.copy_(given)
    for group, value in zip(made.param_groups, rates, strict=True):
        group["lr"] = value.copy_(group["lr"])


def _as_here(made: Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """Give an optimizer's state with what belongs to the device of ``made``: it may come from one on another."""
    groups = [
        group | {key: own[key] for key in OF_DEVICE if key in own} | {"lr": group["lr"].to(own["lr"].device)}
        for group, own in zip(state["param_groups"], made.param_groups, strict=True)
    ]
    return state | {"param_groups": groups}


def adam(
    weights: Weights,
    lr: float,
    weight_decay: float,
    on_gpu: bool,
    betas: tuple[float, float | Schedule[float]],
) -> Optimizer:
    """Make Adam; ``betas`` are the decay rates of its two moments."""
    first = (betas[0], value_at(betas[1], 0.0))
    return Adam(weights, lr, first, weight_decay=weight_decay, fused=True, capturable=on_gpu)


def rmsprop(
    weights: Weights, lr: float, weight_decay: float, on_gpu: bool, alpha: float, momentum: float
) -> Optimizer:
    """Make RMSProp; ``alpha`` is the decay rate of its mean of squares."""
    return RMSprop(
        weights, lr, alpha, momentum=momentum, weight_decay=weight_decay, foreach=on_gpu, capturable=on_gpu
    )


def sgd(weights: Weights, lr: float, weight_decay: float, on_gpu: bool, momentum: float) -> Optimizer:
    """Make gradient descent with momentum."""
    made = SGD(weights, lr, momentum, weight_decay=weight_decay, fused=True)
    if momentum:
        # Its fused kernel cannot begin with some weights later than with others, as networks do that grow.
        for group in made.param_groups:
            for weight in group["params"]:
                made.state[weight]["momentum_buffer"] = zeros_like(weight)
    return made


def adagrad(weights: Weights, lr: float, weight_decay: float, on_gpu: bool) -> Optimizer:
    """Make Adagrad; torch 2.11 has its fused kernel for CPUs alone.

    Without that it counts steps on the processor, and a recorded step counts none. Only a decay of the rate that is
    Adagrad's own, which is never asked for, would read that.
    """
    fused = not on_gpu or __version__ >= "2.12"
    return Adagrad(weights, lr, weight_decay=weight_decay, fused=fused, foreach=not fused)


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Change the learning rate in its tensor."""
    for group in optimizer.param_groups:
        group["lr"].fill_(rate)


def set_betas(optimizer: Optimizer, betas: tuple[float, float]) -> None:
    """Change the decay rates of an Adam; other optimizers have none."""
    for group in optimizer.param_groups:
        if "betas" in group:
            group["betas"] = betas


def rate(optimizer: Optimizer) -> Tensor:
    """Give the learning rate, a scalar on the device."""
    value: Tensor = optimizer.param_groups[0]["lr"]
    return value
