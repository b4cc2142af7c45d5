"""Score translators: their drawings against real ones, and against the photographs that these were made of."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from math import isnan, nan
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ganlib.flags import exact
from ganlib.metrics.cache import Arrays, load_or_compute
from ganlib.metrics.evaluator import Evaluator
from ganlib.metrics.extremes import Extremes
from ganlib.metrics.identity import Baseline, Floor
from ganlib.metrics.neighbours import Neighbours
from ganlib.metrics.translation.changes import (
    cycle_ssim,
    difference,
    difference_of_all,
    luminance_correlation,
    nyquist_energy,
    ratio,
)
from ganlib.metrics.translation.colour import lab, mean_chroma, mean_lab
from ganlib.metrics.translation.score import PAIRS, Pairs, Translating, TranslationScore
from ganlib.names import Extent
from ganlib.transfers import Pending, gathered, pending_number

DRAWINGS = 256
"""Drawings whose colours and energy those of a translator's are compared with, at most."""
GREY = 0.5
"""Mean chroma below which drawings have no colour that could be lost: that of greys rounded to levels is lower."""
FORMAT = 3
"""Version of what the cache holds of a baseline; raise it when that, or the way it is computed, changes."""


class Photos(Protocol):
    """A numbered list of photographs; `ganlib.models.inputs.Pictures` is one."""

    def levels(self, count: int) -> Tensor:
        """Give the first ``count`` photographs of the list, uint8 (count, 3, h, w)."""

    def name(self) -> str:
        """Name the order of the list."""


@dataclass(frozen=True)
class _Drawings:
    """What drawings have: mean Lab colour (3,), mean chroma, `nyquist_energy`; and how far unrelated photographs are.

    Distances are means over all pairs of one of the first photographs and one of the first drawings, up to 64 of each.
    """

    colour: Tensor
    chroma: float
    energy: float
    pixels_apart: float
    features_apart: float


class TranslationEvaluator:
    """A measure of translators against a set of drawings and a set of photographs.

    It is used as an `Evaluator` is. No more drawings are measured than there are photographs: those that were made of
    a photograph twice are equal, and would be taken for a lack of variety.

    Args:
        drawings: Measures against drawings, opaque ones.
        photos: Measures against photographs of the drawings' size, with the drawings' extractor and device.
        inputs: The photographs of ``photos`` in the order of evaluations.
    """

    def __init__(self, drawings: Evaluator, photos: Evaluator, inputs: Photos) -> None:
        self.drawings, self.photos, self.inputs = drawings, photos, inputs
        self.config, self.device = drawings.config, drawings.device
        self.extractor, self.resize, self.n_real = drawings.extractor, drawings.resize, drawings.n_real
        self._seen: tuple[Tensor, Tensor] | None = None

    @property
    def most(self) -> int:
        """Count the drawings that can be measured at most: one of each photograph."""
        return self.photos.available

    def measured(self, n_fake: int | None = None) -> int:
        """Count the drawings that are measured where ``n_fake`` are asked for, ``config.n_fake`` by default."""
        return min(n_fake or self.config.n_fake, self.most)

    def score(
        self, translating: Translating, n_fake: int | None = None, extent: Extent = "usual"
    ) -> TranslationScore:
        """Measure a translator.

        Args:
            translating: Makes drawings of photographs; at most ``config.batch_size`` at a time are asked for.
            n_fake: How many drawings, ``config.n_fake`` by default; no more than there are photographs.
            extent: How much to measure, as of `Evaluator.score`; "full" also has the numbers of the way back.

        Raises:
            NonFiniteError: if a feature is NaN or infinite.
            RequestError: if ``translating`` makes another number, dtype or shape.
            WorkError: if there is not even memory for one picture.
        """
        count = self.measured(n_fake)
        features = self.drawings.features(translating, count)
        score = self.drawings.pending_score(features, extent)
        parts: list[Pending[dict[str, Any]]] = [score.then(asdict)]
        parts.append(self._of_pairs(translating.pairs(min(PAIRS, count)), features))
        if extent == "full" and (back := translating.back()) is not None:
            parts.append(self._back(back, n_fake))

        def finish(found: list[dict[str, Any]]) -> TranslationScore:
            return TranslationScore(**{name: value for part in found for name, value in part.items()})

        return gathered(parts).then(finish).read()

    @torch.inference_mode()
    def _of_pairs(self, pairs: Pairs, features: Tensor) -> Pending[dict[str, Any]]:
        """Compare photographs with what becomes of them; ``features`` begin with those of the drawings."""
        photos, drawn, real = pairs.photos, pairs.drawn, self._real
        moved = features[: len(drawn)] - self._features_of(photos)
        content = pending_number(moved.double().norm(dim=1).mean())
        with exact(self.drawings.device):
            return self._of_pixels(pairs, real, content)

    def _of_pixels(self, pairs: Pairs, real: _Drawings, content: Pending[float]) -> Pending[dict[str, Any]]:
        """Compare the pixels of pairs; ``content`` is how far their features have moved."""
        photos, drawn = pairs.photos, pairs.drawn
        colours = lab(drawn)

        def of_colour(chroma: float) -> float | None:
            return chroma / real.chroma if real.chroma > GREY else None

        parts: dict[str, Pending[Any]] = {
            "change": difference(photos, drawn).then(lambda found: ratio(found, real.pixels_apart)),
            "content": content.then(lambda found: ratio(found, real.features_apart)),
            "luminance": luminance_correlation(photos, drawn),
            "tint": pending_number((mean_lab(colours) - real.colour).norm()),
            "chroma": mean_chroma(colours).then(of_colour),
            "chequer": nyquist_energy(drawn).then(lambda found: found / real.energy),
        }
        if pairs.returned is not None:
            parts["cycle_l1"] = difference(photos, pairs.returned)
            parts["cycle_ssim"] = cycle_ssim(photos, pairs.returned)
        return gathered(list(parts.values())).then(lambda found: dict(zip(parts, found, strict=True)))

    def _back(self, back: Callable[[int], Tensor], n_fake: int | None) -> Pending[dict[str, Any]]:
        count = min(n_fake or self.config.n_fake, self.drawings.available)
        score = self.photos.pending_score(self.photos.features(back, count), "brief")
        return score.then(
            lambda found: {"fid_back": found.fid, "kid_back": found.kid, "kid_back_se": found.kid_se}
        )

    def _features_of(self, photos: Tensor) -> Tensor:
        """Extract the features of photographs; of the tensor that was asked for last they are known."""
        seen = self._seen  # read once: trials of a pack are measured in threads of their own
        if seen is None or seen[0] is not photos:
            self._seen = seen = photos, self.drawings.features_of(photos)
        return seen[1]

    @cached_property
    def _real(self) -> _Drawings:
        drawings = self.drawings.first_real(DRAWINGS)
        photos, others = self._unrelated()
        features = self._features_of(photos).double(), self.drawings.real.features[: len(others)].double()
        with exact(self.drawings.device):
            colours = lab(drawings)
            return _Drawings(
                colour=mean_lab(colours),
                chroma=mean_chroma(colours).read(),
                energy=nyquist_energy(drawings).read(),
                pixels_apart=difference_of_all(photos, others).read(),
                features_apart=float(torch.cdist(*features).mean()),
            )

    def baseline(self, n_fake: int | None = None) -> Baseline:
        """Score photographs as they are, in place of the drawings that a translator makes of them.

        They are those that evaluations begin with, so that a translator which changes nothing scores as much. All
        processes share the result through the cache.

        Args:
            n_fake: How many, ``config.n_fake`` by default; no more than there are photographs.

        Raises:
            WorkError: if there is not even memory for one picture.
        """
        count = self.measured(n_fake)
        if count not in self._baselines:
            config = self.config
            identity = {f"drawings.{name}": value for name, value in self.drawings.identity.items()} | {
                "photos": self.photos.identity["data"],
                "order": self.inputs.name(),
                "count": count,
                "format": FORMAT,
                "kid_subsets": config.kid_subsets,
                "kid_subset_size": config.kid_subset_size or 0,
            }
            arrays = load_or_compute(self.drawings.cache, identity, lambda: self._measure_photos(count))
            fid, kid, kid_se, luminance, *others = map(float, arrays["baseline"])
            known = None if isnan(luminance) else luminance
            self._baselines[count] = Baseline(count, fid, kid, kid_se, known, *others)
        return self._baselines[count]

    @cached_property
    def _baselines(self) -> dict[int, Baseline]:
        return {}

    def _measure_photos(self, count: int) -> Arrays:
        score = self.drawings.pending_score(self.drawings.features_of(self.inputs.levels(count))).read()
        photos, drawings = self._unrelated()
        with exact(self.drawings.device):
            luminance = luminance_correlation(photos, drawings).read()
        found = [score.fid, score.kid, score.kid_se, nan if luminance is None else luminance]
        return {"baseline": np.array([*found, score.mmd, score.mmd_se, score.mind])}

    def _unrelated(self) -> tuple[Tensor, Tensor]:
        """Give photographs and as many drawings that were not made of them, up to 64, each uint8 (n, 3, h, w)."""
        drawings = self.drawings.first_real(min(PAIRS, self.most))
        return self.inputs.levels(len(drawings)).to(self.device), drawings

    def extremes(self, n_fake: int | None = None) -> Extremes:
        """Measure how flat, alike and unvaried drawings are at their worst; see `Evaluator.extremes`."""
        return self.drawings.extremes(self.measured(n_fake))

    def floor(self, n_fake: int | None = None) -> Floor | None:
        """Score held-out drawings in place of generated ones; see `Evaluator.floor`."""
        return self.drawings.floor(self.measured(n_fake))

    def nearest_real(self, pictures: Tensor, k: int = 1) -> Neighbours:
        """Find the drawings nearest to given pictures; see `Evaluator.nearest_real`."""
        return self.drawings.nearest_real(pictures, k)
