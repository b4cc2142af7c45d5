"""What a model family is: its networks, and the step that trains them.

One instance stands in each family's module and is registered by name in `ganlib.names.FAMILIES`. Most families
need only networks. One that trains in a way of its own (growing networks, mixed styles) brings a subclass of
`AdversarialStep`, whose methods are made to be replaced one by one: see its text.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from ganlib.config import ModelConfig
from ganlib.losses import Norm
from ganlib.training.steps import AdversarialStep


@dataclass(frozen=True)
class Family:
    """The parts of a family. Networks have freshly drawn weights, from torch's global RNG.

    Attributes:
        generator: (config, size of the pictures, their channels) to a network from latents ``(n, latent_dim)``,
            standard normal, to pictures ``(n, channels, size, size)`` in [-1, 1]. Channels are 3, RGB, or 4, RGBA with
            the colour multiplied by alpha (see `ganlib.data.alpha`). An export is rebuilt by this alone.
        discriminator: (config, size, normalisation that the loss asks for, channels) to a network from pictures to
            ``(n,)``.
        step: Trains them.
    """

    generator: Callable[[ModelConfig, int, int], nn.Module]
    discriminator: Callable[[ModelConfig, int, Norm, int], nn.Module]
    step: type[AdversarialStep] = AdversarialStep
