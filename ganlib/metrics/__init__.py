"""Measure how good pictures are: FID, KID, MMD, MIND, precision, recall, diversity, and the features that they compare.

Names are imported when they are first asked for, so that ``import ganlib.metrics`` costs nothing.
"""

from typing import TYPE_CHECKING

from ganlib.registry import lazily

if TYPE_CHECKING:
    from ganlib.metrics.distances.frechet import fid_from_features
    from ganlib.metrics.distances.infinity import FidInfinity, fid_infinity_from_features
    from ganlib.metrics.distances.kernel import Kid, kid_from_features
    from ganlib.metrics.distances.rbf import Mmd, mmd_from_features
    from ganlib.metrics.distances.sliced import mind_from_features
    from ganlib.metrics.diversity import pairwise_similarity, pixel_std, vendi_from_features
    from ganlib.metrics.evaluator import Evaluator
    from ganlib.metrics.extractors.base import Extractor, load_extractor
    from ganlib.metrics.extremes import Extremes
    from ganlib.metrics.features import NonFiniteError
    from ganlib.metrics.identity import Baseline, Floor, Identity
    from ganlib.metrics.neighbours import Neighbours, Prdc, nearest_real, prdc_from_features
    from ganlib.metrics.pictures import fid, kid
    from ganlib.metrics.real import RealStatistics
    from ganlib.metrics.score import Score
    from ganlib.metrics.translation.evaluator import TranslationEvaluator
    from ganlib.metrics.translation.score import Pairs, Translating, TranslationScore

_MODULES = {
    "Baseline": "identity",
    "Evaluator": "evaluator",
    "Extractor": "extractors.base",
    "Extremes": "extremes",
    "FidInfinity": "distances.infinity",
    "Floor": "identity",
    "Identity": "identity",
    "Kid": "distances.kernel",
    "Mmd": "distances.rbf",
    "Neighbours": "neighbours",
    "NonFiniteError": "features",
    "Pairs": "translation.score",
    "Prdc": "neighbours",
    "RealStatistics": "real",
    "Score": "score",
    "Translating": "translation.score",
    "TranslationEvaluator": "translation.evaluator",
    "TranslationScore": "translation.score",
    "fid": "pictures",
    "fid_from_features": "distances.frechet",
    "fid_infinity_from_features": "distances.infinity",
    "kid": "pictures",
    "kid_from_features": "distances.kernel",
    "load_extractor": "extractors.base",
    "mind_from_features": "distances.sliced",
    "mmd_from_features": "distances.rbf",
    "nearest_real": "neighbours",
    "pairwise_similarity": "diversity",
    "pixel_std": "diversity",
    "prdc_from_features": "neighbours",
    "vendi_from_features": "diversity",
}

__all__ = [
    "Baseline",
    "Evaluator",
    "Extractor",
    "Extremes",
    "FidInfinity",
    "Floor",
    "Identity",
    "Kid",
    "Mmd",
    "Neighbours",
    "NonFiniteError",
    "Pairs",
    "Prdc",
    "RealStatistics",
    "Score",
    "Translating",
    "TranslationEvaluator",
    "TranslationScore",
    "fid",
    "fid_from_features",
    "fid_infinity_from_features",
    "kid",
    "kid_from_features",
    "load_extractor",
    "mind_from_features",
    "mmd_from_features",
    "nearest_real",
    "pairwise_similarity",
    "pixel_std",
    "prdc_from_features",
    "vendi_from_features",
]

__getattr__ = lazily(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted(__all__)
