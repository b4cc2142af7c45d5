"""Whether a card computes what a CPU does, and never waits inside a step; captured steps; checkpoints; memory."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from helpers.training.fake_cases import Case

from benchmarks.gpu.alone import ALONE, ALONE_CAPTURED
from benchmarks.gpu.cases import (
    APART,
    SharedDraws,
    apart,
    batches_of,
    captured,
    chosen,
    gradients,
    repeatable,
    step_of,
    train,
)
from benchmarks.gpu.parts import Figures, Settings, Skipped, Wrong
from ganlib.heap import give_back
from ganlib.models import choice
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.capture import MOVING

FIRST, LATER = 1e-3, 5e-2
"""How far the first gradient of a step may be from the CPU's, and the later ones, which follow an update: the length
of the difference as a share of the gradient's."""
NARROW = 16
"""Width of the networks that are compared with the CPU's."""
SYNC_STEPS, STEPS, TINY_STEPS = 20, 32, 8
"""Of steps without capture; of captured ones, enough that each size of a growing network is recorded; of a dry run."""
NOISE = 10.0
"""How many times as far as two eager runs a captured one may be from an eager one, where that is beyond `APART`."""
SHARES = {"synchronisations": 0.35, "against the CPU": 0.35, "captured": 0.8}
"""Of the time of their part, for the checks of all cases; they begin with the quickest answer."""


def check(settings: Settings, figures: Figures) -> None:
    """Check all that is not captured.

    Raises:
        ChecksFailed: At the end, if anything was wrong.
    """
    _check(
        settings,
        figures,
        ALONE,
        {"synchronisations": _no_synchronisation, "against the CPU": _against_the_cpu},
    )


def check_captured(settings: Settings, figures: Figures) -> None:
    """Check captured steps, in a process of their own: a recording that fails may take the card from it.

    Raises:
        ChecksFailed: At the end, if anything was wrong.
    """
    _check(settings, figures, ALONE_CAPTURED, {"captured": _captured})


def _check(
    settings: Settings,
    figures: Figures,
    alone: Mapping[str, Callable[[Settings, torch.device], object]],
    of_cases: Mapping[str, Callable[[Settings, torch.device, Case], object]],
) -> None:
    device = torch.device(settings.device)
    choice.LEAST_WORK = sys.maxsize  # what is compared with the card is torch's library, and nothing is timed
    figures.note(
        tolerances={
            "first gradient": FIRST,
            "later gradients": LATER,
            "two runs": APART,
            "times noise": NOISE,
        }
    )
    with figures.judged():
        for name, work in alone.items():
            figures.check("one by one", name, partial(work, settings, device))
        for group, of_case in of_cases.items():
            until = settings.left - SHARES[group] * settings.seconds
            for name, case in chosen(settings).items():
                if settings.left < max(until, 0.05 * settings.seconds):
                    figures.check(group, name, _no_time)
                    continue
                figures.check(group, name, partial(of_case, settings, device, case))
                give_back(device)


def _no_time() -> None:
    raise Skipped("no time left")


# ---- of each case --------------------------------------------------------------------------------------------------


def _no_synchronisation(settings: Settings, device: torch.device, case: Case) -> dict[str, Any]:
    """Take steps on a card that refuses to be waited for."""
    step, batches = step_of(case, device, settings.tiny, capture="off"), batches_of(case, device)
    if device.type == "cpu":
        train(step, batches, 2)
        raise Skipped("needs CUDA")
    torch.cuda.synchronize()
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        train(step, batches, SYNC_STEPS)
    finally:
        torch.cuda.set_sync_debug_mode(before)
    return {"steps": SYNC_STEPS}


def _captured(settings: Settings, device: torch.device, case: Case) -> dict[str, Any]:
    """Take the same steps captured and eager, and eager once more: how far two eager runs are apart is noise."""
    steps = TINY_STEPS if settings.tiny else STEPS

    def ran(capture: str) -> AdversarialStep:
        step = step_of(case, device, settings.tiny, capture=capture)
        train(captured(step) if capture == "auto" else step, batches_of(case, device), steps)
        return step

    with repeatable():
        eager = ran("off").state()
        noise = apart(eager, ran("off").state())
        played = ran("auto")
    found = apart(eager, played.state())
    assert played.player is not None
    found |= {
        "refused": played.refused,
        "recordings": len(played.player._plays),
        "noise": noise["apart"],
        "steps": steps,
    }
    if MOVING not in played.refused and (played.refused or not found["recordings"]):
        raise Wrong("steps are not recorded", found)
    if not found["apart"] <= max(APART, NOISE * noise["apart"]):
        raise Wrong("captured and eager steps differ", found)
    if noise["equal"] and not found["equal"]:
        raise Wrong("two eager runs are equal to the last bit, a captured one is not", found)
    return found


def _against_the_cpu(settings: Settings, device: torch.device, case: Case) -> dict[str, Any]:
    """Take one step in float32 on the card and on the CPU, from equal weights, batches and random numbers."""
    made: list[AdversarialStep] = []
    for where in (torch.device("cpu"), device):
        step = step_of(case, where, settings.tiny, NARROW, capture="off", precision="fp32")
        if made:
            step.load_state(made[0].state())
            step.random.manual_seed(1)  # what it draws by itself is not what the other one draws
        made.append(step)
    seen = [gradients(step) for step in made]
    with repeatable():
        for step in made:
            batches = batches_of(case, step.device)
            with SharedDraws():
                train(step, batches, 1)
    shares = [float((a - b).norm() / a.norm().clamp_min(1e-30)) for a, b in zip(*seen, strict=True)]
    losses = [vars(step.read_means()) for step in made]
    found = {"gradients": shares, "losses": [(one["loss_g"], one["loss_d"]) for one in losses]}
    allowed = [FIRST] + [LATER] * (len(shares) - 1)
    if not all(share <= limit for share, limit in zip(shares, allowed, strict=True)):
        raise Wrong("gradients differ from the CPU's", found)
    return found
