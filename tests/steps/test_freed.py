"""A step that nobody uses is gone at once, and with it its memory of a GPU: no garbage must be collected for that."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from helpers.training.fake_cases import CASES
from helpers.training.recorded import step_of, stream, train
from helpers.training.rehearsal import Rehearsal


@pytest.fixture
def no_garbage() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_step_is_gone_with_its_last_user(name: str, no_garbage: None) -> None:
    case = CASES[name]
    step = step_of(case, Rehearsal())
    train(step, stream(case), 2)
    parts = {
        "step": step,
        **{part: getattr(step, part) for part in ("generator", "average", "discriminator")},
    }
    seen = {part: weakref.ref(one) for part, one in parts.items()}
    del step, parts
    assert [part for part, one in seen.items() if one() is not None] == []
