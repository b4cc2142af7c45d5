"""Augment all that the discriminator sees, adaptively: as much as overfitting asks for.

Karras et al., "Training Generative Adversarial Networks with Limited Data", 2020, https://arxiv.org/abs/2006.06676:
what the discriminator sees, real or generated, goes through pixel blitting, geometric and colour changes, each
with probability p. p rises while the discriminator is surer of real pictures than ``target`` (the mean sign of its
outputs, r_t of section 3) and falls otherwise. Unlike there, the geometric change is one bilinear lookup without
the wavelet filters of appendix B.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganlib.augment.lookup import look_up
from ganlib.augment.real import around_grey, of_channels
from ganlib.data.alpha import joined, parts

INTERVAL = 4
"""Steps of the discriminator from one change of p to the next."""


class AdaptiveAugment(nn.Module):
    """Changes of pictures with probability ``p``, a buffer, as are the signs counted since ``p`` last changed.

    Args:
        target: the mean sign of real outputs to hold, in (0, 1); the paper's 0.6.
        kimg: thousands of real pictures in which p can go from 0 to 1; the paper's 500.
        random: the RNG, on the device.
    """

    p: Tensor
    sign_sum: Tensor

    def __init__(self, target: float, kimg: float, random: torch.Generator) -> None:
        super().__init__()
        self.target, self.kimg, self.random = target, kimg, random
        self.register_buffer("p", torch.zeros(()))
        self.register_buffer("sign_sum", torch.zeros(()))

    def due(self, number: int) -> bool:
        """Say whether p changes at a step of the discriminator."""
        return number % INTERVAL == INTERVAL - 1

    def observe(self, surplus: Tensor, number: int) -> None:
        """Adapt p.

        Args:
            surplus: how far the outputs for real pictures ``(n,)`` are above those taken for fake.
            number: of the discriminator's step, from 0.
        """
        self.sign_sum += surplus.sign().mean() / INTERVAL
        if self.due(number):
            change = len(surplus) * INTERVAL / (self.kimg * 1000)
            self.p.add_((self.sign_sum - self.target).sign() * change).clamp_(0, 1)
            self.sign_sum.zero_()

    def forward(self, pictures: Tensor) -> Tensor:
        """Change pictures ``(n, 3 or 4, s, s)`` float in [-1, 1]; gradients pass, colours may leave the range."""
        return self._recolour(self._move(pictures))

    def _chosen(self, n: int, p: Tensor) -> Tensor:
        return self._uniform(n) < p

    def _uniform(self, n: int) -> Tensor:
        return torch.rand((n,), generator=self.random, device=self.p.device)

    def _normal(self, n: int) -> Tensor:
        return torch.randn((n,), generator=self.random, device=self.p.device)

    def _move(self, pictures: Tensor) -> Tensor:
        """Blit and move, by one matrix a picture from points of the result to points of the source."""
        n, _, side, _ = pictures.shape
        one, zero = torch.ones(n, device=pictures.device), torch.zeros(n, device=pictures.device)
        p, rotate_p = self.p, 1 - (1 - self.p).sqrt()  # two rotations: one of them comes with probability p
        mirror = torch.where(self._chosen(n, p), 1 - 2 * (self._uniform(n) < 0.5).float(), one)
        quarters = torch.where(self._chosen(n, p), (4 * self._uniform(n)).floor(), zero)
        # Coordinates run from -1 to 1, two sides of a pixel are 2 / side: a shift of whole pixels.
        moves = [((2 * self._uniform(n) - 1) * 0.125 * side).round() * 2 / side for _ in "xy"]
        shift = torch.where(self._chosen(n, p), torch.stack(moves), zero)
        scale = torch.where(self._chosen(n, p), torch.exp2(0.2 * self._normal(n)), one)
        before = torch.where(self._chosen(n, rotate_p), math.pi * (2 * self._uniform(n) - 1), zero)
        squeeze = torch.where(self._chosen(n, p), torch.exp2(0.2 * self._normal(n)), one)
        after = torch.where(self._chosen(n, rotate_p), math.pi * (2 * self._uniform(n) - 1), zero)
        slide = torch.where(self._chosen(n, p), 0.25 * torch.stack([self._normal(n), self._normal(n)]), zero)
        steps = [
            _scaling(mirror, one),
            _turn(quarters * math.pi / 2),
            _shift(*shift),
            _scaling(scale, scale),
            _turn(before),
            _scaling(squeeze, 1 / squeeze),
            _turn(after),
            _shift(*slide),
        ]
        matrix = steps[0]
        for step in steps[1:]:
            matrix = matrix @ step
        grid = F.affine_grid(matrix[:, :2], list(pictures.shape), align_corners=False)
        moved = look_up(pictures, grid)
        still = (matrix == torch.eye(3, device=matrix.device)).all(2).all(1)
        return torch.where(still[:, None, None, None], pictures, moved)

    def _recolour(self, pictures: Tensor) -> Tensor:
        """Change brightness, contrast, the sign of the luma, hue and saturation, by one matrix a picture."""
        n, device = len(pictures), pictures.device
        one, zero = torch.ones(n, device=device), torch.zeros(n, device=device)
        brightness = torch.where(self._chosen(n, self.p), 0.2 * self._normal(n), zero)
        contrast = torch.where(self._chosen(n, self.p), torch.exp2(0.5 * self._normal(n)), one)
        luma = torch.where(self._chosen(n, self.p), 1 - 2 * (self._uniform(n) < 0.5).float(), one)
        hue = torch.where(self._chosen(n, self.p), math.pi * (2 * self._uniform(n) - 1), zero)
        saturation = torch.where(self._chosen(n, self.p), torch.exp2(self._normal(n)), one)
        grey = torch.full((3, 3), 1 / 3, device=device)
        colour = torch.eye(3, device=device) - grey
        along = luma[:, None, None] * grey + saturation[:, None, None] * (colour @ around_grey(hue))
        seen, alpha = parts(pictures)
        matrix, _ = of_channels(contrast[:, None, None] * along, brightness[:, None], seen.shape[1])
        pixels = (seen + brightness[:, None, None, None] * alpha).permute(0, 2, 3, 1).flatten(1, 2)
        mixed = (pixels @ matrix.transpose(1, 2)).unflatten(1, pictures.shape[2:]).permute(0, 3, 1, 2)
        mixed = joined(mixed, alpha)
        still = (brightness == 0) & (contrast == 1) & (luma == 1) & (hue == 0) & (saturation == 1)
        return torch.where(still[:, None, None, None], pictures, mixed)


def _matrix(rows: list[list[Tensor]]) -> Tensor:
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix([[x, zero, zero], [zero, y, zero], [zero, zero, one]])


def _turn(angle: Tensor) -> Tensor:
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    cos, sin = torch.cos(angle), torch.sin(angle)
    return _matrix([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])


def _shift(x: Tensor, y: Tensor) -> Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix([[one, zero, x], [zero, one, y], [zero, zero, one]])
