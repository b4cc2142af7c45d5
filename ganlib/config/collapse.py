"""The section ``collapse``: when a run is called dead."""

from typing import Literal

from pydantic import Field

from ganlib.config.section import Section


class CollapseConfig(Section):
    """When a run is called dead; `ganlib.training.collapse` says what each number is compared with."""

    enabled: bool = True
    """Whether runs are judged; losses and pictures that are not finite end a run in any case."""
    policy: Literal["stop", "rollback"] = "stop"
    """What becomes of a dead run: its end, or going on from its last healthy checkpoint with fresh noise and smaller
    learning rates."""
    lr_factor: float = Field(0.5, gt=0, le=1)
    """Factor on both learning rates after each rollback."""
    max_rollbacks: int = Field(1, ge=1, le=100)
    """Rollbacks of one run before it ends."""
    patience: int = Field(2, ge=1)
    """Evaluations in a row at which a rule must be broken."""
    warmup_steps: int = Field(200, ge=0)
    """Steps of the generator before which no run is judged."""
    saturated_score: float = Field(0.995, gt=0.5, lt=1)
    """The discriminator is sure: its mean score is above this on real and below 1 less this on generated pictures; only
    where scores are probabilities."""
    similarity: float = Field(0.75, gt=0, le=1)
    """The pictures are alike: their mean pairwise similarity (MS-SSIM, Wang 2003) has gone this share of the way from
    that of real pictures to 1."""
    variety: float = Field(0.05, ge=0, lt=1)
    """The pictures are alike: the variety of their features (Vendi score, Friedman 2023) is below this, from 0, none,
    to 1, that of real pictures."""
    flat_std: float = Field(0.05, ge=0, lt=1)
    """The pictures are flat: their pixels' standard deviation is below this share of that of real pictures."""
    blowup: float = Field(5.0, gt=1)
    """The metric is more than this many times the best that the run has had."""
    identity_change: float = Field(0.3, ge=0, lt=1)
    """A translator is an identity: its drawings differ from their photographs by less than this share of what unrelated
    ones do."""
    identity_kid: float = Field(0.6, gt=0)
    """And the KID of its drawings is above this share of that of the photographs as they are."""
    inverted: float = Field(0.4, gt=0, lt=1)
    """A translator makes negatives: the correlation of its drawings' luminance with that of the photographs has gone
    this share of the way from 0, or from that of unrelated ones where it is below, to -1."""
