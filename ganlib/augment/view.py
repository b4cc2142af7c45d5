"""Change pictures, real or generated, to what the discriminator sees in both halves of a training step.

Instance noise: Sonderby et al., "Amortised MAP Inference for Image Super-resolution", 2016,
https://arxiv.org/abs/1610.04490, and Arjovsky & Bottou, "Towards Principled Methods for Training Generative
Adversarial Networks", 2017, https://arxiv.org/abs/1701.04862: noise blurs real and generated pictures into each
other, and fades as they come to agree.
"""

import torch
from torch import Tensor, nn

from ganlib.augment.ada import AdaptiveAugment
from ganlib.augment.diffaugment import diffaugment
from ganlib.config import TrainConfig


class View(nn.Module):
    """DiffAugment, ADA and instance noise, those that the spec asks for; without them pictures stay as they are.

    Args:
        train: ``diffaugment``, ``ada_target``, ``ada_kimg`` and ``instance_noise``.
        random: the RNG, on the device.
        device: where pictures are.
    """

    sigma: Tensor

    def __init__(self, train: TrainConfig, random: torch.Generator, device: torch.device) -> None:
        super().__init__()
        self.random, self.policies, self.noise = random, train.diffaugment, train.instance_noise
        self.register_buffer("sigma", torch.tensor(train.instance_noise))
        self.ada = AdaptiveAugment(train.ada_target, train.ada_kimg, random) if train.ada_target else None
        self.to(device)

    def forward(self, pictures: Tensor) -> Tensor:
        """Change pictures ``(n, 3 or 4, h, w)`` in [-1, 1] to what the discriminator is to see; gradients pass."""
        if not (self.policies or self.ada or self.noise):
            return pictures
        pictures = diffaugment(pictures.float(), self.policies, self.random)
        if self.ada:
            pictures = self.ada(pictures)
        if self.noise:
            shape = pictures.shape
            pictures = pictures + self.sigma * torch.randn(
                shape, generator=self.random, device=pictures.device
            )
        return pictures.contiguous(memory_format=torch.channels_last)

    def schedule(self, progress: float) -> None:
        """Let the noise fade: linear in the share of the budget that is spent, from 0 to 1."""
        self.sigma.fill_(self.noise * (1 - progress))

    def observe(self, surplus: Tensor, number: int) -> None:
        """Let ADA adapt; see `AdaptiveAugment.observe`."""
        if self.ada:
            self.ada.observe(surplus, number)

    def take_over(self, train: TrainConfig) -> None:
        """Fade the noise of another configuration, which has the other changes of this one."""
        self.noise = train.instance_noise

    def due(self, number: int) -> bool:
        """Say whether ADA's probability changes at a step of the discriminator."""
        return self.ada is not None and self.ada.due(number)
