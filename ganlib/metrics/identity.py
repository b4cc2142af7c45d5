"""Identities of measurements: two values of a metric are compared only if all that they depend on is equal."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from math import hypot, isfinite
from typing import Any

from ganlib.names import METRICS


@dataclass(frozen=True, order=True)
class Identity:
    """All that a value of a metric depends on beside the generator.

    Attributes:
        extractor: Full name of the extractor, input size included.
        extractor_digest: SHA-256 (hex) of its weights.
        resize: How pictures are brought to the extractor's size, by filter and whose convention.
        n_fake: Generated pictures.
        n_real: Real pictures.
        ema: Whether the running average of the generator's weights made the pictures. In a sweep it always does
            (with ``train.ema_kimg`` 0 that average is the generator itself).
        data_hash: Digest of the real pictures' content.
    """

    extractor: str = ""
    extractor_digest: str = ""
    resize: str = ""
    n_fake: int = 0
    n_real: int = 0
    ema: bool | None = None
    data_hash: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Identity":
        """Read the identity in a row of ``metrics``; columns that are missing or null count as unknown."""
        known = {name: row.get(name) for name in IDENTITY}
        return cls(**{name: value for name, value in known.items() if value is not None})

    def label(self, metric: str) -> str:
        """Name a metric for tables and plots, such as ``KID (efficientnet_lite0@64, n=512)``."""
        return f"{METRICS[metric].name(self.extractor)} ({self.extractor or 'unknown extractor'}, n={self.n_fake})"


IDENTITY = tuple(field.name for field in fields(Identity))
"""The names of what makes up an identity, which are columns of ``metrics``."""


@dataclass(frozen=True)
class Floor:
    """What held-out real pictures score in place of generated ones: the best that a generator can honestly do.

    Attributes:
        n_fake: How many they were; comparable are only results on as many.
        fid: Frechet distance of the held-out pictures.
        kid: Kernel distance of the held-out pictures.
        kid_se: Standard error of ``kid``.
        mmd: Distance with a Gaussian kernel of the held-out pictures; None where it was not measured.
        mmd_se: Standard error of ``mmd``.
        mind: Sliced Wasserstein distance of the held-out pictures; None where it was not measured.
    """

    n_fake: int
    fid: float
    kid: float
    kid_se: float
    mmd: float | None = None
    mmd_se: float | None = None
    mind: float | None = None

    def beaten_by(self, score: Mapping[str, Any]) -> str | None:
        """Say why a result on as many pictures is suspicious; None if it is not.

        A metric without standard error may not be below the floor at all; one that has it not by more than two of
        the two together, for it scatters around 0 where the others cannot.

        Args:
            score: The metrics by their names, and their standard errors; what was not measured is None or missing.
        """
        for name, metric in METRICS.items():
            value, own = score.get(name), getattr(self, name)
            errors = [score.get(metric.error), getattr(self, metric.error)] if metric.error else []
            scatter = hypot(*(error for error in errors if error is not None and isfinite(error)))
            if value is not None and own is not None and value < own - 2 * scatter:
                return f"{metric.label} {value:.4g} is below that of held-out real pictures, {own:.4g}"
        return None


@dataclass(frozen=True)
class Baseline:
    """What photographs score as they are, in place of a translator's drawings: the identity, which draws nothing.

    Attributes:
        n_fake: How many they were.
        fid: Frechet distance of the photographs to the drawings.
        kid: Kernel distance of the photographs to the drawings.
        kid_se: Standard error of ``kid``; NaN where there are too few pictures to tell.
        luminance: Mean correlation (Pearson) of the luminance of photographs with that of drawings which have nothing
            to do with them, pixel by pixel: -1 to 1; None where it is not defined.
        mmd: Distance with a Gaussian kernel of the photographs to the drawings; None where it was not measured.
        mmd_se: Standard error of ``mmd``.
        mind: Sliced Wasserstein distance of the photographs to the drawings; None where it was not measured.
    """

    n_fake: int
    fid: float
    kid: float
    kid_se: float
    luminance: float | None = None
    mmd: float | None = None
    mmd_se: float | None = None
    mind: float | None = None


def differing(identities: Iterable[Identity]) -> list[str]:
    """List the names of what differs between identities."""
    rows = [asdict(identity) for identity in identities]
    return [name for name in IDENTITY if len({row[name] for row in rows}) > 1]
