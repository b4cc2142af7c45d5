"""Training steps of translators: CycleGAN, whose two generators undo each other, and CartoonGAN.

Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", 2017,
https://arxiv.org/abs/1703.10593, sections 3 and 5.2; Shrivastava et al., "Learning from Simulated and Unsupervised
Images through Adversarial Training", 2017, https://arxiv.org/abs/1612.07828, section 2.3 (the pool of older pictures);
Chen, Lai & Liu, "CartoonGAN: Generative Adversarial Networks for Photo Cartoonization", 2018, section 3.
"""

import math
from collections.abc import Hashable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganlib.data.alpha import to_uint8
from ganlib.flags import exact
from ganlib.losses.reconstruction import colour_distance, landmark_distance, landmark_weights
from ganlib.models.translator import Discriminators, Translator
from ganlib.perceptual.content import load_content
from ganlib.perceptual.losses import content_distance, grey, style_distance
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.optimizers import improve
from ganlib.steps.stream import Domains
from ganlib.transfers import sent


class Pool(nn.Module):
    """Generated pictures of earlier steps, so that a discriminator does not forget them.

    As long as there is room for a batch, it keeps what it is given. Then each picture of a batch is, with a probability
    of 1/2, exchanged for one that it kept. What it does is one sequence of kernels, whether it is full or not.

    Args:
        size: Pictures that are kept, at most: as many whole batches as that is; 0 gives back what it is given.
        side: Of the pictures.
        random: The RNG, on the device.
    """

    kept: Tensor
    filled: Tensor

    def __init__(self, size: int, side: int, random: torch.Generator) -> None:
        super().__init__()
        self.random = random
        self.register_buffer("kept", torch.zeros((size, 3, side, side)))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    def forward(self, pictures: Tensor) -> Tensor:
        """Exchange some pictures ``(n, 3, side, side)``; gradients end here."""
        given = pictures.detach().float()
        count = min(len(given), len(self.kept))
        if not count:
            return given
        room, device = len(self.kept) // count * count, self.kept.device
        full = self.filled >= room
        # Different ones, so that no place is written twice.
        places = torch.randperm(room, generator=self.random, device=device)[:count]
        places = torch.where(full, places, self.filled + torch.arange(count, device=device))
        swapped = torch.rand((count, 1, 1, 1), generator=self.random, device=device) < 0.5
        old, new = self.kept[places], given[:count]
        self.kept[places] = torch.where(swapped | ~full, new, old)
        self.filled.add_(count).clamp_(max=room)
        return torch.cat([torch.where(swapped & full, old, new), given[count:]])


class TranslationStep(AdversarialStep):
    """What the steps of translators share: batches of two domains, and weighted losses of the generators."""

    generator: Translator
    average: Translator

    def _train(self, batches: Iterator[Domains]) -> None:
        """Train all networks on batches of both domains."""
        for number in range(self.critic_steps):
            batch = next(batches)
            drawings, (photos, mirrored) = self._real(batch.drawings), self._prepared(batch.photos)
            # Only the last one's pictures teach the generators.
            with torch.set_grad_enabled(number == self.critic_steps - 1):
                made = self._translated(drawings, photos)
            number += self.steps * self.critic_steps
            judged = self._discriminators_half(drawings, photos, batch, made, number)
        loss_g, terms = self._generators_half(drawings, photos, self._points(batch.rows, mirrored), made)
        self.averaging.update()
        self._count(loss_g.detach(), *judged, [term.detach() for term in terms])

    def _points(self, rows: Tensor, mirrored: Tensor | None) -> Tensor | None:
        """Look up the landmarks of photographs, where they count: mirrored as these are."""
        if not self.train_config.landmark_weight:
            return None
        assert self.landmarks is not None
        here = sent(rows, self.device)  # where the photographs are on the host, so are their numbers
        points = self.landmarks[here]
        if mirrored is None:
            return points
        x, y = points.unbind(-1)
        return torch.stack([torch.where(mirrored[:, None], 1 - x, x), y], -1)

    def _translated(self, drawings: Tensor, photos: Tensor) -> tuple[Tensor, ...]:
        """Make what the discriminators are to take for real."""
        raise NotImplementedError

    def _discriminators_half(
        self, drawings: Tensor, photos: Tensor, batch: Domains, made: tuple[Tensor, ...], number: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Improve the discriminators; returns their loss and their outputs on real and on generated pictures."""
        raise NotImplementedError

    def _generators_half(
        self, drawings: Tensor, photos: Tensor, points: Tensor | None, made: tuple[Tensor, ...]
    ) -> tuple[Tensor, list[Tensor]]:
        """Improve the generators; returns their adversarial loss and the terms that `_TERMS` names.

        Args:
            drawings: Real ones.
            photos: Real ones.
            points: Landmarks of the photographs, where they count.
            made: What `_translated` made of both.
        """
        raise NotImplementedError

    def _observe(self, real_out: Tensor, fake_out: Tensor, number: int) -> None:
        self.view.observe((real_out - self.loss.boundary(real_out, fake_out)).detach(), number)


class CycleStep(TranslationStep):
    """CycleGAN's step: least squares or another loss on both domains, the cycle, and the identity of each domain."""

    discriminator: Discriminators
    _MODULES = (*AdversarialStep._MODULES, "pool_drawings", "pool_photos")
    _TERMS = ("loss_cycle", "loss_identity")

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - those of AdversarialStep
        super().__init__(*args, **options)
        self.pool_drawings, self.pool_photos = (
            Pool(self.train_config.pool, self.size, self.random).to(self.device) for _ in range(2)
        )

    def _translated(self, drawings: Tensor, photos: Tensor) -> tuple[Tensor, ...]:
        back = self.generator.back
        assert back is not None
        with self._autocast():
            return self.generator(photos), back(drawings)

    def _discriminators_half(
        self, drawings: Tensor, photos: Tensor, batch: Domains, made: tuple[Tensor, ...], number: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        drawn, taken = self.pool_drawings(made[0]), self.pool_photos(made[1])
        on_drawings = self.judge.judged(self.discriminator.drawings, drawings, drawn, number)
        on_photos = self.judge.judged(self.discriminator.photos, photos, taken, number)
        loss, real_out, fake_out = on_drawings
        # Each has its own weights, so that half the sum of both is half the loss for each, as with the paper's `mse`.
        loss = (loss + on_photos[0]) / 2
        self._improve_discriminator(loss)
        self._observe(real_out, fake_out, number)
        return loss.detach(), real_out.detach(), fake_out.detach()

    def _generators_half(
        self, drawings: Tensor, photos: Tensor, points: Tensor | None, made: tuple[Tensor, ...]
    ) -> tuple[Tensor, list[Tensor]]:
        train, (drawn, taken) = self.train_config, made
        back = self.generator.back
        assert back is not None
        deceived = self.judge.deceiving(self.discriminator.drawings, drawn, drawings)
        deceived = deceived + self.judge.deceiving(self.discriminator.photos, taken, photos)
        with self._autocast():
            again = back(drawn), self.generator(taken)
        cycle = F.l1_loss(again[0].float(), photos) + F.l1_loss(again[1].float(), drawings)
        loss = train.adversarial_weight * deceived + train.cycle_weight * cycle
        identity = torch.zeros((), device=self.device)
        if train.identity_weight:
            with self._autocast():
                same = self.generator(drawings), back(photos)
            identity = F.l1_loss(same[0].float(), drawings) + F.l1_loss(same[1].float(), photos)
            loss = loss + train.identity_weight * identity
        improve(self.optimizer_g, loss)
        return deceived, [cycle, identity]

    @torch.inference_mode()
    def sample_back(self, inputs: Tensor) -> Tensor:
        """Make photographs ``(n, 3, size, size)`` uint8 of drawings in [-1, 1], with the averaged generator."""
        back = self.average.back
        assert back is not None
        with exact(self.device), self._autocast():
            pictures = back(sent(inputs, self.device))
        return to_uint8(pictures)


class CartoonStep(TranslationStep):
    """CartoonGAN's step: drawings are real, generated ones and those with blurred edges are not.

    Generated and blurred drawings count half each, so that real ones weigh as much as the two together.
    """

    _TERMS = ("loss_content", "loss_style")

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - those of AdversarialStep
        super().__init__(*args, **options)
        train = self.train_config
        self._epoch = math.inf
        looked_at = (train.content_weight, train.style_weight, train.grey_weight)
        self._content = (
            load_content(train.content, train.content_layer, train.content_weights, self.device)
            if any(looked_at)
            else None
        )

    @property
    def pretraining(self) -> bool:
        """Whether the generator learns from content alone."""
        return self._epoch < self.train_config.pretrain and self.train_config.content_weight > 0

    def shape(self) -> Hashable:
        """Give whether the generator learns from content alone, too."""
        return super().shape(), self.pretraining

    def schedule(
        self, kimg: float, lr_factor: float = 1.0, progress: float = 0.0, epoch: float = math.inf
    ) -> None:
        """Set what depends on the time, also whether training has begun in earnest."""
        super().schedule(kimg, lr_factor, progress, epoch)
        self._epoch = epoch

    def _translated(self, drawings: Tensor, photos: Tensor) -> tuple[Tensor, ...]:
        with self._autocast():
            return (self.generator(photos),)

    def _discriminators_half(
        self, drawings: Tensor, photos: Tensor, batch: Domains, made: tuple[Tensor, ...], number: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        if self.pretraining:
            nothing = torch.zeros((), device=self.device)
            return nothing, nothing, nothing
        assert batch.edges is not None
        fakes = torch.cat([made[0].detach().float(), self._real(batch.edges)])
        loss, real_out, fake_out = self.judge.judged(self.discriminator, drawings, fakes, number)
        self._improve_discriminator(loss)
        self._observe(real_out, fake_out, number)
        return loss.detach(), real_out.detach(), fake_out.detach()

    def _generators_half(
        self, drawings: Tensor, photos: Tensor, points: Tensor | None, made: tuple[Tensor, ...]
    ) -> tuple[Tensor, list[Tensor]]:
        train, drawn = self.train_config, made[0].float()
        zero = torch.zeros((), device=self.device)
        content, style = self._perceived(drawings, photos, drawn)
        if self.pretraining:
            improve(self.optimizer_g, train.content_weight * content)
            return zero, [content, style]
        deceived = self.judge.deceiving(self.discriminator, made[0], drawings)
        loss = train.adversarial_weight * deceived
        if train.content_weight:
            loss = loss + train.content_weight * content
        if train.style_weight:
            loss = loss + train.style_weight * style
        if train.grey_weight:
            assert self._content is not None
            wanted, found = self._content(grey(drawings)), self._content(grey(drawn))
            loss = loss + train.grey_weight * style_distance(wanted, found)
        if train.colour_weight:
            loss = loss + train.colour_weight * colour_distance(photos, drawn)
        if points is not None:
            weights = landmark_weights(points, photos.shape[-1], train.landmark_sigma)
            loss = loss + train.landmark_weight * landmark_distance(photos, drawn, weights)
        improve(self.optimizer_g, loss)
        return deceived, [content, style]

    def _perceived(self, drawings: Tensor, photos: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the content and style distances, those that have a weight."""
        train, zero = self.train_config, torch.zeros((), device=self.device)
        if self._content is None:
            return zero, zero
        found = self._content(drawn)
        content = style = zero
        if train.content_weight:
            with torch.no_grad():
                wanted = self._content(photos)
            content = content_distance(wanted, found)
        if train.style_weight and not self.pretraining:
            with torch.no_grad():
                wanted = self._content(drawings)
            style = style_distance(wanted, found)
        return content, style
