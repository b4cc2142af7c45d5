"""Weights that training begins with in the place of fresh ones.

Transferring GANs: Wang et al., 2018, https://arxiv.org/abs/1805.01677. With the discriminator's first layers frozen:
Mo, Cho & Shin, "Freeze the Discriminator: a Simple Baseline for Fine-Tuning GANs", 2020,
https://arxiv.org/abs/2002.10964.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ganlib.errors import RequestError

Weights = Mapping[str, Tensor]
MOST = 3
"""Tensors that are named at most where weights do not fit."""


@dataclass(frozen=True)
class Start:
    """What networks begin with.

    Attributes:
        generator: The weights and buffers of a generator, by name, as an export has them: those of the average, which
            is what was measured. Generator and average begin with them.
        discriminator: Those of a discriminator; None for fresh ones.
    """

    generator: Weights
    discriminator: Weights | None = None

    def put(self, generator: nn.Module, average: nn.Module, discriminator: nn.Module) -> None:
        """Give networks these weights; the tensors of the networks stay the ones that optimizers know.

        Raises:
            RequestError: where they do not fit; then no network has changed.
        """
        pairs = [("generator", generator, self.generator), ("generator", average, self.generator)]
        if self.discriminator is not None:
            pairs.append(("discriminator", discriminator, self.discriminator))
        for name, network, weights in pairs:
            if wrong := misfits(network, weights):
                raise RequestError(f"the {name} cannot begin with these weights: {wrong}")
        for _, network, weights in pairs:
            network.load_state_dict(dict(weights))


def misfits(network: nn.Module, weights: Weights) -> str:
    """Say which weights do not fit into a network, with the shapes on both sides; empty where all do."""
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    found = [
        f"{name} is {_shape(given.get(name))} there and {_shape(wanted.get(name))} here"
        for name in dict.fromkeys([*wanted, *given])
        if wanted.get(name) != given.get(name)
    ]
    more = f", and {len(found) - MOST} more" if len(found) > MOST else ""
    return "; ".join(found[:MOST]) + more


def _shape(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else " x ".join(map(str, shape)) or "one number"
