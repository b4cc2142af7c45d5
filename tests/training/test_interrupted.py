"""An evaluation that is interrupted is made by whoever goes on, as if nothing had been."""

from collections.abc import Callable
from typing import Any

import pytest
from helpers.training.networks import MeanPicture, bits, plain
from helpers.training.tricks import TRICKS

from ganlib.training import checkpoint
from ganlib.training.fit import Fit, Interrupted

Make = Callable[..., Any]
KIMGS = [0.03, 0.054, 0.078, 0.084]
"""The first steps of 6 pictures that reach a multiple of 25, or the end of two epochs of 40."""


def resumed(run: Fit, *given: Any, **options: Any) -> Fit:
    """Another run, which goes on from a checkpoint of this one."""
    return Fit(
        *given, MeanPicture(), resume=checkpoint.load(checkpoint.dump(run.state()), "state"), **options
    )


def interrupting(at: float, made: bool, run: list[Fit]) -> Callable[[Callable[[], Any]], Any]:
    """An ``apart`` that interrupts the evaluation at some kimg, when it has been made but nobody has it, or before."""

    def apart(work: Callable[[], Any]) -> Any:
        if run[0].kimg != at:
            return work()
        if made:
            work()
        raise Interrupted

    return apart


@pytest.mark.parametrize("made", [False, True], ids=["before", "made"])
@pytest.mark.parametrize("options", [{}, TRICKS], ids=["plain", "tricks"])
@pytest.mark.parametrize("at", KIMGS)
def test_whoever_goes_on_makes_it(
    at: float, options: dict[str, Any], made: bool, pictures: Make, trial_config: Make
) -> None:
    """With the numbers, the stage of the ladder and the weights of a run that was left alone."""
    config = trial_config(
        epochs=2.0, batch_size=6, augment_p=0.3, evaluate={"every": 0.025, "unit": "kimg"}, **options
    ).model_copy(update={"ladder": ((0.025, 4),)})
    whole = Fit(config, pictures(), MeanPicture())
    evaluations = [plain(evaluation) for evaluation in whole]
    assert [evaluation["kimg"] for evaluation in evaluations] == KIMGS
    assert [evaluation["stage"] for evaluation in evaluations] == [0, 1, 1, 1]
    run: list[Fit] = []
    run.append(Fit(config, pictures(), MeanPicture(), apart=interrupting(at, made, run)))
    seen = []
    with pytest.raises(Interrupted):
        for evaluation in run[0]:
            seen.append(plain(evaluation))
    # And interrupted once more, before it has made a step.
    again: list[Fit] = []
    again.append(resumed(run[0], config, pictures(), apart=interrupting(at, made, again)))
    with pytest.raises(Interrupted):
        next(again[0])
    last = resumed(again[0], config, pictures())
    assert seen + [plain(evaluation) for evaluation in last] == evaluations
    assert bits(last) == bits(whole)


def test_its_seconds_are_those_of_training(
    pictures: Make, trial_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    config, asked = trial_config(epochs=1.0), iter([False, False, True])
    run = Fit(config, pictures(), MeanPicture(), interrupt=lambda: next(asked, False))
    with pytest.raises(Interrupted):
        next(run)
    now[0] += 7

    def apart(work: Callable[[], Any]) -> Any:
        now[0] += 20
        raise Interrupted

    run.apart = apart
    for _ in range(2):
        with pytest.raises(Interrupted):
            next(run)
    assert next(resumed(run, config, pictures())).seconds_train == 7


@pytest.mark.parametrize("at", KIMGS)
def test_checkpoints_that_have_lost_its_means_still_have_it_made(
    at: float, pictures: Make, trial_config: Make
) -> None:
    """As they were written before: without an end, nothing could be trained and nothing told."""
    config = trial_config(epochs=2.0, batch_size=6, evaluate={"every": 0.025, "unit": "kimg"})
    whole = [plain(evaluation) for evaluation in Fit(config, pictures(), MeanPicture())]
    run: list[Fit] = []
    run.append(Fit(config, pictures(), MeanPicture(), apart=interrupting(at, False, run)))
    with pytest.raises(Interrupted):
        list(run[0])
    run[0].step.read_means()
    again = [plain(evaluation) for evaluation in resumed(run[0], config, pictures())]
    assert [evaluation["kimg"] for evaluation in again] == [kimg for kimg in KIMGS if kimg >= at]
    assert again[0]["score"] == whole[KIMGS.index(at)]["score"]
    assert again[1:] == whole[KIMGS.index(at) + 1 :]


def test_one_that_was_made_after_all_can_be_passed_over(pictures: Make, trial_config: Make) -> None:
    config = trial_config(epochs=2.0, batch_size=6, evaluate={"every": 0.025, "unit": "kimg"})
    whole = Fit(config, pictures(), MeanPicture())
    evaluations = [plain(evaluation) for evaluation in whole]
    run: list[Fit] = []
    run.append(Fit(config, pictures(), MeanPicture(), apart=interrupting(KIMGS[1], False, run)))
    with pytest.raises(Interrupted):
        list(run[0])
    again = resumed(run[0], config, pictures())
    again.pass_over(KIMGS[1])
    assert [plain(evaluation) for evaluation in again] == evaluations[2:]
    assert bits(again) == bits(whole)
