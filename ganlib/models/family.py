"""Say what a model family is: a builder of generators and one of discriminators.

One instance stands in each family's module. The entry in `ganlib.names.FAMILIES` names it, says what the family can
be, and names the step that trains it: `ganlib.training.steps.AdversarialStep`, or a subclass that a family brings
which trains in a way of its own (growing networks, mixed styles). Networks are built without that step, so that an
export is loaded without the trainer.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from ganlib.config import ModelConfig, Norm


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
    """

    generator: Callable[[ModelConfig, int, int], nn.Module]
    discriminator: Callable[[ModelConfig, int, Norm, int], nn.Module]
