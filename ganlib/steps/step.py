"""What a training step is to the loop: it can be taken, recorded, saved and taken over, whatever it learns."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator
from math import lcm
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from ganlib.augment import ada
from ganlib.augment.view import View
from ganlib.config import TrainConfig
from ganlib.steps.capture import WARM, Player
from ganlib.steps.copies import copied, mark
from ganlib.steps.noise import go_on
from ganlib.steps.numbers import Numbers
from ganlib.steps.optimizers import take_over
from ganlib.steps.precision import products
from ganlib.steps.stream import Batches

LONGEST = 500
"""Steps after which a step counts as settled, however many cases of terms it has."""


class Step(ABC):
    """A training step.

    What changes in training is a tensor on the device and is named in ``_MODULES`` or ``_TENSORS``, so that it is in
    checkpoints. It is changed in place, so that recordings of the step find it.

    Attributes:
        device: Where everything lives.
        train_config: Of the trial.
        critic_steps: Batches that one step takes.
        random: Where all random numbers come from.
        player: Records the step; None where it is taken as it is.
        seed: Of the initial weights and all random numbers.
        steps: How many have been taken.
    """

    device: torch.device
    train_config: TrainConfig
    critic_steps: int
    optimizer_g: Optimizer
    optimizer_d: Optimizer
    random: torch.Generator
    numbers: Numbers
    view: View
    sums: Tensor
    player: Player | None
    seed: int
    steps: int
    _MODULES: tuple[str, ...] = ()
    _TENSORS: tuple[str, ...] = ()

    def __call__(self, batches: Batches) -> None:
        """Take a step: train on ``critic_steps`` batches that are on the device, as the family's stream gives them."""
        if self.player is None:
            self._take(batches)
        else:
            self._play(self.player, batches)
        self.steps += 1

    def _take(self, batches: Batches) -> None:
        with products(self.train_config.precision, self.device):
            self._train(batches)

    @property
    def settling(self) -> int:
        """Count the steps after which none is slower than those to come: where they are recorded, all have been."""
        if self.player is None:
            return 1
        train = self.train_config
        terms = (
            (train.gp_every, True),
            (train.r1_every, train.r1_gamma),
            (train.r2_every, train.r2_gamma),
            (train.path_every, train.path_weight),
            (ada.INTERVAL, train.ada_target),
        )
        return min(LONGEST, (WARM + 1) * lcm(*(every for every, due in terms if due)) + 1)

    @property
    def refused(self) -> str:
        """Say why steps are not recorded although they were to be; empty as long as nothing is known against it."""
        return self.player.refused if self.player else ""

    def _play(self, player: Player, batches: Batches) -> None:
        def work() -> None:
            batches.rewind()
            self._take(batches)

        batches.hold(self.critic_steps)
        batches.fill()
        player((batches, self.shape()), self.due(), work)

    def shape(self) -> Hashable:
        """Give the numbers of Python that a step depends on, beside the configuration and what is `due`."""
        return tuple(
            group.get("betas") for one in (self.optimizer_g, self.optimizer_d) for group in one.param_groups
        )

    @abstractmethod
    def due(self) -> Hashable:
        """Give the terms that are due in the next step, those that come at every few steps."""

    @abstractmethod
    def _train(self, batches: Iterator[Any]) -> None:
        """Train the networks on ``critic_steps`` batches."""

    def state(self, wait: bool = True) -> dict[str, Any]:
        """Copy all that training depends on, as nested dicts of tensors in memory of the host and numbers.

        Args:
            wait: Whether the copy is whole when this returns, also on a GPU; see `ganlib.steps.copies.copied`.
        """
        parts: dict[str, Any] = {name: getattr(self, name).state_dict() for name in self._MODULES}
        parts |= {name: getattr(self, name) for name in self._TENSORS}
        copy = copied(parts | {"random": self.random.get_state(), "steps": self.steps})
        if wait:
            mark(self.device)()
        return copy

    def take_over(self, fresh: "Step") -> None:
        """Become another step, which has taken none, in the tensors that are there: recordings go on.

        Args:
            fresh: One of whose configuration `ganlib.steps.capture.recorded` says what it says of this one's.
        """
        self.load_state(fresh.state())
        self.seed, self.train_config = fresh.seed, fresh.train_config
        self.numbers.take_over(fresh.train_config)
        self.view.take_over(fresh.train_config)
        self.sums.zero_()

    def load_state(self, state: dict[str, Any]) -> bool:
        """Go on exactly where `state` was taken.

        Returns:
            Whether random numbers go on, too. Those of another kind of device cannot, because CPUs and GPUs have RNGs
            of their own. Then random numbers begin anew, from the seed and the steps taken.
        """
        for name in self._MODULES:
            part = getattr(self, name)
            if isinstance(part, Optimizer):
                take_over(part, state[name])
            else:
                part.load_state_dict(state[name])
        for name in self._TENSORS:
            getattr(self, name).copy_(state[name])
        self.steps = int(state["steps"])
        return go_on(self.random, state["random"].cpu(), (self.seed % 2**64, self.steps))
