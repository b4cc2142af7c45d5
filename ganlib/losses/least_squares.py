"""Least squares between the discriminator's outputs and their labels.

Mao et al., "Least Squares Generative Adversarial Networks", 2016, https://arxiv.org/abs/1611.04076, equations 2
and 9. The paper's a and b are the labels of fake and real pictures, c is what the generator wants for its own;
its two choices are a, b, c = 0, 1, 1 (the default) and -1, 1, 0, which minimises Pearson's chi-squared.
"""

from typing import ClassVar, Self

from torch import Tensor

from ganlib.config import TrainConfig
from ganlib.losses import Labels, Loss, Outputs


class LeastSquares(Loss):
    """E[(D(x) - b)^2] / 2 + E[(D(G(z)) - a)^2] / 2, and E[(D(G(z)) - c)^2] / 2 for the generator.

    Args:
        a: The label of fake pictures.
        b: The label of real ones.
        c: The label that the generator wants for its pictures.
    """

    factor: ClassVar[float] = 0.5

    def __init__(self, a: float = 0.0, b: float = 1.0, c: float = 1.0) -> None:
        self.a, self.b, self.c = a, b, c

    @classmethod
    def of(cls, train: TrainConfig) -> Self:
        """Make the loss with the spec's ``label_fake``, ``label_real`` and ``label_g``."""
        return cls(train.label_fake, train.label_real, train.label_g)

    def discriminator(self, real: Tensor, fake: Tensor, labels: Labels) -> Tensor:
        """Compute the squared distances from the labels, which are a and b before any noise on them."""
        on_real = self.factor * (real - labels.real).square().mean()
        return labels.smoothing * on_real + self.factor * (fake - labels.fake).square().mean()

    def generator(self, fake: Tensor, real: Outputs) -> Tensor:
        """Compute the squared distance from c."""
        return self.factor * (fake - self.c).square().mean()

    def boundary(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the point half-way between a and b."""
        return real.new_full((), (self.a + self.b) / 2)


class MeanSquares(LeastSquares):
    """`LeastSquares` without the factors of 1/2: the mean squared error that the studies took from their libraries.

    Adam, RMSProp and Adagrad divide a factor out again; under SGD it doubles the learning rate.
    """

    factor: ClassVar[float] = 1.0
