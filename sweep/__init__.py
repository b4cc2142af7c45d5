"""sweep: hyperparameter studies of small image GANs, in one command, or from Python.

Names are imported when they are first used, so that ``import sweep`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweep.api import Sweep as Sweep
    from sweep.api import open as open
    from sweep.api import run as run

__version__ = "0.2.0"
__all__ = ["Sweep", "open", "run"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - it returns whatever the name stands for
    if name in __all__:
        return getattr(import_module("sweep.api"), name)
    raise AttributeError(f"module 'sweep' has no attribute '{name}'")
