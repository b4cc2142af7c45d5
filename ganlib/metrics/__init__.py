"""How good are the pictures: FID, KID and diversity, with the features they are measured on.

Names are imported when they are first asked for, so that ``import ganlib.metrics`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganlib.metrics.diversity import pairwise_similarity, pixel_std
    from ganlib.metrics.evaluator import Evaluator, Score
    from ganlib.metrics.extractor import Extractor, load_extractor
    from ganlib.metrics.features import NonFiniteError
    from ganlib.metrics.frechet import fid_from_features
    from ganlib.metrics.kernel import Kid, kid_from_features
    from ganlib.metrics.real import RealStatistics

_MODULES = {
    "Evaluator": "evaluator",
    "Extractor": "extractor",
    "Kid": "kernel",
    "NonFiniteError": "features",
    "RealStatistics": "real",
    "Score": "evaluator",
    "fid_from_features": "frechet",
    "kid_from_features": "kernel",
    "load_extractor": "extractor",
    "pairwise_similarity": "diversity",
    "pixel_std": "diversity",
}

__all__ = [
    "Evaluator",
    "Extractor",
    "Kid",
    "NonFiniteError",
    "RealStatistics",
    "Score",
    "fid_from_features",
    "kid_from_features",
    "load_extractor",
    "pairwise_similarity",
    "pixel_std",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562: any of the names above
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
