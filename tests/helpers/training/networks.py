"""Evaluators that cost nothing, and what two runs of training have in common."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ganlib.metrics import Extremes, Score
from ganlib.training.evaluation import Evaluation
from ganlib.training.fit import Fit


class MeanPicture:
    """A scorer that costs nothing: FID is the distance to a constant picture."""

    def __init__(self) -> None:
        self.seen: list[Tensor] = []

    def extremes(self, n_fake: int) -> Extremes:
        return Extremes(pixel_std=0.2, similarity=0.25, vendi=2.0, fid=0.0)

    def score(self, generate: Callable[[int], Tensor], n_fake: int, extent: str) -> Score:
        pictures = torch.cat([generate(3), generate(2)])
        self.seen.append(pictures)
        value = (pictures.float() - 30).abs().mean().item()
        return Score(value, value / 1000, 0.001, 40, 5, "mean", "0" * 64)


def plain(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation without the times it took, comparable with ``==``."""
    values = asdict(evaluation)
    del values["seconds_train"], values["seconds_eval"]
    return values | {"grid": evaluation.grid.pictures.tobytes(), "made": evaluation.made.tobytes()}


def bits(run: Fit) -> dict[str, bytes]:
    networks = (run.step.generator, run.step.discriminator, run.step.average)
    return {
        f"{number}.{name}": value.contiguous().numpy().tobytes()
        for number, network in enumerate(networks)
        for name, value in network.state_dict().items()
    }


class Watch(TorchDispatchMode):
    """Names of all operators that run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))
