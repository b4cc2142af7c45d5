"""Training steps of every kind on a device, and how far two of them are apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from helpers.training.fake_cases import CASES, Case
from helpers.training.fake_steps import BATCH, LANDMARKS, PICTURES, noise
from helpers.training.rehearsal import Rehearsal
from torch import Tensor
from torch.overrides import TorchFunctionMode

from benchmarks.gpu.parts import Settings
from ganlib.config import DataConfig, ModelConfig, TrainConfig
from ganlib.names import FAMILIES
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.capture import Player
from ganlib.steps.stream import Batches

GROWING = "stylegan with classes, growing, style_mixing"
ALL: dict[str, Case] = {
    **CASES,
    # As they are in the tables, they would neither grow nor skip a term within some steps.
    GROWING: replace(
        CASES[GROWING], size=32, train={"style_mixing": 0.9, "grow_kimg": 0.048, "fade_kimg": 0.04}
    ),
    "r1_gamma, every third step, and ada_target": Case(
        train={"r1_gamma": 1.0, "r1_every": 3, "ada_target": 0.6, "ada_kimg": 1.0}
    ),
}
"""All cases of the tables of operators, and some more."""
APART = 1e-2
"""How far two runs that should be one may be apart at their end, as a share of the largest number of a tensor. Whether
they are equal to the last bit is in the figures."""
FEW: dict[str, Case] = {
    "loss bce": replace(ALL["loss bce"], size=32),
    "gp_every 2": replace(ALL["gp_every 2"], size=32),
    "labels, dropout": Case({"d_dropout": 0.3}, {"soft_labels": 0.1, "augment_p": 0.5}, classes=3, size=32),
}
"""Cases that try out the program itself."""


def chosen(settings: Settings) -> dict[str, Case]:
    """Give the cases that are measured: one of each family first, for where the time is short."""
    cases = FEW if settings.tiny else ALL
    first = {case.model.get("family", "dcgan"): name for name, case in reversed(cases.items())}
    return {name: cases[name] for name in (*first.values(), *cases)}


def step_of(
    case: Case, device: torch.device, tiny: bool, width: int | None = None, **train: Any
) -> AdversarialStep:
    """Make the step of a case.

    Args:
        case: Its configuration; weights to begin with, which would be a file, are left out.
        device: Where it lives.
        tiny: Whether its networks are of width 4.
        width: Of its networks, in place of their family's own.
        train: Keys of ``train`` that replace those of the case.
    """
    smaller: dict[str, Any] = {"width": 4, "latent_dim": 4} if tiny else {"width": width} if width else {}
    model = smaller | {key: value for key, value in case.model.items() if key not in ("init", "freeze_d")}
    make: type[AdversarialStep] = FAMILIES[model.get("family", "dcgan")].load_step()
    data = DataConfig(size=case.size, channels=case.channels)
    config = TrainConfig(**{"batch_size": BATCH, **case.train, **train})
    step = make(data, ModelConfig(**model), config, 0, device, case.classes)
    if case.train.get("landmark_weight"):
        points = torch.rand((PICTURES, LANDMARKS, 2), generator=torch.Generator().manual_seed(0))
        step.landmarks = points.to(device)
    return step


def batches_of(case: Case, device: torch.device) -> Batches:
    """Stream noise in the place of pictures, with classes where the case has some."""
    return noise(case, device, case.size)


def train(step: AdversarialStep, batches: Batches, steps: int, start: int = 0) -> None:
    """Take steps, with all that is scheduled."""
    for number in range(start, start + steps):
        kimg = (number + 1) * step.pictures_per_step / 1000
        step.schedule(kimg, 0.99**number, number / 100, epoch=number * BATCH / PICTURES)
        step(batches)


def tensors(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """List all tensors of a state by their places, but for random numbers and Adagrad's counts of steps.

    Nothing reads those; where torch has no fused Adagrad they lie on the processor and stand still in recorded steps.
    """
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, dict):
        unread = {"random", "step"} if value.keys() == {"step", "sum"} else {"random"}
        for key, one in value.items():
            if key not in unread:
                yield from tensors(one, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from tensors(one, f"{name}.{number}")


def apart(one: Any, other: Any) -> dict[str, Any]:
    """Compare two states.

    Returns:
        ``equal``: whether all tensors are the same to the last bit; ``apart``: the largest difference of any tensor,
        as a share of its largest number; ``where``: in which.
    """
    worst, where, equal = 0.0, "", True
    others = dict(tensors(other))
    for name, tensor in tensors(one):
        a, b = tensor.detach().cpu(), others[name].detach().cpu()
        if torch.equal(a, b):
            continue
        equal = False
        a, b = a.double(), b.double()
        share = float((a - b).abs().max() / a.abs().max().clamp_min(1e-12))
        if not share <= worst:  # also where it is no number
            worst, where = share, name
    return {"equal": equal, "apart": worst, "where": where}


class SharedDraws(TorchFunctionMode):
    """Random numbers that are equal on all devices: drawn on the CPU, whatever generator is asked.

    Args:
        seed: Of the numbers.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self._random = torch.Generator().manual_seed(seed)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Replace a draw on a device; all else is done as it is."""
        given = dict(kwargs or {})
        device = given.get("device")
        if device is None or given.get("generator") is None:
            return func(*args, **given)
        return func(*args, **given | {"generator": self._random, "device": "cpu"}).to(device)


def gradients(step: AdversarialStep) -> list[Tensor]:
    """Collect the gradients that each optimizer is given from now on, one vector for each of its steps."""
    seen: list[Tensor] = []

    def keep(made: torch.optim.Optimizer, *_: Any) -> None:
        parts = [
            weight.grad.detach().double().flatten().cpu()
            for group in made.param_groups
            for weight in group["params"]
            if weight.grad is not None
        ]
        seen.append(torch.cat(parts))

    for made in (step.optimizer_d, step.optimizer_g):
        made.register_step_pre_hook(keep)
    return seen


@contextmanager
def repeatable() -> Iterator[None]:
    """Let cuDNN choose kernels whose sums have an order, and always the same ones."""
    flags = torch.backends.cudnn
    before = flags.benchmark, flags.deterministic
    flags.benchmark, flags.deterministic = False, True
    try:
        yield
    finally:
        flags.benchmark, flags.deterministic = before


def captured(step: AdversarialStep) -> AdversarialStep:
    """Let a step be recorded on a CPU too, by a stand-in for the graph."""
    if step.device.type == "cpu":
        step.player = Player(Rehearsal())
    return step
