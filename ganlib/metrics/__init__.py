"""Measure how good pictures are: FID, KID, precision, recall, diversity, and the features that they compare.

Names are imported when they are first asked for, so that ``import ganlib.metrics`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganlib.metrics.diversity import pairwise_similarity, pixel_std, vendi_from_features
    from ganlib.metrics.evaluator import Evaluator
    from ganlib.metrics.extractors.base import Extractor, load_extractor
    from ganlib.metrics.extremes import Extremes
    from ganlib.metrics.features import NonFiniteError
    from ganlib.metrics.frechet import fid_from_features
    from ganlib.metrics.identity import Baseline, Floor, Identity
    from ganlib.metrics.infinity import FidInfinity, fid_infinity_from_features
    from ganlib.metrics.kernel import Kid, kid_from_features
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
    "FidInfinity": "infinity",
    "Floor": "identity",
    "Identity": "identity",
    "Kid": "kernel",
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
    "fid_from_features": "frechet",
    "fid_infinity_from_features": "infinity",
    "kid": "pictures",
    "kid_from_features": "kernel",
    "load_extractor": "extractors.base",
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
    "nearest_real",
    "pairwise_similarity",
    "pixel_std",
    "prdc_from_features",
    "vendi_from_features",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: any of the names above
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
