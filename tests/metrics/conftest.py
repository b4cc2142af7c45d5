"""What tests of evaluators share."""

import pytest
from helpers.training.scoring import Tiny

from ganlib.metrics import (
    Extractor,
)
from ganlib.metrics import evaluator as evaluator_module


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Extractor:
    extractor = Extractor("tiny", "0" * 64, 12, Tiny())
    monkeypatch.setattr(evaluator_module, "load_extractor", lambda *_: extractor)
    return extractor
