"""How far trials of a sweep that has a time may train."""

import pytest

from sweep import durations
from sweep.commands.planning import fitting
from sweep.commands.planning.fitting import open_end
from sweep.spec.specification import parse

LR = "lr_g: {type: float, low: 1e-4, high: 1e-2}"
EVERY = "evaluate: {every: 2, unit: kimg}\n"


@pytest.mark.parametrize(
    ("asha", "wanted"),
    [
        ("{grace: 2, max: 20, unit: kimg}", ("asha.max=430",)),
        ("{grace: 2, max: 20}", ("asha.max=140",)),
        ("{grace: 2, max: 20, unit: kimg, variant: stop}", ("asha.max=430", "asha.variant=promote")),
    ],
)
def test_the_best_may_train_all_the_time_while_others_wait(asha: str, wanted: tuple[str, ...]) -> None:
    assert open_end(parse(f"train: {{{LR}}}\n{EVERY}asha: {asha}\n"), 3000, 431.7) == wanted


@pytest.mark.parametrize(
    "train",
    [
        "kimg: 40",
        "epochs: 9",
        "decay_from: 0.5",
        "decay_from: {type: float, low: 0.1, high: 0.9}",
        "instance_noise: 0.1",
        "smoothing: {from: 0.9, to: 1.0}",
        "r1_gamma: {from: {type: float, low: 1, high: 3}, to: 0.1}",
    ],
)
def test_where_the_end_matters_for_training_it_stays(train: str) -> None:
    spec = parse(f"train: {{{LR}, {train}}}\n{EVERY}asha: {{grace: 2, max: 20, unit: kimg}}\n")
    assert open_end(spec, 3000, 431.7) == ()


def test_without_rungs_nobody_is_the_best_on_the_way() -> None:
    assert open_end(parse(f"train: {{{LR}, kimg: 40}}\n{EVERY}"), 3000, 431.7) == ()


@pytest.mark.parametrize(("least", "told"), [(100, "--time 2m would do"), (4000, "--time 1h"), (1e9, "")])
def test_a_time_that_would_do_is_named(least: float, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "balanced", lambda limit: limit if limit >= least else None)
    enough = fitting._enough(60, lambda seconds: seconds)  # type: ignore[arg-type,return-value]
    assert enough.startswith("more time")
    assert told in enough
    if told:
        named = durations.seconds(enough.split()[3])
        assert least <= named <= 1.5 * least
