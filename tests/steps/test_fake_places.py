"""Where batches lie on a card that is not there: with their pictures, in places of recorded steps, or on the host."""

import pytest
from helpers.training.fake_card import MEMORY
from helpers.training.fake_cases import CASES
from helpers.training.fake_steps import take

from ganlib.steps.capture import WARM, Work

EACH = (
    "loss bce",
    "momentum and weight decay",
    "dcgan with classes, 32 px",
    "cyclegan, one block, pool of 12, no identity",
    "cartoongan, one block, textures, landmarks, flips",
)


class Plain:
    """Records nothing: a recorded step is taken anew, and by way of the places that it would find."""

    def __init__(self) -> None:
        self.recorded = 0

    def warm(self, work: Work) -> None:
        work()

    def record(self, work: Work) -> Work:
        self.recorded += 1
        return work


@pytest.mark.parametrize(
    ("memory", "held"),
    [(MEMORY, True), (0, True), (0, False)],
    ids=["held, on the card", "held, on the host", "as they come, on the host"],
)
@pytest.mark.parametrize("name", EACH)
def test_batches_come_to_a_card_without_waiting(name: str, memory: int, held: bool) -> None:
    """(As they come, on the card: all cases of test_fake_cuda.py.)"""
    recorder = Plain() if held else None
    step = take(CASES[name], WARM + 2, recorder, memory)
    assert step.steps == WARM + 2
    assert recorder is None or recorder.recorded
