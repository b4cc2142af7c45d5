"""The stand-in for CUDA graphs notices what a graph could not do; a step that cannot be recorded is taken as it is."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers.training.fake_cases import Case
from helpers.training.recorded import CPU, bits, step_of, stream, train
from helpers.training.rehearsal import OtherStep, Rehearsal
from torch import Tensor, nn

from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.capture import WARM, player


def replaced(step: AdversarialStep) -> None:
    step.sums = step.sums.clone()


def other_number(step: AdversarialStep) -> None:
    step.optimizer_d.param_groups[0]["weight_decay"] = 0.1


def other_weights(step: AdversarialStep) -> None:
    layer = next(module for module in step.generator.modules() if isinstance(module, nn.BatchNorm2d))
    layer.weight.data = layer.weight.data.clone()


def more_kernels(step: AdversarialStep) -> None:
    step.view.policies = ("color",)


@pytest.mark.parametrize("change", [replaced, other_number, other_weights, more_kernels])
def test_the_rehearsal_notices(change: Callable[[AdversarialStep], None]) -> None:
    step, batches = step_of(Case(), Rehearsal()), stream(Case())
    train(step, batches, WARM + 2)
    change(step)
    with pytest.raises(OtherStep):
        train(step, batches, 1, start=WARM + 2)


def test_the_rehearsal_notices_what_a_step_replaces_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def count(self: AdversarialStep, loss_g: Tensor, *others: Any) -> None:
        self.sums = self.sums + loss_g

    monkeypatch.setattr(AdversarialStep, "_count", count)
    with pytest.raises(OtherStep, match="add"):
        train(step_of(Case(), Rehearsal()), stream(Case()), WARM + 2)


def test_the_rehearsal_notices_numbers_that_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AdversarialStep, "_count", lambda self, loss, *others: loss.item())
    with pytest.raises(OtherStep, match="reads a number"):
        train(step_of(Case(), Rehearsal()), stream(Case()), WARM + 1)


class Refusing(Rehearsal):
    """Fails in the midst of each recording, as a GPU does at what it cannot record."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        self.recorded += 1
        calls = 0

        def later(*_: Any, **__: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise self.error

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(AdversarialStep, "_generate", later)
            work()
        raise AssertionError("it was to fail")


def test_a_step_that_cannot_be_recorded_is_taken_as_it_is() -> None:
    case = Case(train={"d_steps": 2})
    recorder = Refusing(RuntimeError("operation not permitted when stream is capturing\nand more"))
    refused, plain = step_of(case, recorder), step_of(case)
    for one in (refused, plain):
        train(one, stream(case), WARM + 3)
    assert bits(refused.state()) == bits(plain.state())
    assert recorder.recorded == 1
    assert refused.player is not None
    assert refused.player.refused == "operation not permitted when stream is capturing"


def test_memory_that_runs_out_is_no_refusal() -> None:
    step = step_of(Case(), Refusing(torch.OutOfMemoryError("out of memory")))
    with pytest.raises(torch.OutOfMemoryError):
        train(step, stream(Case()), WARM + 1)


def test_a_processor_records_nothing() -> None:
    random = torch.Generator()
    assert player("auto", CPU, random) is None
    assert player("off", torch.device("cuda"), random) is None
