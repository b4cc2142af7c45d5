"""One training step of a generator against a discriminator.

What makes it fast: the step never waits for the device (losses and scores are summed on it and read at
evaluations), the discriminator's weights get no gradient in the generator's half, pictures and weights are
channels-last, convolutions run in bfloat16 where the hardware has it, and Adam is one fused kernel.
Everything that changes during training (learning rates, smoothing, augmentation probability, the average's
decay) is a tensor on the device, so that a step's kernels are the same from the first to the last.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganlib.augment import augment
from ganlib.config import FAMILIES, LOSSES, DataConfig, ModelConfig, TrainConfig
from ganlib.losses import Loss, gradient_penalty
from ganlib.precision import autocast

EMA_RAMP = 0.05
"""The average's half-life is at most this share of what was trained so far (StyleGAN2's ramp-up)."""


@dataclass(frozen=True)
class Means:
    """Means over the steps since they were last read."""

    loss_g: float
    loss_d: float
    score_real: float
    score_fake: float


def _adam(module: nn.Module, lr: float, betas: tuple[float, float], device: torch.device) -> torch.optim.Adam:
    rate = torch.tensor(lr, device=device)
    capturable = device.type == "cuda"
    return torch.optim.Adam(module.parameters(), lr=rate, betas=betas, fused=True, capturable=capturable)


class AdversarialStep:
    """Generator, discriminator, their optimizers and the average of the generator's weights.

    Args:
        data: for the size of the pictures.
        model: the networks.
        train: losses, rates and tricks.
        seed: of the initial weights and all random numbers of training.
        device: where everything lives.
    """

    def __init__(
        self, data: DataConfig, model: ModelConfig, train: TrainConfig, seed: int, device: torch.device
    ) -> None:
        self.device, self.train_config, self.latent_dim = device, train, model.latent_dim
        self.loss: Loss = LOSSES[train.loss]()
        self.critic_steps = train.critic_steps or self.loss.critic_steps
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the GPUs as well
            generator, discriminator = FAMILIES[model.family](model, data.size, self.loss.norm)
        layout = {"device": device, "memory_format": torch.channels_last}
        self.generator: nn.Module = generator.to(**layout)
        self.discriminator: nn.Module = discriminator.to(**layout)
        self.average: nn.Module = deepcopy(self.generator).eval().requires_grad_(False)
        self.optimizer_g = _adam(self.generator, train.lr_g, train.betas, device)
        self.optimizer_d = _adam(self.discriminator, train.lr_d, train.betas, device)
        self.random = torch.Generator(device).manual_seed(seed)
        self.smoothing = torch.tensor(train.smoothing, device=device)
        self.augment_p = torch.tensor(train.augment_p, device=device)
        self.keep = torch.zeros((), device=device)
        self.sums = torch.zeros(5, dtype=torch.float64, device=device)

    @property
    def pictures_per_step(self) -> int:
        """Real pictures that one step shows to the discriminator."""
        return self.train_config.batch_size * self.critic_steps

    def schedule(self, kimg: float, decays: int) -> None:
        """Set what depends on the time: learning rates after ``decays`` milestones, the average's decay."""
        train = self.train_config
        factor = train.gamma**decays
        self.optimizer_g.param_groups[0]["lr"].fill_(train.lr_g * factor)
        self.optimizer_d.param_groups[0]["lr"].fill_(train.lr_d * factor)
        half_life = min(train.ema_kimg, EMA_RAMP * kimg)
        self.keep.fill_(0.5 ** (self.pictures_per_step / 1000 / half_life) if half_life else 0.0)

    def __call__(self, batches: Iterator[Tensor]) -> None:
        """Train on ``critic_steps`` batches ``(batch, 3, size, size)``, uint8, on the device."""
        for remaining in reversed(range(self.critic_steps)):
            with torch.set_grad_enabled(remaining == 0):  # only the last one's pictures teach the generator
                fake = self._generate()
            loss_d, real_out, fake_out = self._discriminator_half(next(batches), fake)
        loss_g = self._generator_half(fake)
        self._update_average()
        score = self.loss.score
        one = torch.ones((), device=self.device)
        values = [loss_g, loss_d, score(real_out).mean(), score(fake_out).mean(), one]
        self.sums += torch.stack([value.detach() for value in values])

    def _generate(self) -> Tensor:
        shape = (self.train_config.batch_size, self.latent_dim)
        latents = torch.randn(shape, generator=self.random, device=self.device)
        with self._autocast():
            pictures: Tensor = self.generator(latents)
        return pictures

    def _discriminator_half(self, batch: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        real = batch.float().div_(127.5).sub_(1)
        if self.train_config.augment_p > 0:
            real = augment(real, self.augment_p, self.random)
        fake = fake.detach()
        with self._autocast():
            real_out = self.discriminator(real).float()
            fake_out = self.discriminator(fake).float()
        loss = self.loss.discriminator(real_out, fake_out, self.smoothing)
        if self.loss.penalised:
            # The penalty's second derivative is taken in float32: in bfloat16 it is mostly noise.
            penalty = gradient_penalty(self.discriminator, real, fake.float(), self.random)
            loss = loss + self.train_config.gp_weight * penalty
        self.optimizer_d.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer_d.step()
        return loss, real_out, fake_out

    def _generator_half(self, fake: Tensor) -> Tensor:
        # Frozen on the way forward, the discriminator's weights get no gradient on the way back. To name the
        # inputs of `backward` is not enough: an autograd function of our own would compute and drop them.
        self.discriminator.requires_grad_(False)
        with self._autocast():
            out = self.discriminator(fake).float()
        self.discriminator.requires_grad_(True)
        loss = self.loss.generator(out)
        self.optimizer_g.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer_g.step()
        return loss

    @torch.no_grad()
    def _update_average(self) -> None:
        """Move the average to the generator's weights and batch statistics: avg = w + keep * (avg - w)."""
        for kind in ("parameters", "buffers"):
            pairs = zip(getattr(self.average, kind)(), getattr(self.generator, kind)(), strict=True)
            floats = [(a, w) for a, w in pairs if a.is_floating_point()]
            averages, weights = [a for a, _ in floats], [w for _, w in floats]
            torch._foreach_sub_(averages, weights)
            torch._foreach_mul_(averages, self.keep)
            torch._foreach_add_(averages, weights)

    def _autocast(self) -> Any:  # noqa: ANN401 - torch types its context managers so
        return autocast(self.train_config.precision, self.device)

    def read_means(self) -> Means:
        """The means since the last call, and start anew. This waits for the device."""
        *sums, count = self.sums.tolist()
        self.sums.zero_()
        loss_g, loss_d, score_real, score_fake = (value / max(count, 1) for value in sums)
        return Means(loss_g, loss_d, score_real, score_fake)

    @torch.inference_mode()
    def sample(self, latents: Tensor) -> Tensor:
        """Pictures ``(n, 3, size, size)`` uint8 of the averaged generator; latents ``(n, latent_dim)``."""
        with self._autocast():
            pictures = self.average(latents.to(self.device))
        return to_uint8(pictures)

    _MODULES = ("generator", "discriminator", "average", "optimizer_g", "optimizer_d")

    def state(self) -> dict[str, Any]:
        """A copy of all that training depends on, as nested dicts of tensors and numbers."""
        parts: dict[str, Any] = {name: getattr(self, name).state_dict() for name in self._MODULES}
        return deepcopy(parts | {"random": self.random.get_state(), "sums": self.sums})

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on exactly where `state` was taken."""
        for name in self._MODULES:
            # Optimizers keep the tensors they are given; a copy leaves the state whole for another use.
            getattr(self, name).load_state_dict(deepcopy(state[name]))
        self.random.set_state(state["random"].cpu())
        self.sums.copy_(state["sums"])


def to_uint8(pictures: Tensor) -> Tensor:
    """Pictures in [-1, 1] of any float type, rounded to uint8 in [0, 255]. NaN becomes 0."""
    return pictures.float().mul(127.5).add(127.5).round().clamp(0, 255).nan_to_num(0).to(torch.uint8)
