"""Score generators against real pictures: generate, extract features, compare.

What the real pictures contribute is computed once for each (data, extractor, count) and shared through a
file, so that an evaluation costs the generated pictures and two statistics of matrices, and only the first
one of all trials ever reads the real pictures.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganlib.config import EvaluateConfig
from ganlib.data.alpha import measured_with
from ganlib.data.labels.classes import Classes
from ganlib.flags import exact
from ganlib.metrics.cache import Arrays, load_or_compute
from ganlib.metrics.counts import usual_size
from ganlib.metrics.distances.infinity import pending_fid_infinity
from ganlib.metrics.distances.kernel import Kid, kid_by_class
from ganlib.metrics.diversity import pending_vendi
from ganlib.metrics.extraction import Extraction
from ganlib.metrics.extractors.base import load_extractor
from ganlib.metrics.extremes import Extremes, greatest_fid, least_vendi, of_pixels
from ganlib.metrics.features import all_finite, as_matrix
from ganlib.metrics.identity import Floor
from ganlib.metrics.neighbours import Neighbours, nearest_real, pending_prdc
from ganlib.metrics.real import RealPictures, RealStatistics
from ganlib.metrics.score import Score
from ganlib.names import Extent
from ganlib.transfers import Pending, gathered, sent

SUBSET_SEED = 0
"""Seed of KID's subsets: equal features give equal numbers."""
VENDI_PICTURES = 256
"""Pictures of which the Vendi score is computed, at most: it depends on their number."""
NEIGHBOUR = 5
"""Which neighbour the balls of precision, recall, density and coverage reach to (Naeem et al. 2020)."""
EXTREME_PICTURES, SHOWN = 256, 64
"""Real pictures whose pixels are drawn from, at most, and generated ones that are judged: those of the sample grid."""
FORMAT = 5
"""Version of what the cache file holds; raise it when that, or the way it is computed, changes."""


class Evaluator:
    """A measure of generators against one set of real pictures.

    Args:
        pictures: Real pictures, uint8 (n, s, s, 3), or (n, s, s, 4) with alpha, values 0 to 255; may be a memory map.
            They are read only if the cache does not hold what is needed of them. With alpha, they and those of
            generators are measured on grey checks (`ganlib.data.alpha`).
        data_hash: Identity of the pictures' content.
        config: How to measure.
        device: Where features are extracted and compared.
        cache: Folder for what the real pictures contribute; None computes it anew in each process.
        groups: Positions of pictures that are alike (`ganlib.data.ImageSet.groups`): of none are some held out for the
            floor and others compared with.
        classes: Of the pictures, where they have labels.

    Raises:
        RequestError: if the pictures have another dtype or shape or are fewer than two, or the extractor cannot
            be loaded.
    """

    def __init__(
        self,
        pictures: np.ndarray,
        data_hash: str,
        config: EvaluateConfig,
        device: torch.device | str = "cpu",
        cache: Path | None = None,
        groups: Sequence[Sequence[int]] = (),
        classes: Classes | None = None,
    ) -> None:
        self.config = config
        self.device = torch.device(device)
        self.chosen = RealPictures(pictures, config, groups)
        self.n_real = len(self.chosen.compared)
        self.extractor = load_extractor(config.extractor, config.weights, self.device)
        self.cache, self._classes = cache, classes
        self._extremes: dict[int, Extremes] = {}
        self._vendi: dict[int, float] = {}
        self._extraction = Extraction(self.extractor, self.device, config.batch_size)
        self.identity: dict[str, str | int] = {
            "data": data_hash,
            "extractor": self.extractor.name,
            "digest": self.extractor.digest,
            "format": FORMAT,
            **self.chosen.identity(),
        }
        self.resize = measured_with(self.extractor.resize, pictures.shape[3])

    def score(
        self,
        generate: Callable[[int], Tensor],
        n_fake: int | None = None,
        extent: Extent = "usual",
        classes: Tensor | None = None,
    ) -> Score:
        """Measure a generator.

        Args:
            generate: ``generate(k)`` returns k new pictures, uint8 (k, c, h, w), on the evaluator's device; it is
                called without gradients, for at most ``config.batch_size`` pictures at a time; where it runs out
                of memory it is asked again, for half as many.
            n_fake: How many pictures; ``config.n_fake`` by default.
            extent: How much to measure: "brief" is FID, KID and the Vendi score, "usual" also MMD and MIND, "full" also
                precision, recall, density, coverage, and FID at infinity.
            classes: The numbers of the classes of these pictures, ``(n_fake,)``: KID is also measured of each class.

        Raises:
            NonFiniteError: if a feature is NaN or infinite.
            RequestError: if ``generate`` returns another number, dtype or shape.
            WorkError: if there is not even memory for one picture.
        """
        fake = self.features(generate, n_fake or self.config.n_fake)
        return self.pending_score(fake, extent, classes).read()

    def features(self, generate: Callable[[int], Tensor], count: int) -> Tensor:
        """Extract the features (count, d) of pictures that ``generate`` makes; see `score`."""
        return self._extraction.of_generated(generate, count)

    def features_of(self, pictures: Tensor) -> Tensor:
        """Extract the features (n, d) of pictures, uint8 (n, c, h, w)."""
        return self._extraction.of(sent(pictures, self.device))

    @torch.inference_mode()
    def pending_score(
        self, features: Tensor, extent: Extent = "usual", classes: Tensor | None = None
    ) -> Pending[Score]:
        """Compare the features (n, d) of generated pictures, n >= 2, with those of the real ones; see `score`.

        It raises `NonFiniteError` when it is read.
        """
        finite = torch.isfinite(features).all(1, keepdim=True)
        # Zeros compare with anything; whether there were any is only known in the end.
        fake = as_matrix(torch.where(finite, features, 0), "features of the generated pictures").to(
            self.real.features.device
        )
        varied = min(VENDI_PICTURES, len(fake))
        parts: dict[str, Pending[Any]] = {
            "finite": all_finite(self.extractor.name, finite),
            "fid": self.real.pending_frechet(lambda: fake),
            "kid": self.pending_kid(fake),
            "vendi": pending_vendi(fake[:varied]),
        }
        if extent != "brief":
            parts |= {"mmd": self.real.pending_mmd(fake), "mind": self.real.pending_mind(fake)}
        if extent == "full":
            parts |= self._in_full(fake)
        if classes is not None and self._classes is not None:
            parts |= self._of_classes(fake, classes, self._classes)
        real_vendi = self._real_vendi(varied)

        def finish(found: list[Any]) -> Score:
            values = dict(zip(parts, found, strict=True))
            del values["finite"]
            kid = values.pop("kid")
            mmd, infinity, prdc = (values.pop(name, None) for name in ("mmd", "infinity", "prdc"))
            return Score(
                kid=kid.mean,
                kid_se=kid.se,
                n_real=self.n_real,
                n_fake=len(features),
                extractor=self.extractor.name,
                extractor_digest=self.extractor.digest,
                resize=self.resize,
                real_vendi=real_vendi,
                **values,
                **({"mmd": mmd.value, "mmd_se": mmd.se} if mmd else {}),
                **(prdc._asdict() if prdc else {}),
                **({"fid_infinity": infinity.value, "fid_infinity_se": infinity.se} if infinity else {}),
            )

        return gathered(list(parts.values())).then(finish)

    def _of_classes(self, fake: Tensor, classes: Tensor, known: Classes) -> dict[str, Pending[Any]]:
        """Measure KID of each class that has enough pictures."""
        real = self.real.features, known.of[self.chosen.compared]
        subsets, most = self.config.kid_subsets, self.config.kid_subset_size
        shown = (fake, classes.cpu().numpy())
        return {"class_kid": kid_by_class(real, shown, known.names, subsets, most, SUBSET_SEED)}

    def _in_full(self, fake: Tensor) -> dict[str, Pending[Any]]:
        """Measure what costs more; what too few pictures cannot tell is left out."""
        real = self.real.features
        parts: dict[str, Pending[Any]] = {"infinity": pending_fid_infinity(real, fake)}
        if min(len(real), len(fake)) > NEIGHBOUR:
            parts["prdc"] = pending_prdc(real, fake, NEIGHBOUR)
        return parts

    def pending_kid(self, fake: Tensor) -> Pending[Kid]:
        """Measure the kernel distance of checked float64 features (n, d) to those of the real pictures."""
        size = usual_size(self.n_real, len(fake), self.config.kid_subset_size)
        return self.real.pending_kid(fake, self.config.kid_subsets, size, SUBSET_SEED)

    def floor(self, n_fake: int | None = None) -> Floor | None:
        """Score held-out real pictures in place of generated ones.

        Args:
            n_fake: How many; ``config.n_fake`` by default.

        Returns:
            None where the set has not so many pictures beside the ``n_real`` that are compared with, those apart that
            are alike to one of them.
        """
        count = n_fake or self.config.n_fake
        if count > len(self.chosen.held_out):
            return None
        fake = torch.from_numpy(self._stored["held_out"][:count]).to(self.device).double()
        kid, mmd = self.pending_kid(fake).read(), self.real.mmd(fake)
        return Floor(
            count, self.real.frechet(fake), kid.mean, kid.se, mmd.value, mmd.se, self.real.mind(fake)
        )

    def nearest_real(self, pictures: Tensor, k: int = 1) -> Neighbours:
        """Find the real pictures nearest to given ones, by features, among those whose features are known.

        Those are the ``n_real`` that generators are compared with, and the ones held out for the floor.

        Args:
            pictures: uint8 (m, c, h, w), m >= 2.
            k: How many for each.

        Returns:
            Positions in the real pictures that the evaluator was made with, (m, k), and distances.
        """
        known = np.concatenate([self._stored["features"], self._stored["held_out"]])
        found = nearest_real(self.features_of(pictures), known, k)
        rows = torch.from_numpy(self.chosen.rows)[found.indices.cpu()]
        return Neighbours(rows, found.distances.cpu())

    @property
    def available(self) -> int:
        """Count the real pictures that the evaluator was made with."""
        return len(self.chosen.pictures)

    @cached_property
    def real(self) -> RealStatistics:
        """What the real pictures contribute, on the evaluator's device; the first use may compute it."""
        arrays = self._stored
        factor = torch.from_numpy(arrays["factor"]) if "factor" in arrays else None
        return RealStatistics(torch.from_numpy(arrays["features"]).to(self.device), factor)

    def extremes(self, n_fake: int | None = None) -> Extremes:
        """Measure how flat, alike and unvaried real pictures are at their worst; nothing is worse than that by chance.

        Args:
            n_fake: How many generated pictures are to be judged; ``config.n_fake`` by default.
        """
        count = n_fake or self.config.n_fake
        if count not in self._extremes:
            features = self.real.features
            pixel_std, similarity = map(float, self._stored["pixels"])
            with torch.inference_mode():
                vendi = least_vendi(features, min(VENDI_PICTURES, count))
                fid = greatest_fid(features, count, self.real.pending_frechet)
                self._extremes[count] = Extremes(pixel_std, similarity, *gathered([vendi, fid]).read())
        return self._extremes[count]

    def _real_vendi(self, count: int) -> float:
        if count not in self._vendi:
            self._vendi[count] = pending_vendi(self.real.features[:count]).read()
        return self._vendi[count]

    @cached_property
    def _stored(self) -> Arrays:
        return load_or_compute(self.cache, self.identity, self._measure_real)

    def _measure_real(self) -> Arrays:
        chosen = self.chosen.rows
        features = np.empty((len(chosen), self.extractor.dim), np.float32)
        rows = np.argsort(chosen)  # pictures lie on a disk in this order
        for start in range(0, len(rows), self.config.batch_size):
            batch = rows[start : start + self.config.batch_size]
            features[batch] = self._extraction.of(self.chosen.at(chosen[batch]).to(self.device)).cpu().numpy()
        first = self.first_real(EXTREME_PICTURES)
        with exact(self.device):  # all else is float64, which no flag concerns
            pixels = of_pixels(first, SHOWN)
        real, held_out = features[: self.n_real], features[self.n_real :]
        arrays = {"features": real, "held_out": held_out, "pixels": np.array(pixels)}
        if self.n_real > self.extractor.dim:  # below that the factor is the features themselves
            arrays["factor"] = RealStatistics(real).gaussian.factor.contiguous().numpy()
        return arrays

    def first_real(self, count: int) -> Tensor:
        """Give the first of the real pictures that are compared with, as many as there are up to ``count``.

        Returns:
            uint8 (n, c, h, w), on the evaluator's device; their features are the first of ``real.features``.
        """
        return self.chosen.at(self.chosen.compared[:count]).to(self.device)
