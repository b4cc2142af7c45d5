"""sweep: hyperparameter studies of small image GANs, in one command, or from Python.

Names are imported when they are first used, so that ``import sweep`` costs nothing.
"""

from typing import TYPE_CHECKING

from ganlib.registry import lazily

if TYPE_CHECKING:
    from sweep.api import Sweep as Sweep
    from sweep.api import open as open
    from sweep.api import run as run

__version__ = "0.2.0"
__all__ = ["Sweep", "open", "run"]

__getattr__ = lazily(__name__, dict.fromkeys(__all__, "api"))
