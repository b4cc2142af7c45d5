"""Tell networks the classes of pictures.

A conditional generator is given one tensor, ``(n, latent_dim + 1)``: latents, and behind them the numbers of the
classes (`joined`), so that whoever passes inputs on need not know of classes. A conditional discriminator is given
pictures and, apart from them, the numbers of their classes.

The generator's side: conditional batch normalisation (Dumoulin, Shlens & Kudlur, "A Learned Representation For Artistic
Style", 2017, https://arxiv.org/abs/1610.07629; for GANs Miyato & Koyama), or an embedding beside the latent. The
discriminator's side: Miyato & Koyama, "cGANs with Projection Discriminator", 2018, https://arxiv.org/abs/1802.05637,
equation 10: D(x, y) = D(x) + <embedding of y, phi(x)>, phi the features that the last layer sees.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def joined(latents: Tensor, classes: Tensor) -> Tensor:
    """Put the numbers of classes, ``(n,)``, behind latents ``(n, latent_dim)``: ``(n, latent_dim + 1)``."""
    return torch.cat([latents, classes[:, None].to(latents)], 1)


def parted(inputs: Tensor, classes: int) -> tuple[Tensor, Tensor | None]:
    """Take what a generator of so many classes is given apart: latents, and the numbers of classes, int64.

    With 0 classes there are only latents.
    """
    return (inputs[:, :-1], inputs[:, -1].long()) if classes else (inputs, None)


class Told(nn.Module):
    """A layer whose ``forward`` takes the numbers of classes as a second argument."""


class ConditionalNorm(Told, nn.BatchNorm2d):
    """Batch normalisation with a scale and an offset for each class, ``(classes, channels)``."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(channels)
        self.weight = nn.Parameter(torch.ones(classes, channels))
        self.bias = nn.Parameter(torch.zeros(classes, channels))

    def forward(self, input: Tensor, classes: Tensor | None = None) -> Tensor:
        """Normalise maps ``(n, channels, h, w)`` of pictures of the classes ``(n,)``."""
        assert classes is not None, "a conditional layer is told the classes"
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        statistics = self.running_mean, self.running_var
        assert self.momentum is not None
        plain = F.batch_norm(input, *statistics, None, None, self.training, self.momentum, self.eps)
        scale, offset = (F.embedding(classes, table)[:, :, None, None] for table in (self.weight, self.bias))
        return torch.addcmul(offset.to(plain.dtype), plain, scale.to(plain.dtype))


def batch_norm(channels: int, classes: int) -> nn.BatchNorm2d:
    """Make a batch normalisation: with classes one that is told them."""
    return ConditionalNorm(channels, classes) if classes else nn.BatchNorm2d(channels)


def applied(layer: nn.Module, x: Tensor, classes: Tensor | None) -> Tensor:
    """Apply a layer, which is told the classes where it can be."""
    out: Tensor = layer(x, classes) if isinstance(layer, Told) else layer(x)
    return out


def through(layers: nn.Sequential, x: Tensor, classes: Tensor | None) -> Tensor:
    """Apply layers one after another."""
    for layer in layers:
        x = applied(layer, x, classes)
    return x


class Projection(nn.Embedding):
    """The term <embedding of the class, features of the picture> of a discriminator, times a constant.

    Args:
        classes: How many.
        features: Of a picture.
        std: Standard deviation of the initial weights, which are normal.
        scale: The constant.
    """

    def __init__(self, classes: int, features: int, std: float, scale: float = 1.0) -> None:
        super().__init__(classes, features)
        nn.init.normal_(self.weight, 0.0, std)
        self.scale = scale

    def term(self, features: Tensor, classes: Tensor | None) -> Tensor:
        """Compute the term ``(n,)`` of features ``(n, features)`` and the numbers of classes ``(n,)``."""
        assert classes is not None, "a conditional discriminator is told the classes"
        term: Tensor = (self(classes).to(features.dtype) * features).sum(1)
        return self.scale * term


def judged(plain: Tensor, projection: Projection | None, features: Tensor, classes: Tensor | None) -> Tensor:
    """Compute a discriminator's values ``(n,)``: the plain ones, and with a projection its term added to them."""
    return plain if projection is None else plain + projection.term(features, classes)
