"""ganlib: train, measure, keep and load small image GANs.

Useful by itself: nothing here knows of sweeps, Ray, Optuna or a command line. Names are imported when they
are first used, because importing torch takes seconds.
"""

from typing import TYPE_CHECKING

from ganlib.registry import lazily

if TYPE_CHECKING:
    from ganlib.export.generator import load_generator as load_generator
    from ganlib.metrics import Evaluator as Evaluator
    from ganlib.training.evaluation import Evaluation as Evaluation
    from ganlib.training.fit import fit as fit

_HOMES = {
    "Evaluation": "training.evaluation",
    "Evaluator": "metrics",
    "fit": "training.fit",
    "load_generator": "export.generator",
}

__all__ = ["Evaluation", "Evaluator", "fit", "load_generator"]

__getattr__ = lazily(__name__, _HOMES)
