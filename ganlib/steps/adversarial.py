"""Take one training step of a generator against a discriminator.

What makes it fast: the step never waits for the device (losses and scores are summed on it and read at
evaluations), the discriminator's weights get no gradient in the generator's half, pictures and weights are
channels-last, convolutions run in bfloat16 where the hardware has it, and optimizers are fused kernels.
Everything that changes during training (learning rates, what `ganlib.steps.numbers` holds, the average's decay)
is a tensor on the device, so that the kernels do not change from the first step to the last.
"""

import math
from collections.abc import Hashable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ganlib.augment.equalize import random_equalize
from ganlib.augment.real import augmented
from ganlib.augment.view import View
from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.config.schedules import value_at
from ganlib.data.alpha import premultiplied, to_uint8
from ganlib.flags import exact
from ganlib.initial import initial_weights
from ganlib.losses import Loss, regularisers
from ganlib.losses.labels import Labeller
from ganlib.models.conditioning import joined
from ganlib.models.discriminator_parts import give_random
from ganlib.models.family import Family
from ganlib.names import FAMILIES, LOSSES
from ganlib.steps.averaging import Averaging
from ganlib.steps.capture import player
from ganlib.steps.judging import Judge
from ganlib.steps.means import Means
from ganlib.steps.numbers import Numbers
from ganlib.steps.optimizers import improve, optimizer, set_betas, set_rate
from ganlib.steps.precision import autocast
from ganlib.steps.step import Step
from ganlib.steps.stream import Labelled
from ganlib.transfers import sent


class AdversarialStep(Step):
    """A training step: generator, discriminator, their optimizers and the average of the generator's weights.

    A family that trains in a way of its own names a subclass in its entry (`ganlib.names.FamilyEntry.step`), which
    replaces one of

    - ``schedule``: also set what depends on the time, such as how far a network has grown;
    - ``_train``: what one step is, of the same halves;
    - ``_generate``: how a batch of pictures is made from random numbers;
    - ``_real``: how real pictures are prepared;
    - ``_generator_penalty``: a term beside the generator's loss.

    All randomness comes from ``self.random``; what changes in training is a tensor on the device and is named in
    ``_MODULES`` or ``_TENSORS``, so that it is in checkpoints; ``self.steps`` counts the steps taken. ``_TERMS`` names
    the fields of `Means` that only this step has.

    Args:
        data: for the size and the channels of the pictures.
        model: the networks.
        train: losses, rates and tricks.
        seed: of the initial weights and all random numbers of training.
        device: where everything lives.
        classes: how many the pictures have; 0 without labels. Generated pictures have the class of the real one beside
            which they stand in the batch: so classes come as often as in the data, and what compares the two one by one
            (``rpgan``, ``wgan-gp``) compares within a class.
    """

    classes: Tensor | None = None
    """The numbers of the classes of the batch, ``(batch,)``; None without labels."""
    landmarks: Tensor | None = None
    """Points of each photograph, for translators that look at them, ``(photos, k, 2)``."""
    _MODULES: tuple[str, ...] = (
        "generator",
        "discriminator",
        "average",
        "optimizer_g",
        "optimizer_d",
        "view",
    )
    _TENSORS: tuple[str, ...] = ("sums",)
    _TERMS: tuple[str, ...] = ()

    def __init__(
        self,
        data: DataConfig,
        model: ModelConfig,
        train: TrainConfig,
        seed: int,
        device: torch.device,
        classes: int = 0,
    ) -> None:
        self.device, self.train_config, self.latent_dim = device, train, model.latent_dim
        self.size = data.size
        self.loss: Loss = LOSSES[train.loss].load().of(train)
        self.numbers = Numbers(train, device)
        self.critic_steps = train.d_steps or train.critic_steps or self.loss.critic_steps
        family: Family = FAMILIES[model.family].load()
        with initial_weights(seed):
            generator = family.generator(model, data.size, data.channels, classes)
            norm = model.d_norm or self.loss.norm
            discriminator = family.discriminator(model, data.size, norm, data.channels, classes)
        layout: dict[str, Any] = {"device": device, "memory_format": torch.channels_last}
        self.generator: nn.Module = generator.to(**layout)
        self.discriminator: nn.Module = discriminator.to(**layout)
        for weight in family.first(self.discriminator, model.freeze_d) if model.freeze_d else ():
            weight.requires_grad_(False)
        self.average: nn.Module = deepcopy(self.generator).eval().requires_grad_(False)
        lr_g, lr_d = value_at(train.lr_g, 0.0), value_at(train.lr_d, 0.0)
        self.optimizer_g = optimizer(train.optimizer, self.generator, lr_g, train, device)
        name_d = train.optimizer_d or train.optimizer
        self.optimizer_d = optimizer(name_d, self.discriminator, lr_d, train, device)
        self.random = torch.Generator(device).manual_seed(seed)
        for network in (self.generator, self.discriminator):
            give_random(network, self.random)
        self.view = View(train, self.random, device)
        self._autocast = partial(autocast, train.precision, device)
        self.judge = Judge(
            self.loss,
            [*self.loss.regularisers(train), *regularisers.of_spec(train, self.numbers)],
            Labeller(train, self.numbers["smoothing"], self.random, device),
            self.view,
            self.random,
            self._autocast,
        )
        self.augment_p = self.numbers["augment_p"]
        self.equalize_p = self.numbers["equalize_p"]
        self.averaging = Averaging(self.average, self.generator)
        self.sums = torch.zeros(7 + len(self._TERMS), dtype=torch.float64, device=device)
        self.seed, self.steps = seed, 0
        self.player = player(train.capture, device, self.random)

    @property
    def pictures_per_step(self) -> int:
        """Real pictures that one step shows to the discriminator."""
        return self.train_config.batch_size * self.critic_steps

    @property
    def pretraining(self) -> bool:
        """Whether the generator does not yet learn what it is judged by."""
        return False

    def schedule(
        self, kimg: float, lr_factor: float = 1.0, progress: float = 0.0, epoch: float = math.inf
    ) -> None:
        """Set what depends on the time.

        Args:
            kimg: Thousands of pictures that the networks will have been trained on after the next step.
            lr_factor: What both learning rates are multiplied by.
            progress: The share of the budget that is spent, from 0 to 1.
            epoch: What they were trained on before it, in passes over all pictures.
        """
        train = self.train_config
        for one, lr in ((self.optimizer_g, train.lr_g), (self.optimizer_d, train.lr_d)):
            set_rate(one, value_at(lr, progress) * lr_factor)
            set_betas(one, (train.betas[0], value_at(train.betas[1], progress)))
        self.numbers.schedule(progress)
        self.averaging.schedule(self.pictures_per_step / 1000, kimg, value_at(train.ema_kimg, progress))
        self.view.schedule(progress)

    def due(self) -> Hashable:
        """Give the terms that are due in the next step, those that come at every few steps."""
        first = self.steps * self.critic_steps
        numbers = range(first, first + self.critic_steps)
        return tuple((*self.judge.due(number), self.view.due(number)) for number in numbers)

    def _train(self, batches: Iterator[Any]) -> None:
        """Train both networks on batches ``(batch, c, size, size)``, uint8, or `Labelled` ones."""
        for number in range(self.critic_steps):
            batch = next(batches)
            if isinstance(batch, Labelled):
                batch, self.classes = batch
            # Only the last one's pictures teach the generator.
            with torch.set_grad_enabled(number == self.critic_steps - 1):
                fake = self._generate()
            number += self.steps * self.critic_steps
            real = self._real(batch)
            loss_d, real_out, fake_out = self._discriminator_half(real, fake, number)
        loss_g = self._generator_half(fake, real)
        self.averaging.update()
        self._count(loss_g.detach(), loss_d.detach(), real_out.detach(), fake_out.detach())

    def _count(
        self, loss_g: Tensor, loss_d: Tensor, real_out: Tensor, fake_out: Tensor, terms: Sequence[Tensor] = ()
    ) -> None:
        """Add to the sums behind `read_means`; ``terms`` are those that `_TERMS` names."""
        score, boundary = self.loss.score, self.loss.boundary(real_out, fake_out)
        right_real, right_fake = (real_out > boundary).float().mean(), (fake_out < boundary).float().mean()
        scores = [score(real_out).mean(), score(fake_out).mean(), right_real, right_fake]
        one = torch.ones((), device=self.device)
        self.sums += torch.stack([loss_g, loss_d, *scores, one, *terms])

    def _generate(self) -> Tensor:
        """Generate pictures ``(batch, c, size, size)`` for training."""
        inputs = self._inputs(self.train_config.batch_size)
        with self._autocast():
            pictures: Tensor = self.generator(inputs)
        return pictures

    def _inputs(self, count: int) -> Tensor:
        """Draw what a generator of latents is given: latents, with the first classes of the batch where it has some."""
        latents = torch.randn((count, self.latent_dim), generator=self.random, device=self.device)
        return latents if self.classes is None else joined(latents, self.classes[:count])

    def _real(self, batch: Tensor) -> Tensor:
        """Convert real pictures, uint8, to what the discriminator gets: float32 in [-1, 1], augmented."""
        return self._prepared(batch)[0]

    def _prepared(self, batch: Tensor) -> tuple[Tensor, Tensor | None]:
        """Convert real pictures; also give which were mirrored, ``(batch,)``, or None where none can be."""
        train = self.train_config
        if train.equalize_p > 0:
            batch = random_equalize(batch, self.equalize_p, self.random)
        real = premultiplied(batch)
        if train.augment_p:
            return augmented(real, self.augment_p, self.random, train.augment)
        return real, None

    def _discriminator_half(
        self, real: Tensor, fake: Tensor, number: int = 0
    ) -> tuple[Tensor, Tensor, Tensor]:
        loss, real_out, fake_out = self.judge.judged(self.discriminator, real, fake, number, self.classes)
        self._improve_discriminator(loss)
        self.view.observe((real_out - self.loss.boundary(real_out, fake_out)).detach(), number)
        return loss, real_out, fake_out

    def _improve_discriminator(self, loss: Tensor) -> None:
        improve(self.optimizer_d, loss)
        self.judge.limit(self.discriminator)

    def _generator_half(self, fake: Tensor, real: Tensor) -> Tensor:
        loss = self.judge.deceiving(self.discriminator, fake, real, self.classes)
        penalty = self._generator_penalty()
        improve(self.optimizer_g, loss if penalty is None else loss + penalty)
        return loss

    def _generator_penalty(self) -> Tensor | None:
        """Compute a term to be added to the generator's loss at this step, or none."""
        return None

    def means(self) -> Means:
        """Return the means since they were last read; this waits for the device."""
        sums = self.sums.tolist()
        means = [value / max(sums[6], 1) for value in sums]
        return Means(*means[:6], **dict(zip(self._TERMS, means[7:], strict=True)))

    def read_means(self) -> Means:
        """Return the means since the last call, and start anew; this waits for the device."""
        means = self.means()
        self.sums.zero_()
        return means

    @torch.inference_mode()
    def sample(self, inputs: Tensor) -> Tensor:
        """Make pictures ``(n, c, size, size)`` uint8 with the averaged generator, of its inputs."""
        with exact(self.device), self._autocast():
            pictures = self.average(sent(inputs, self.device))
        return to_uint8(pictures)

    def sample_back(self, inputs: Tensor) -> Tensor:
        """Make pictures of the other domain; only for families that return."""
        raise NotImplementedError
