"""Say what a model family is: a builder of generators and one of discriminators.

One instance stands in each family's module. The entry in `ganlib.names.FAMILIES` names it, says what the family can
be, and names the step that trains it: `ganlib.steps.adversarial.AdversarialStep`, or a subclass that a family brings
which trains in a way of its own (growing networks, mixed styles). Networks are built without that step, so that an
export is loaded without the trainer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from ganlib.config import ModelConfig, Norm
from ganlib.data.alpha import RGB
from ganlib.errors import RequestError


class BuildGenerator(Protocol):
    """A function that builds a generator with freshly drawn weights."""

    def __call__(self, config: ModelConfig, size: int, channels: int = RGB, classes: int = 0) -> nn.Module:
        """Build a generator of pictures of a size, with so many channels, of so many classes; 0 is without labels."""


class BuildDiscriminator(Protocol):
    """A function that builds a discriminator with freshly drawn weights."""

    def __call__(
        self, config: ModelConfig, size: int, norm: Norm, channels: int = RGB, classes: int = 0
    ) -> nn.Module:
        """Build a discriminator; ``norm`` is the normalisation that the loss asks for."""


@dataclass(frozen=True)
class Family:
    """The networks of a family, with freshly drawn weights, from torch's global RNG.

    Attributes:
        generator: Gives a network from latents ``(n, latent_dim)``, standard normal, with classes from
            `ganlib.models.conditioning.joined`, to pictures ``(n, channels, size, size)`` in [-1, 1]. Channels are 3,
            RGB, or 4, RGBA with the colour multiplied by alpha (see `ganlib.data.alpha`). That of a family that
            translates is a `ganlib.models.translator.Translator`, from pictures to pictures. An export is rebuilt by
            this alone.
        discriminator: Gives a network from pictures, and with classes also their numbers ``(n,)``, to ``(n,)``, or
            ``(n, patches)``; of a family that returns, a `ganlib.models.translator.Discriminators`.
        layers: A discriminator's layers from the pictures on, each as its modules; None for a family none of whose
            layers can be frozen.
    """

    generator: BuildGenerator
    discriminator: BuildDiscriminator
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
