"""Make the pictures by which a generator is measured, part by part, from one list of inputs."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor, cat

from ganlib.metrics import Extremes, Score, TranslationEvaluator
from ganlib.metrics.translation.score import PAIRS, Pairs
from ganlib.models.inputs import ClassLatents, Inputs, Photos, Pictures, Use
from ganlib.models.sheets import Make, Sheet, class_sheet, sheet_of, translation_sheet
from ganlib.names import Extent

PART = 32
"""Pairs that are made at once."""


class Scorer(Protocol):
    """What training needs of an evaluator; `ganlib.metrics.Evaluator` is one."""

    def extremes(self, n_fake: int) -> Extremes:
        """Measure what real pictures are at their worst, where ``n_fake`` generated ones are judged."""

    def score(
        self, generate: Callable[[int], Tensor], n_fake: int, extent: Extent, classes: Tensor | None = None
    ) -> Score:
        """Measure ``n_fake`` pictures that ``generate(count)`` returns part by part, by as many metrics.

        With the numbers of their ``classes``, ``(n_fake,)``, also each class by itself.
        """


class Making:
    """A generator at work: each call makes the next pictures; they do not depend on how it is called.

    Args:
        make: The generator.
        inputs: What it is given.
        use: Which of their lists.
        alive: Called before every part; what it raises ends the work.
    """

    def __init__(self, make: Make, inputs: Inputs, use: Use, alive: Callable[[], None]) -> None:
        self.make, self.inputs, self.use, self.alive = make, inputs, use, alive
        self.made = 0

    def __call__(self, count: int) -> Tensor:
        """Make the next ``count`` pictures."""
        self.alive()
        pictures = self.make(self.inputs.take(count, self.use, self.made))
        self.made += count  # only now: where memory ran out, these inputs are asked for again
        return pictures

    def sheet(self, made: Tensor) -> Sheet:
        """Arrange what people look at.

        Args:
            made: Pictures of the first inputs, uint8 ``(n, c, size, size)``, on any device.
        """
        if isinstance(self.inputs, ClassLatents):
            return class_sheet(self.make, self.inputs, self.use)
        return sheet_of(made)

    def classes(self, count: int) -> Tensor | None:
        """Give the numbers of the classes of the first ``count`` pictures; None without labels."""
        return self.inputs.numbers(count) if isinstance(self.inputs, ClassLatents) else None


class Translation(Making):
    """A translator at work, a `ganlib.metrics.Translating`.

    Args:
        forth: Makes drawings.
        back: Makes photographs; None where that is not learned.
        photos: What drawings are made of, and the drawings of the way back.
        use: Which of their lists.
        alive: Called before every part.
    """

    def __init__(
        self, forth: Make, back: Make | None, photos: Photos, use: Use, alive: Callable[[], None]
    ) -> None:
        super().__init__(forth, photos, use, alive)
        self._back, self._photos = back, photos
        self._first: list[Tensor] = []

    def __call__(self, count: int) -> Tensor:
        """Make the next ``count`` drawings; the first ones are kept for `pairs`."""
        first = max(PAIRS - self.made, 0)
        drawings = super().__call__(count)
        self._first += [drawings[:first]] if first else []
        return drawings

    def pairs(self, count: int) -> Pairs:
        """Give the first photographs of the list, and what becomes of them."""
        parts = list(self._first)
        for start in range(sum(map(len, parts)), count, PART):
            self.alive()
            parts.append(self.make(self._photos.take(min(PART, count - start), self.use, start)))
        drawn = cat(parts)[:count]
        photos = self._photos.first(count, self.use, drawn.device)
        return Pairs(photos, drawn, None if self._back is None else self._returned(self._back, drawn))

    def _returned(self, back: Make, drawn: Tensor) -> Tensor:
        returned = []
        for part in drawn.split(PART):
            self.alive()
            returned.append(back(Pictures.as_input(part)))
        return cat(returned)

    def sheet(self, made: Tensor) -> Sheet:
        """Arrange both domains, there and back again; ``made`` is not needed."""
        return translation_sheet(self.make, self._back, self._photos, self.use)

    def back(self) -> Making | None:
        """Give the other direction at work; None where it is not learned."""
        if self._back is None:
            return None
        return Making(self._back, self._photos.drawings, self.use, self.alive)


def at_work(make: Make, back: Make | None, inputs: Inputs, use: Use, alive: Callable[[], None]) -> Making:
    """Put a generator to work on a list of inputs."""
    if isinstance(inputs, Photos):
        return Translation(make, back, inputs, use, alive)
    return Making(make, inputs, use, alive)


def measured(evaluator: Scorer | TranslationEvaluator, work: Making, n_fake: int, extent: Extent) -> Score:
    """Measure a generator at work to some extent; each class by itself for results alone.

    Raises:
        NonFiniteError: if a feature is not finite.
    """
    if isinstance(evaluator, TranslationEvaluator):
        assert isinstance(work, Translation), "a translator is measured with photographs"
        return evaluator.score(work, n_fake, extent)
    classes = work.classes(n_fake) if extent == "full" or work.use == "result" else None
    if classes is None:
        return evaluator.score(work, n_fake, extent)
    return evaluator.score(work, n_fake, extent, classes)
