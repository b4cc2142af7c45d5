"""Scoring a folder of pictures, whoever made them: against another folder, or against the pictures of a spec."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganlib.config import EvaluateConfig
from ganlib.data import cache_dir, prepare
from ganlib.data.alpha import RGB, RGBA, measured_with
from ganlib.data.decode import Preparation
from ganlib.data.sources import preparation
from ganlib.data.telling import left_out, prepared
from ganlib.errors import RequestError
from ganlib.metrics import Evaluator, Floor, Identity, load_extractor, prdc_from_features, vendi_from_features
from ganlib.metrics.counts import usual_size
from ganlib.metrics.distances.infinity import measurable_fid_infinity
from ganlib.metrics.evaluator import NEIGHBOUR, VENDI_PICTURES
from ganlib.metrics.picture_sets import PictureSet, open_pictures, unlike
from ganlib.metrics.pictures import features_alike, features_of
from ganlib.metrics.real import RealStatistics
from ganlib.names import EXTRACTORS
from sweep import shipped
from sweep.commands import counts
from sweep.spec import specification as specs

GENERATED, REAL = "the generated pictures", "the real pictures"


def score(
    folder: Path, against: Path, extractor: str | None, weights: str | None, size: int | None = None
) -> dict[str, Any]:
    """Measure every metric of the pictures in a folder, with the identity of the numbers.

    Where they have alpha, pictures are measured on grey checks (`ganlib.data.alpha`), unless a spec has another
    background; of two folders, if only one has it, on white.

    Args:
        folder: Generated pictures.
        against: A folder of real pictures, all of which are used; or a spec, whose real pictures are chosen, cached
            and compared with as in its sweep, so that the numbers are those that the sweep would give; the pictures
            in ``folder`` are then prepared as the spec says too.
        extractor: A name; by default the spec's, or ``efficientnet_lite0``.
        weights: Its weights file; by default the spec's.
        size: Between two folders, the side in pixels to which both are resized as for training; by default all keep
            their own.

    Raises:
        RequestError: if something is not there, is no picture, or there are too few.
    """
    if extractor is not None:
        EXTRACTORS.check(extractor)
    if not against.exists() and shipped.find(str(against)) is None:
        raise RequestError(f"--against: there is no folder of pictures and no spec '{against}'")
    if against.is_dir():
        fakes = open_pictures(folder, GENERATED, Preparation(size, None))
        config = EvaluateConfig.model_validate(
            {"weights": weights} | ({"extractor": extractor} if extractor else {})
        )
        reals = open_pictures(against, REAL, Preparation(size, None))
        loaded = load_extractor(config.extractor, config.weights)
        (fakes, fake), (reals, features) = features_alike(fakes, reals, loaded)
        real, digest, floor = RealStatistics(features), content_hash(reals), None
        channels = RGBA if reals.transparent else RGB
        notes = [note for note in [unlike(fakes, reals)] if note]
        notes = [f"{note}; --size 64, for instance, prepares both as for training" for note in notes]
        notes += _notes(reals)
    else:
        spec = specs.load(against)
        if size is not None:
            raise RequestError(f"--size: the spec says how large pictures are (data.size {spec.data.size})")
        fakes = open_pictures(folder, GENERATED, preparation(spec.data))
        channels = spec.data.channels
        given = {"extractor": extractor, "weights": weights}
        config = spec.evaluate.model_copy(update={key: value for key, value in given.items() if value})
        images = prepare(spec.data)
        evaluator = Evaluator(images.pictures, images.hash, config, cache=cache_dir(), groups=images.groups)
        loaded, real, digest = evaluator.extractor, evaluator.real, images.hash
        fake = features_of(fakes, loaded)
        floor, notes = evaluator.floor(fakes.count), [*counts.of_real(config, len(images))]
        notes += counts.of_subsets(config, len(images), fakes.count)
    identity = Identity(
        extractor=loaded.name,
        extractor_digest=loaded.digest,
        resize=measured_with(loaded.resize, channels),
        n_fake=fakes.count,
        n_real=len(real),
        data_hash=digest,
    )
    drawn = not against.is_dir()
    return measure(real, fake, config, identity, floor, drawn) | {"notes": [*_notes(fakes), *notes]}


def _notes(pictures: PictureSet) -> list[str]:
    """Say what was left out of a folder, and what was done to its pictures."""
    done = [f"{pictures.name}: {line}" for line in prepared(pictures.traits)]
    return done + [f"{pictures.name}: left out {line}" for line in left_out(pictures.found)]


def measure(
    real: RealStatistics,
    fake: torch.Tensor,
    config: EvaluateConfig,
    identity: Identity,
    floor: Floor | None,
    drawn: bool,
) -> dict[str, Any]:
    """Measure all metrics of features, as plain values; those for which there are too few pictures are None.

    Args:
        real: Of the real pictures.
        fake: Features (n, d) of the generated ones.
        config: How to measure.
        identity: What the numbers depend on.
        floor: What real pictures score, where that is known.
        drawn: Whether the real pictures come in the order of a sweep, where the first are a random part.
    """
    size = usual_size(len(real), len(fake), config.kid_subset_size)
    kid = real.kid(fake, config.kid_subsets, size)
    found: dict[str, Any] = {"fid": real.frechet(fake), "kid": kid.mean, "kid_se": kid.se}
    mmd = real.mmd(fake)
    found |= {"mmd": mmd.value, "mmd_se": mmd.se, "mind": real.mind(fake)}
    smaller = min(len(real), len(fake))
    infinity = measurable_fid_infinity(real.features, fake)
    prdc = prdc_from_features(real.features, fake, NEIGHBOUR) if smaller > NEIGHBOUR else None
    found |= {"fid_infinity": infinity and infinity.value, "fid_infinity_se": infinity and infinity.se}
    found |= {name: prdc and getattr(prdc, name) for name in ("precision", "recall", "density", "coverage")}
    count = min(VENDI_PICTURES, len(fake) if drawn else smaller)
    some = real.features[:count] if drawn else _spaced(real.features, count)
    found |= {"vendi": vendi_from_features(_spaced(fake, count)), "real_vendi": vendi_from_features(some)}
    found["floor"] = asdict(floor) if floor else None
    found["suspicion"] = floor.beaten_by(found) if floor else None
    return found | {"identity": asdict(identity)}


def _spaced(features: torch.Tensor, count: int) -> torch.Tensor:
    """Take so many rows at equal distances: files next to each other are often of one class."""
    return features[torch.arange(count, device=features.device) * len(features) // count]


def content_hash(pictures: PictureSet) -> str:
    """SHA-256 (hex) of the decoded pictures in order: equal for equal pictures, whatever their files are called."""
    digest = hashlib.sha256()
    for start in range(0, pictures.count, 64):
        for picture in pictures.read(start, min(start + 64, pictures.count)):
            digest.update(f"{tuple(picture.shape)}".encode())
            digest.update(np.ascontiguousarray(picture.numpy()).tobytes())
    return digest.hexdigest()
