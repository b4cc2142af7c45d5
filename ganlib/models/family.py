"""Say what a model family is: a builder of generators and one of discriminators.

One instance stands in each family's module. The entry in `ganlib.names.FAMILIES` names it, says what the family can
be, and names the step that trains it: `ganlib.training.steps.AdversarialStep`, or a subclass that a family brings
which trains in a way of its own (growing networks, mixed styles). Networks are built without that step, so that an
export is loaded without the trainer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import nn

from ganlib.config import ModelConfig, Norm
from ganlib.errors import RequestError


@dataclass(frozen=True)
class Family:
    """The networks of a family, with freshly drawn weights, from torch's global RNG.

    Attributes:
        generator: (config, size of the pictures, their channels) to a network from latents ``(n, latent_dim)``,
            standard normal, to pictures ``(n, channels, size, size)`` in [-1, 1]. Channels are 3, RGB, or 4, RGBA with
            the colour multiplied by alpha (see `ganlib.data.alpha`). That of a family that translates is a
            `ganlib.models.translator.Translator`, from pictures to pictures. An export is rebuilt by this alone.
        discriminator: (config, size, normalisation that the loss asks for, channels) to a network from pictures to
            ``(n,)``, or ``(n, patches)``; of a family that returns, a `ganlib.models.translator.Discriminators`.
        layers: A discriminator's layers from the pictures on, each as its modules; None for
            a family none of whose layers can be frozen.
    """

    generator: Callable[[ModelConfig, int, int], nn.Module]
    discriminator: Callable[[ModelConfig, int, Norm, int], nn.Module]
    layers: Callable[[Any], list[list[nn.Module]]] | None = None

    def first(self, discriminator: nn.Module, count: int) -> Iterator[nn.Parameter]:
        """Give the weights of a discriminator's first layers, those nearest to the pictures.

        Raises:
            RequestError: where that is all of its layers, or more: nothing would learn.
        """
        layers = self.layers(discriminator) if self.layers else [[]]
        if count >= len(layers):
            raise RequestError(
                f"freeze_d is {count}, but the discriminator has {len(layers)} layers, of which the last must learn: "
                f"give at most {len(layers) - 1}"
            )
        for layer in layers[:count]:
            for module in layer:
                yield from module.parameters()


def convolutions(network: nn.Sequential) -> list[list[nn.Module]]:
    """Split a sequence of modules into layers: each begins with a convolution, and has what follows it."""
    layers: list[list[nn.Module]] = []
    for module in network:
        if any(weight.ndim > 1 for weight in module.parameters()):
            layers.append([])
        layers[-1].append(module)
    return layers
