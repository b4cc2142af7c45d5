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
            ``label_flip_p`` (the probability that a picture gets the other label) and ``smoothing``.
        random: the RNG, on the device.
        device: where labels go.
    """

    def __init__(self, train: TrainConfig, random: torch.Generator, device: torch.device) -> None:
        self._random, self._batch = random, train.batch_size
        self._soft, self._noisy = train.soft_labels > 0, train.label_flip_p > 0
        self._width = torch.tensor(train.soft_labels, device=device)
        self._flip_p = torch.tensor(train.label_flip_p, device=device)
        self._plain = Labels(
            real=torch.tensor(train.label_real, device=device),
            fake=torch.tensor(train.label_fake, device=device),
            smoothing=torch.tensor(train.smoothing, device=device),
        )

    def draw(self) -> Labels:
        """Draw the labels of one batch: scalars, or ``(batch,)`` where they are random."""
        plain = self._plain
        if not (self._soft or self._noisy):
            return plain
        real, fake = (label.expand(self._batch) for label in (plain.real, plain.fake))
        if self._soft:
            real, fake = (label + self._width * (2 * self._uniform() - 1) for label in (real, fake))
        if self._noisy:
            swapped_real, swapped_fake = self._uniform() < self._flip_p, self._uniform() < self._flip_p
            real, fake = torch.where(swapped_real, fake, real), torch.where(swapped_fake, real, fake)
        return Labels(real, fake, plain.smoothing)

    def _uniform(self) -> Tensor:
        return torch.rand((self._batch,), generator=self._random, device=self._width.device)
