"""Options of a convolutional discriminator: what normalises its layers, and dropout.

Spectral normalisation: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018,
https://arxiv.org/abs/1802.05957, algorithm 1. Dropout: Srivastava et al., 2014.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from ganlib.config import Norm


def normalisation(norm: Norm, channels: int) -> list[nn.Module]:
    """Make the layer after a convolution, if the normalisation is one."""
    if norm == "batch":
        return [nn.BatchNorm2d(channels)]
    return [nn.InstanceNorm2d(channels, affine=True)] if norm == "instance" else []


def needs_bias(norm: Norm) -> bool:
    """Tell whether a convolution needs a bias: a layer that subtracts the mean takes it away again."""
    return norm in ("none", "spectral")


class Spectral(nn.Module):
    """A weight divided by its largest singular value, as a parametrization of a layer.

    The value comes from one step of power iteration, from where the last one ended, each time that it is computed in
    training: once in each half of a step, which caches the weight. ``u`` is a buffer, and so is in checkpoints.
    """

    u: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("u", F.normalize(torch.randn(len(weight)), dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """Scale the weight, seen as a matrix of one row for each output, to a largest singular value of about 1."""
        matrix = weight.flatten(1)
        with torch.autocast(weight.device.type, enabled=False):
            with torch.no_grad():
                v = F.normalize(matrix.T @ self.u, dim=0)
                u = F.normalize(matrix @ v, dim=0)
                if self.training:
                    self.u.copy_(u)
            return weight / (u @ matrix @ v)


def normalise_spectrally(network: nn.Module) -> None:
    """Put `Spectral` on every convolution, linear layer and embedding of the network; after its weights were drawn."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            parametrize.register_parametrization(layer, "weight", Spectral(layer.weight))


class Stochastic(nn.Module):
    """A module that draws random numbers from the RNG it is given: training must be able to repeat itself."""

    random: torch.Generator | None = None


class Dropout(Stochastic):
    """Dropout: in training each number becomes 0 with probability ``p``, and the others are divided by 1 - p."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, features: Tensor) -> Tensor:
        """Drop numbers of features of any shape; the shape stays."""
        if not self.training:
            return features
        draw = torch.rand(features.shape, generator=self.random, device=features.device)
        return features * (draw >= self.p) / (1 - self.p)


def give_random(network: nn.Module, random: torch.Generator) -> None:
    """Let all `Stochastic` modules of a network draw from ``random``."""
    for module in network.modules():
        if isinstance(module, Stochastic):
            module.random = random
