"""The distributions of a search space, with Optuna's field names (Akiba et al. 2019, https://arxiv.org/abs/1907.10902)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

Kind = Literal["float", "int", "str", "bool", "json"]
Conditions = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Float:
    """A real number in [low, high]; ``log``: uniform in the logarithm; ``step``: only low + k * step."""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: Conditions = field(default_factory=dict)

    kind: ClassVar[Kind] = "float"
    is_numeric: ClassVar[bool] = True

    def optuna(self) -> "FloatDistribution":
        """The same as an Optuna distribution."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def suggest(self, trial: "Trial", path: str) -> Any:  # noqa: ANN401
        """Ask ``trial`` for a value."""
        return trial.suggest_float(path, self.low, self.high, log=self.log, step=self.step)

    def grid_size(self) -> int | None:
        """How many values it has; None when it is continuous."""
        if self.low == self.high:
            return 1
        return None if self.step is None else steps_between(self.low, self.high, self.step) + 1

    def grid(self) -> list[Any]:
        """All its values; call only where `grid_size` is a number."""
        step = Decimal(str(self.step or 0))
        return [float(Decimal(str(self.low)) + k * step) for k in range(self.grid_size() or 0)]

    def extremes(self) -> list[Any]:
        """The ends of the range."""
        return [self.low] if self.low == self.high else [self.low, self.high]

    def plain(self) -> dict[str, Any]:
        """As it is written in a spec, without ``when``."""
        step = {} if self.step is None else {"step": self.step}
        return (
            {"type": "float", "low": self.low, "high": self.high} | ({"log": True} if self.log else {}) | step
        )


@dataclass(frozen=True)
class Int:
    """A whole number in [low, high], both included; ``log`` and ``step`` as in `Float`."""

    low: int
    high: int
    log: bool = False
    step: int = 1
    when: Conditions = field(default_factory=dict)

    kind: ClassVar[Kind] = "int"
    is_numeric: ClassVar[bool] = True

    def optuna(self) -> "IntDistribution":
        """The same as an Optuna distribution."""
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log, step=self.step)

    def suggest(self, trial: "Trial", path: str) -> Any:  # noqa: ANN401
        """Ask ``trial`` for a value."""
        return trial.suggest_int(path, self.low, self.high, log=self.log, step=self.step)

    def grid_size(self) -> int | None:
        """How many values it has; None with ``log``, whose spacing a grid would ignore."""
        return None if self.log and self.low != self.high else (self.high - self.low) // self.step + 1

    def grid(self) -> list[Any]:
        """All its values; call only where `grid_size` is a number."""
        return list(range(self.low, self.high + 1, self.step))

    def extremes(self) -> list[Any]:
        """The ends of the range."""
        return [self.low] if self.low == self.high else [self.low, self.high]

    def plain(self) -> dict[str, Any]:
        """As it is written in a spec, without ``when``."""
        step = {} if self.step == 1 else {"step": self.step}
        return (
            {"type": "int", "low": self.low, "high": self.high} | ({"log": True} if self.log else {}) | step
        )


@dataclass(frozen=True)
class Categorical:
    """One of ``choices``, which have no order; a choice may be a list."""

    choices: tuple[Any, ...]
    when: Conditions = field(default_factory=dict)

    is_numeric: ClassVar[bool] = False

    @property
    def kind(self) -> Kind:
        """The narrowest type that holds every choice; ``json`` for lists, null and mixtures."""
        types = {type(choice) for choice in self.choices}
        for kind, allowed in _KINDS.items():
            if types <= allowed:
                return kind
        return "json"

    def optuna(self) -> "CategoricalDistribution":
        """The same as an Optuna distribution; lists are stored as JSON text, which any storage can hold."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([stored(choice) for choice in self.choices])

    def suggest(self, trial: "Trial", path: str) -> Any:  # noqa: ANN401
        """Ask ``trial`` for a value."""
        chosen = trial.suggest_categorical(path, [stored(choice) for choice in self.choices])
        return next(choice for choice in self.choices if stored(choice) == chosen)

    def grid_size(self) -> int:
        """How many choices there are."""
        return len(self.choices)

    def grid(self) -> list[Any]:
        """All choices."""
        return list(self.choices)

    def extremes(self) -> list[Any]:
        """All choices."""
        return list(self.choices)

    def plain(self) -> dict[str, Any]:
        """As it is written in a spec, without ``when``."""
        return {"type": "categorical", "choices": list(self.choices)}


Distribution = Float | Int | Categorical
_KINDS: dict[Kind, set[type]] = {"bool": {bool}, "int": {int}, "float": {int, float}, "str": {str}}


def steps_between(low: float, high: float, step: float) -> int:
    """How many whole steps fit between low and high, in decimal arithmetic (0.8 to 1.0 by 0.1 is 2)."""
    return int((Decimal(str(high)) - Decimal(str(low))) // Decimal(str(step)))


def stored(choice: object) -> Any:  # noqa: ANN401 - one of Optuna's scalar types
    """A choice as Optuna stores it: a list as JSON."""
    return json.dumps(choice) if isinstance(choice, list | tuple) else choice
