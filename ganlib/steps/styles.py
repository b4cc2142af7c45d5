"""Training steps of StyleGAN and StyleGAN2: mixed styles, growing networks, path lengths.

Karras, Laine & Aila, "A Style-Based Generator Architecture for Generative Adversarial Networks", 2019,
https://arxiv.org/abs/1812.04948, section 3.1; Karras et al., "Progressive Growing of GANs", 2017,
https://arxiv.org/abs/1710.10196, section 2; Karras et al., "Analyzing and Improving the Image Quality of StyleGAN",
2020, https://arxiv.org/abs/1912.04958, section 3.2 and appendix B.
"""

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ganlib.models.styles.generator import StyleGenerator
from ganlib.models.styles.growing import doublings_at
from ganlib.slopes.passes import Sloped
from ganlib.slopes.taking import slope
from ganlib.steps.adversarial import AdversarialStep

if TYPE_CHECKING:
    from ganlib.models.styles.stylegan import Discriminator, Generator

MEAN_SHARE = 0.005
"""A batch's weight in the mean style (StyleGAN's decay of 0.995)."""
PATH_SHARE = 0.01
"""A batch's weight in the mean path length."""
PATH_SHRINK = 2
"""Path lengths are taken on the batch size divided by this, as in the paper."""


class StyleStep(AdversarialStep):
    """A step with fresh noise, the mean style, and by ``style_mixing`` the styles of two latents in a picture."""

    generator: StyleGenerator

    def _generate(self) -> Tensor:
        styles = self._styles(self.train_config.batch_size)
        with self._autocast():
            return self._pictures(styles)

    def _styles(self, count: int) -> Tensor:
        """Draw styles ``(count, layers, latent_dim)`` of random latents, mixed."""
        styles = self.generator.map(self._inputs(count))
        self.generator.follow_mean(styles, MEAN_SHARE)
        p = self.train_config.style_mixing
        if not p:
            return styles
        layers = self._layers()
        crossing = torch.randint(1, layers, (count, 1), generator=self.random, device=self.device)
        mixed = torch.rand((count, 1), generator=self.random, device=self.device) < p
        crossing = torch.where(mixed, crossing, layers)
        second = torch.arange(self.generator.layers, device=self.device) >= crossing
        return torch.where(second[:, :, None], self.generator.map(self._inputs(count)), styles)

    def _layers(self) -> int:
        """Count the layers that are in use."""
        return self.generator.layers

    def _pictures(self, styles: Tensor) -> Tensor:
        return self.generator.synthesize(styles, self.random)


class GrowingStep(StyleStep):
    """StyleGAN's step: both networks grow with the clock, and real pictures are as small as the generated ones."""

    generator: "Generator"
    average: "Generator"
    discriminator: "Discriminator"

    def schedule(
        self, kimg: float, lr_factor: float = 1.0, progress: float = 0.0, epoch: float = math.inf
    ) -> None:
        """Set what depends on the time, how far the networks have grown too, a function of ``kimg`` alone."""
        super().schedule(kimg, lr_factor, progress, epoch)
        train = self.train_config
        fade = train.grow_kimg if train.fade_kimg is None else train.fade_kimg
        doublings = doublings_at(kimg, train.grow_kimg, fade, self.generator.growth.last)
        for growth in (self.generator.growth, self.discriminator.growth, self.average.growth):
            growth.grow_to(doublings)

    def shape(self) -> Hashable:
        """Give how far the networks have grown, too."""
        growth = self.generator.growth
        return super().shape(), growth.reached, growth.fading

    def _layers(self) -> int:
        return 2 * (self.generator.growth.reached + 1)

    def _pictures(self, styles: Tensor) -> Tensor:
        return self.generator.grown(styles, self.random)

    def _real(self, batch: Tensor) -> Tensor:
        real, growth = super()._real(batch), self.generator.growth
        if growth.side < real.shape[-1]:
            real = F.avg_pool2d(real, real.shape[-1] // growth.side)
        if growth.fading:
            coarse = F.interpolate(F.avg_pool2d(real, 2), scale_factor=2, mode="nearest")
            real = growth(coarse, real)
        return real


class PathLengthStep(StyleStep):
    """StyleGAN2's step: styles that move by a given length shall change the picture by a given amount."""

    _TENSORS = (*AdversarialStep._TENSORS, "path_mean")

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - those of AdversarialStep
        super().__init__(*args, **options)
        self.path_mean = torch.zeros((), device=self.device)

    def due(self) -> Hashable:
        """Give whether path lengths are due, too."""
        return super().due(), self._path_due()

    def _path_due(self) -> bool:
        train = self.train_config
        return bool(train.path_weight) and self.steps % train.path_every == 0

    def _generator_penalty(self) -> Tensor | None:
        train = self.train_config
        if not self._path_due():
            return None
        styles = self._styles(max(1, train.batch_size // PATH_SHRINK))
        with Sloped():  # in float32, as every term with a second derivative
            pictures = self._pictures(styles)
        lengths = path_lengths(pictures, styles, self.random)
        self.path_mean.lerp_(lengths.detach().mean(), PATH_SHARE)
        return train.path_every * train.path_weight * (lengths - self.path_mean).square().mean()


def path_lengths(pictures: Tensor, styles: Tensor, random: torch.Generator) -> Tensor:
    """Measure how much pictures change with their styles: ||J^T y|| for one random y a picture.

    Args:
        pictures: ``(n, c, h, w)``, with a graph back to the styles.
        styles: ``(n, layers, dim)``; the squared lengths are averaged over the layers.
        random: Draws y, of N(0, 1) / sqrt(h w) a pixel, so that the length does not depend on the size.

    Returns:
        ``(n,)``; it can be differentiated with respect to the generator's weights.
    """
    h, w = pictures.shape[2:]
    y = torch.randn(pictures.shape, generator=random, device=pictures.device) / math.sqrt(h * w)
    lengths: Tensor = slope((pictures * y).sum(), styles).square().sum(2).mean(1).sqrt()
    return lengths
