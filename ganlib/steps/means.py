"""The means of losses and scores over the steps of an interval."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Means:
    """Means over the steps since they were last read."""

    loss_g: float
    loss_d: float
    score_real: float
    score_fake: float
    accuracy_real: float
    """The share of real pictures that the discriminator takes for real."""
    accuracy_fake: float
    """The share of generated pictures that it takes for generated."""
    loss_cycle: float | None = None
    """Distance of pictures from themselves after both generators; this and what follows only where it is learned."""
    loss_identity: float | None = None
    """Distance of drawings, and photographs, from what the generator of their own domain makes of them."""
    loss_content: float | None = None
    """Distance of drawings from their photographs by features."""
    loss_style: float | None = None
    """Distance of generated drawings from drawings by correlations of features."""

    @property
    def finite(self) -> bool:
        """Whether the losses and the scores are numbers: a run whose are not is dead."""
        terms = (self.loss_cycle, self.loss_identity, self.loss_content, self.loss_style)
        values = (self.loss_g, self.loss_d, self.score_real, self.score_fake, *terms)
        return all(value is None or math.isfinite(value) for value in values)
