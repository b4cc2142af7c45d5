"""Judge pictures: the losses of both halves of a step, with the discriminator's penalties and limits."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganlib.augment.view import View
from ganlib.losses import Loss
from ganlib.losses.labels import Labeller
from ganlib.losses.regularisers import Penalty, Regulariser, slope
from ganlib.slopes.passes import Sloped


class Judge:
    """What a discriminator is trained by, and what it teaches a generator.

    Args:
        loss: The adversarial loss.
        regularisers: Penalties that are added to the discriminator's loss, and limits on its weights.
        labels: Draws what the loss compares the discriminator's outputs with.
        view: What the discriminator sees of pictures.
        random: The RNG of penalties, on the pictures' device.
        autocast: Makes the context in which networks compute.
    """

    def __init__(
        self,
        loss: Loss,
        regularisers: Sequence[Regulariser],
        labels: Labeller,
        view: View,
        random: torch.Generator,
        autocast: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self.loss, self.regularisers, self.labels, self.view = loss, regularisers, labels, view
        self.penalties = [term for term in regularisers if isinstance(term, Penalty)]
        self._random, self._autocast = random, autocast

    def due(self, number: int) -> tuple[bool, ...]:
        """Say which penalties come at a step of the discriminator."""
        return tuple(number % term.every == 0 for term in self.penalties)

    def judged(
        self,
        discriminator: nn.Module,
        real: Tensor,
        fake: Tensor,
        number: int,
        classes: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute a discriminator's loss, with its penalties, and its outputs on real and generated pictures.

        Args:
            discriminator: Pictures, and with classes also their numbers, to values.
            real: ``(n, c, h, w)``, float32 in [-1, 1].
            fake: ``(k * n, c, h, w)``.
            number: Of the discriminator's step, from 0 on: some penalties come at every few steps.
            classes: The numbers of the classes of both, ``(n,)``; None without labels.
        """

        def outputs(pictures: Tensor, sloped: bool) -> tuple[Tensor, Tensor]:
            return self._outputs(discriminator, pictures, classes, sloped)

        due = [term for term, now in zip(self.penalties, self.due(number), strict=True) if now]
        sloped = {term.at for term in due}
        with parametrize.cached():  # all passes see one weight, which is divided by its norm once
            real, real_out = outputs(real, "real" in sloped)
            fake, fake_out = outputs(fake.detach(), "fake" in sloped)
            loss = self.loss.discriminator(
                real_out, fake_out, self.labels.draw(real_out.shape, fake_out.shape)
            )
            for term in due:
                if term.at == "own":
                    ends = real, fake[: len(real)].float()
                    value = term.penalty(lambda points: outputs(points, True)[1], *ends, self._random)
                else:
                    value = term.term(slope(real_out, real) if term.at == "real" else slope(fake_out, fake))
                loss = loss + term.every * value
        return loss, real_out, fake_out

    def deceiving(
        self, discriminator: nn.Module, fake: Tensor, real: Tensor, classes: Tensor | None = None
    ) -> Tensor:
        """Compute the generator's adversarial loss of generated pictures, beside the discriminator's last real ones."""
        # Frozen on the way forward, the discriminator's weights get no gradient on the way back. To name the
        # inputs of `backward` is not enough: an autograd function of our own would compute and drop them.
        learning = [weight for weight in discriminator.parameters() if weight.requires_grad]
        try:
            for weight in learning:
                weight.requires_grad_(False)
            with parametrize.cached():
                _, out = self._outputs(discriminator, fake, classes, sloped=False)
                loss = self.loss.generator(
                    out, lambda: self._outputs(discriminator, real, classes, sloped=False)[1]
                )
        finally:
            for weight in learning:
                weight.requires_grad_(True)
        return loss

    def limit(self, discriminator: nn.Module) -> None:
        """Change the weights after a step of the discriminator's optimizer."""
        for regulariser in self.regularisers:
            regulariser.limit(discriminator)

    def _outputs(
        self, discriminator: nn.Module, pictures: Tensor, classes: Tensor | None, sloped: bool
    ) -> tuple[Tensor, Tensor]:
        """Let the discriminator look at pictures through the view.

        Where slopes are wanted, one pass serves the loss and the penalty, in float32: a penalty's second derivative in
        bfloat16 is mostly noise.

        Returns:
            The pictures before the view, float32 and ready for `slope` where slopes are wanted, and the outputs on
            them, float32.
        """
        if sloped and not pictures.requires_grad:
            pictures = pictures.detach().float().requires_grad_(True)
        told = () if classes is None else (classes,)
        seen = self.view(pictures)  # in float32: bfloat16 does not tell where pixels move to
        with Sloped() if sloped else self._autocast():
            return pictures, discriminator(seen, *told).float()
