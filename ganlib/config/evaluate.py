"""The section ``evaluate``: how a generator is measured."""

from typing import Annotated

from pydantic import Field

from ganlib.config.section import Section, Unit, known
from ganlib.names import EXTRACTORS


class EvaluateConfig(Section):
    """How a generator is measured; see [metrics.md](metrics.md)."""

    extractor: Annotated[str, known(EXTRACTORS)] = "efficientnet_lite0"
    """The network whose features the metrics compare; ``inception`` is the one of FID, KID and MIND, ``clip@cmmd`` that
    of CMMD, ``dinov2@dgm-eval`` that of FD-DINOv2. These are downloaded once, as are ``vgg16``, ``clip`` and
    ``dinov2``."""
    weights: str | None = None
    """A local weights file of the extractor; null: those that are installed or downloaded. ``torchscript`` needs
    one."""
    every: float = Field(2.0, gt=0)
    """Training between two evaluations, in ``unit``."""
    unit: Unit = "epochs"
    """Unit of ``every``: passes over all pictures, or thousands of real pictures shown."""
    n_fake: int = Field(2048, ge=2, le=1_000_000)
    """Generated pictures of a full measurement, the one that counts at the end."""
    n_first: int = Field(256, ge=2, le=1_000_000)
    """Generated pictures of an evaluation up to the first rung; their number climbs to ``n_fake`` with the rungs."""
    n_real: int | None = Field(None, ge=2)
    """Real pictures that they are compared with; null: 2048, or ``n_fake`` where that is more, as far as there are so
    many beside ``n_fake`` that are held out for the floor."""
    kid_subsets: int = Field(100, ge=1, le=10_000)
    """Random subsets that KID is the mean of (Binkowski 2018)."""
    kid_subset_size: int | None = Field(None, ge=2)
    """Pictures of each set in a subset, at most half of the smaller set; null: 1000."""
    batch_size: int = Field(64, ge=1, le=8192)
    """Pictures whose features are extracted at once."""
