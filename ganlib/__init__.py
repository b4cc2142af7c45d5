"""ganlib: train, measure, keep and load small image GANs.

Useful by itself: nothing here knows of sweeps, Ray, Optuna or a command line. Names are imported when they
are first used, because importing torch takes seconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganlib.export.generator import load_generator as load_generator
    from ganlib.metrics import Evaluator as Evaluator
    from ganlib.training.evaluation import Evaluation as Evaluation
    from ganlib.training.fit import fit as fit

_HOMES = {
    "Evaluation": "ganlib.training.evaluation",
    "Evaluator": "ganlib.metrics",
    "fit": "ganlib.training.fit",
    "load_generator": "ganlib.export.generator",
}

__all__ = ["Evaluation", "Evaluator", "fit", "load_generator"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - it returns whatever the name stands for
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ganlib' has no attribute '{name}'")
