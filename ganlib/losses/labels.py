"""Draw what the discriminator is told: plain, fuzzy, soft or noisy labels.

One-sided and two-sided label smoothing: Salimans et al., "Improved Techniques for Training GANs", 2016,
https://arxiv.org/abs/1606.03498, section 3.4. Soft (random) and noisy (flipped) labels: Chintala et al., "How to
train a GAN", 2016, https://github.com/soumith/ganhacks, number 6. The generator's label never changes.
"""

import torch
from torch import Tensor

from ganlib.config import TrainConfig
from ganlib.losses import Labels


class Labeller:
    """The labels of batch after batch.

    Args:
        train: ``label_real``, ``label_fake``, ``soft_labels`` (drawn uniformly this far around them),
            ``label_flip_p`` (the probability that a picture gets the other label).
        smoothing: factor on the loss on real pictures, a scalar on the device that may change in training.
        random: the RNG, on the device.
        device: where labels go.
    """

    def __init__(
        self, train: TrainConfig, smoothing: Tensor, random: torch.Generator, device: torch.device
    ) -> None:
        self._random = random
        self._soft, self._noisy = train.soft_labels > 0, train.label_flip_p > 0
        self._width = torch.tensor(train.soft_labels, device=device)
        self._flip_p = torch.tensor(train.label_flip_p, device=device)
        self._plain = Labels(
            real=torch.tensor(train.label_real, device=device),
            fake=torch.tensor(train.label_fake, device=device),
            smoothing=smoothing,
        )

    def draw(self, real: torch.Size, fake: torch.Size) -> Labels:
        """Draw the labels of one batch: scalars, or where they are random one for each output.

        Args:
            real: The shape of the outputs on real pictures.
            fake: The shape of the outputs on generated pictures.
        """
        plain = self._plain
        if not (self._soft or self._noisy):
            return plain
        on_real, on_fake = plain.real.expand(real), plain.fake.expand(fake)
        if self._soft:
            on_real = on_real + self._width * (2 * self._uniform(real) - 1)
            on_fake = on_fake + self._width * (2 * self._uniform(fake) - 1)
        if self._noisy:
            swapped_real, swapped_fake = self._swapped(real), self._swapped(fake)
            step = plain.real - plain.fake
            on_real = torch.where(swapped_real, on_real - step, on_real)
            on_fake = torch.where(swapped_fake, on_fake + step, on_fake)
        return Labels(on_real, on_fake, plain.smoothing)

    def _swapped(self, shape: torch.Size) -> Tensor:
        return self._uniform(shape) < self._flip_p

    def _uniform(self, shape: torch.Size) -> Tensor:
        return torch.rand(shape, generator=self._random, device=self._width.device)
