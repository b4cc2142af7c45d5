"""Say what can be configured, as typed and validated objects; nothing heavy is imported here.

Each class is one section of a spec with plain values in it. They are built once, at the edge; everything inside takes
them, or plain arguments, and does not validate again. The text under each field says what it does, its unit and its
source; docs/systems.md is made from them (``make keys``).

Names are imported when they are first asked for: who only reads a sweep needs one of the classes, and making all takes
longer than reading.
"""

from typing import TYPE_CHECKING

from ganlib.registry import lazily

if TYPE_CHECKING:
    from ganlib.config.ancestor import Ancestor as Ancestor
    from ganlib.config.collapse import CollapseConfig as CollapseConfig
    from ganlib.config.data import AVATAR_COUNT as AVATAR_COUNT
    from ganlib.config.data import AVATARS as AVATARS
    from ganlib.config.data import DataConfig as DataConfig
    from ganlib.config.data import PhotosConfig as PhotosConfig
    from ganlib.config.data import PictureSource as PictureSource
    from ganlib.config.evaluate import EvaluateConfig as EvaluateConfig
    from ganlib.config.model import ModelConfig as ModelConfig
    from ganlib.config.model import Norm as Norm
    from ganlib.config.section import Section as Section
    from ganlib.config.section import Unit as Unit
    from ganlib.config.train import TrainConfig as TrainConfig
    from ganlib.config.trial import TrialConfig as TrialConfig

_MODULES = {
    "AVATARS": "data",
    "AVATAR_COUNT": "data",
    "Ancestor": "ancestor",
    "CollapseConfig": "collapse",
    "DataConfig": "data",
    "EvaluateConfig": "evaluate",
    "ModelConfig": "model",
    "Norm": "model",
    "PhotosConfig": "data",
    "PictureSource": "data",
    "Section": "section",
    "TrainConfig": "train",
    "TrialConfig": "trial",
    "Unit": "section",
}

__getattr__ = lazily(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted(_MODULES)
