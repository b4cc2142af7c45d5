"""Whether a card computes what a CPU does, and never waits inside a step; captured steps; checkpoints; memory."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from helpers.fake_steps import Case
from helpers.rehearsal import Rehearsal

from benchmarks.gpu.cases import SharedDraws, apart, batches_of, chosen, gradients, step_of, train
from benchmarks.gpu.parts import Figures, Settings, Skipped, Wrong
from ganlib.config import EvaluateConfig
from ganlib.metrics import Evaluator, fid_from_features, kid_from_features
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.capture import Player
from ganlib.steps.stream import BatchStream
from ganlib.training import checkpoint
from sweep.worker.faults import kind_of

FIRST, LATER = 1e-3, 5e-2
"""How far the first gradient of a step may be from the CPU's, and the later ones, which follow an update: the length
of the difference as a share of the gradient's."""
NARROW = 16
"""Width of the networks that are compared with the CPU's."""
SYNC_STEPS, STEPS = 20, 30
APART, NOISE = 1e-2, 10.0
"""How far two runs that should be one may be apart at their end: a share of the largest number of a tensor, or so many
times as far as two eager runs are. Whether they are equal to the last bit is in the figures."""
SHARES = {"synchronisations": 0.2, "captured": 0.45, "against the CPU": 0.2}
"""Of the part's time, for the checks of all cases; they begin with the quickest answer."""


def check(settings: Settings, figures: Figures) -> None:
    """Check everything.

    Raises:
        ChecksFailed: At the end, if anything was wrong.
    """
    device = torch.device(settings.device)
    figures.note(
        tolerances={
            "first gradient": FIRST,
            "later gradients": LATER,
            "two runs": APART,
            "times noise": NOISE,
        }
    )
    with figures.judged():
        for name, work in (
            ("metrics", _metrics),
            ("features", _features),
            ("out of memory", _out_of_memory),
            ("save, load, resume; eager", partial(_resume, capture="off")),
            ("save, load, resume; captured", partial(_resume, capture="auto")),
            ("a checkpoint on the CPU, and back", _elsewhere),
        ):
            figures.check("one by one", name, partial(work, settings, device))
        checks: dict[str, Callable[[Settings, torch.device, Case], object]] = {
            "synchronisations": _no_synchronisation,
            "captured": _captured,
            "against the CPU": _against_the_cpu,
        }
        for group, of_case in checks.items():
            until = settings.left - SHARES[group] * settings.seconds
            for name, case in chosen(settings).items():
                if settings.left < max(until, 0.05 * settings.seconds):
                    figures.check(group, name, _no_time)
                    continue
                figures.check(group, name, partial(of_case, settings, device, case))
                if device.type == "cuda":
                    torch.cuda.empty_cache()


def _no_time() -> None:
    raise Skipped("no time left")


@contextmanager
def _repeatable() -> Iterator[None]:
    """Let cuDNN choose kernels whose sums have an order, and always the same ones."""
    flags = torch.backends.cudnn
    before = flags.benchmark, flags.deterministic
    flags.benchmark, flags.deterministic = False, True
    try:
        yield
    finally:
        flags.benchmark, flags.deterministic = before


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
    steps = STEPS if not settings.tiny else 8

    def ran(capture: str) -> AdversarialStep:
        step = step_of(case, device, settings.tiny, capture=capture)
        if device.type == "cpu" and capture == "auto":
            step.player = Player(Rehearsal())
        train(step, batches_of(case, device), steps)
        return step

    with _repeatable():
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
    if not found["apart"] <= max(APART, NOISE * noise["apart"]):
        raise Wrong("captured and eager steps differ", found)
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
    with _repeatable():
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


# ---- one by one ----------------------------------------------------------------------------------------------------

RESUMED = Case(train={"r1_gamma": 1.0, "r1_every": 3, "augment_p": 0.5}, size=32)


def _resume(settings: Settings, device: torch.device, capture: str) -> dict[str, Any]:
    """Train on from a checkpoint, and without one."""

    def made() -> AdversarialStep:
        step = step_of(RESUMED, device, settings.tiny, capture=capture)
        if device.type == "cpu" and capture == "auto":
            step.player = Player(Rehearsal())
        return step

    before, after = (12, 12) if not settings.tiny else (7, 5)
    with _repeatable():
        step, batches = made(), batches_of(RESUMED, device)
        train(step, batches, before)
        saved = checkpoint.dump({"step": step.state()})
        train(step, batches, after, before)
        resumed, again = made(), batches_of(RESUMED, device)
        _skip(again, before)
        if not resumed.load_state(checkpoint.load(saved, "saved", device)["step"]):
            raise AssertionError("random numbers did not go on")
        train(resumed, again, after, before)
    found = apart(step.state(), resumed.state())
    if not torch.equal(step.random.get_state(), resumed.random.get_state()):
        raise AssertionError("random numbers went on elsewhere")
    if not found["apart"] <= APART:
        raise Wrong("a resumed run differs", found)
    return found


def _skip(batches: Any, steps: int) -> None:
    """Go to the place in a stream where a run was."""
    batches.shown += steps * batches.batch_size


def _elsewhere(settings: Settings, device: torch.device) -> dict[str, Any]:
    """Load a checkpoint of the card on the CPU, train there, and come back."""
    cpu = torch.device("cpu")
    here = step_of(RESUMED, device, settings.tiny)
    train(here, batches_of(RESUMED, device), 5)
    there = step_of(RESUMED, cpu, settings.tiny)
    dumped = checkpoint.dump({"step": here.state()})
    goes_on = there.load_state(checkpoint.load(dumped, "of the card", cpu)["step"])
    found: dict[str, Any] = {"there": apart(here.state(), there.state()), "random numbers go on": goes_on}
    train(there, batches_of(RESUMED, cpu), 2, 5)
    dumped = checkpoint.dump({"step": there.state()})
    here.load_state(checkpoint.load(dumped, "of the CPU", device)["step"])
    found["back"] = apart(there.state(), here.state())
    train(here, batches_of(RESUMED, device), 4, 7)
    if goes_on is not (device.type == "cpu") or not (found["there"]["equal"] and found["back"]["equal"]):
        raise Wrong("a state does not travel", found)
    return found


def _out_of_memory(settings: Settings, device: torch.device) -> dict[str, Any]:
    """Run out of memory in a step, eager and captured, and train on with a smaller one."""
    if device.type == "cpu":
        raise Skipped("needs CUDA")
    case, found = Case(size=64), {}
    small = step_of(case, device, settings.tiny)
    train(small, batches_of(case, device), 1)
    for capture in ("off", "auto"):
        total = torch.cuda.mem_get_info()[1]
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + (256 << 20)) / total)
        try:
            _too_large(device, capture)
            raise Wrong("a batch of 16,384 pictures fits into 256 MB", found)
        except RuntimeError as error:
            found[capture] = kind_of(error)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
            torch.cuda.empty_cache()
    train(small, batches_of(case, device), 5, 1)
    small.read_means()
    if set(found.values()) != {"memory"}:
        raise Wrong("it is not told as a fault of memory", found)
    return found


def _too_large(device: torch.device, capture: str) -> None:
    size, count = 64, 16384
    large = step_of(Case(size=size), device, False, capture=capture, batch_size=count)
    batches = BatchStream(torch.zeros((count, size, size, 3), dtype=torch.uint8), count, 0, device)
    train(large, batches, 5)
    large.read_means()


def _metrics(settings: Settings, device: torch.device) -> dict[str, Any]:
    """Compute metrics of equal features on the card and on the CPU."""
    n, d = (64, 32) if settings.tiny else (2048, 1280)
    drawn = np.random.default_rng(0).normal(size=(2, n, d)).astype(np.float32)
    real, fake = map(torch.from_numpy, drawn)
    fake = fake * 1.1 + 0.1
    found: dict[str, Any] = {}
    for name, measured in (("fid", fid_from_features), ("kid", lambda *x: kid_from_features(*x).mean)):
        cpu, card = float(measured(real, fake)), float(measured(real.to(device), fake.to(device)))
        found[name] = {"cpu": cpu, "card": card, "apart": abs(card - cpu) / abs(cpu)}
    if not all(one["apart"] <= 1e-6 for one in found.values()):
        raise Wrong("metrics of equal features differ", found)
    return found


def _features(settings: Settings, device: torch.device) -> dict[str, Any]:
    """Measure equal pictures on the card, under settings of training, and on the CPU."""
    n = 32 if settings.tiny else 96
    random = np.random.default_rng(1)
    real, fake = (random.integers(0, 256, (count, 64, 64, 3), np.uint8) for count in (n + 32, n))
    config = EvaluateConfig(n_fake=n, batch_size=32)
    values = []
    with tempfile.TemporaryDirectory() as cache:
        for where in (torch.device("cpu"), device):
            made = iter(torch.from_numpy(fake).permute(0, 3, 1, 2).to(where).split(32))
            with torch.autocast(where.type, torch.bfloat16):
                evaluator = Evaluator(real, "noise", config, where, Path(cache) / where.type)
                values.append(evaluator.score(lambda _, made=made: next(made)))
    (cpu, card) = values
    found = {"fid": (cpu.fid, card.fid), "kid": (cpu.kid, card.kid), "kid_se": cpu.kid_se}
    allowed = max(1e-3 * abs(cpu.kid), 0.01 * cpu.kid_se)
    if abs(card.fid - cpu.fid) > 1e-4 * cpu.fid or abs(card.kid - cpu.kid) > allowed:
        raise Wrong("scores of equal pictures differ", found)
    return found
