"""Optimizers by name, each with its own numbers. Their learning rate is a tensor on the device.

Kingma & Ba 2014 (Adam), https://arxiv.org/abs/1412.6980; Tieleman & Hinton 2012 (RMSProp); Sutskever et al. 2013
(momentum); Duchi et al. 2011 (Adagrad). The implementations are torch's, fused into one kernel where it has one.
"""

from torch import Tensor, device, nn, tensor
from torch.optim import SGD, Adagrad, Adam, Optimizer, RMSprop

from ganlib.config import TrainConfig


def optimizer(name: str, module: nn.Module, lr: float, train: TrainConfig, place: device) -> Optimizer:
    """The optimizer of one network.

    Args:
        name: ``adam`` (takes ``betas``), ``rmsprop`` (``alpha``, ``momentum``), ``sgd`` (``momentum``) or
            ``adagrad``.
        module: The network, on its device.
        lr: The learning rate.
        train: Has their numbers; ``weight_decay`` is for all of them.
        place: The device.
    """
    rate, weights, decay = tensor(lr, device=place), module.parameters(), train.weight_decay
    on_gpu = place.type == "cuda"
    if name == "adam":
        return Adam(weights, rate, train.betas, weight_decay=decay, fused=True, capturable=on_gpu)
    if name == "rmsprop":
        alpha, momentum = train.alpha, train.momentum
        return RMSprop(weights, rate, alpha, momentum=momentum, weight_decay=decay, capturable=on_gpu)
    if name == "sgd":
        return SGD(weights, rate, train.momentum, weight_decay=decay, fused=True)
    if name == "adagrad":
        return Adagrad(weights, rate, weight_decay=decay, fused=True)
    raise ValueError(f"unknown optimizer '{name}'")


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Change the learning rate in its tensor."""
    for group in optimizer.param_groups:
        group["lr"].fill_(rate)


def rate(optimizer: Optimizer) -> float:
    """The learning rate; this waits for the device."""
    value: Tensor = optimizer.param_groups[0]["lr"]
    return value.item()
