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
    """A range of real numbers.

    Attributes:
        low: The lower end, included.
        high: The upper end, included; at least ``low``.
        log: Whether values are drawn uniformly in the logarithm; needs a ``low`` above 0.
        step: Distance between values, which are then ``low + k * step``; None for all numbers of the range.
        when: The values that other searched keys must have for this one to be active, by path.
        kind: The column type of the values.
        is_numeric: Whether the values have an order.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: Conditions = field(default_factory=dict)

    kind: ClassVar[Kind] = "float"
    is_numeric: ClassVar[bool] = True

    def optuna(self) -> "FloatDistribution":
        """Convert the range to an Optuna distribution."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def suggest(self, trial: "Trial", path: str) -> Any:  # noqa: ANN401
        """Ask an Optuna trial for a value of the key at ``path``."""
        return trial.suggest_float(path, self.low, self.high, log=self.log, step=self.step)

    def grid_size(self) -> int | None:
        """Count the values of the range; None where it is continuous."""
        if self.low == self.high:
            return 1
        return None if self.step is None else steps_between(self.low, self.high, self.step) + 1

    def grid(self) -> list[Any]:
        """List the values of the range, rising; only for a range whose `grid_size` is a number."""
        step = Decimal(str(self.step or 0))
        return [float(Decimal(str(self.low)) + k * step) for k in range(self.grid_size() or 0)]

    def contains(self, value: object) -> bool:
        """Say whether a value can be drawn, up to 1e-9 of a step."""
        if not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / self.step if self.step else 0.0
        return abs(steps - round(steps)) < 1e-9

    def extremes(self) -> list[Any]:
        """List the ends of the range: one value where both ends are equal."""
        return [self.low] if self.low == self.high else [self.low, self.high]

    def plain(self) -> dict[str, Any]:
        """Give the distribution as a spec has it, without ``when`` and without defaults."""
        step = {} if self.step is None else {"step": self.step}
        return (
            {"type": "float", "low": self.low, "high": self.high} | ({"log": True} if self.log else {}) | step
        )


@dataclass(frozen=True)
class Int:
    """A range of whole numbers.

    Attributes:
        low: The lower end, included.
        high: The upper end, included; at least ``low``.
        log: Whether values are drawn uniformly in the logarithm; needs a ``low`` above 0.
        step: Distance between values, at least 1.
        when: The values that other searched keys must have for this one to be active, by path.
        kind: The column type of the values.
        is_numeric: Whether the values have an order.
    """

    low: int
    high: int
    log: bool = False
    step: int = 1
    when: Conditions = field(default_factory=dict)

    kind: ClassVar[Kind] = "int"
    is_numeric: ClassVar[bool] = True

    def optuna(self) -> "IntDistribution":
        """Convert the range to an Optuna distribution."""
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log, step=self.step)

    def suggest(self, trial: "Trial", path: str) -> Any:  # noqa: ANN401
        """Ask an Optuna trial for a value of the key at ``path``."""
        return trial.suggest_int(path, self.low, self.high, log=self.log, step=self.step)

    def grid_size(self) -> int | None:
        """Count the values of the range; None with ``log``, whose spacing a grid would ignore."""
        return None if self.log and self.low != self.high else (self.high - self.low) // self.step + 1

    def grid(self) -> list[Any]:
        """List the values of the range, rising; only for a range whose `grid_size` is a number."""
        return list(range(self.low, self.high + 1, self.step))

    def contains(self, value: object) -> bool:
        """Say whether a value can be drawn."""
        if not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        return (value - self.low) % self.step == 0

    def extremes(self) -> list[Any]:
        """List the ends of the range: one value where both ends are equal."""
        return [self.low] if self.low == self.high else [self.low, self.high]

    def plain(self) -> dict[str, Any]:
        """Give the distribution as a spec has it, without ``when`` and without defaults."""
        step = {} if self.step == 1 else {"step": self.step}
        return (
            {"type": "int", "low": self.low, "high": self.high} | ({"log": True} if self.log else {}) | step
        )


@dataclass(frozen=True)
class Categorical:
    """A choice among values that have no order.

    Attributes:
        choices: At least one value, each once; a value may be a list or a schedule.
        when: The values that other searched keys must have for this one to be active, by path.
        is_numeric: Whether the values have an order.
    """

    choices: tuple[Any, ...]
    when: Conditions = field(default_factory=dict)

    is_numeric: ClassVar[bool] = False

    @property
    def kind(self) -> Kind:
        """The narrowest type that holds every choice; ``json`` for lists, schedules, null and mixtures."""
        types = {type(choice) for choice in self.choices}
        for kind, allowed in _KINDS.items():
            if types <= allowed:
                return kind
        return "json"

    def optuna(self) -> "CategoricalDistribution":
        """Convert the choices to an Optuna distribution, with lists and schedules as JSON text."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([stored(choice) for choice in self.choices])

    def suggest(self, trial: "Trial", path: str) -> Any:  # noqa: ANN401
        """Ask an Optuna trial for a value of the key at ``path``."""
        chosen = trial.suggest_categorical(path, [stored(choice) for choice in self.choices])
        return next(choice for choice in self.choices if stored(choice) == chosen)

    def grid_size(self) -> int:
        """Count the choices."""
        return len(self.choices)

    def grid(self) -> list[Any]:
        """List the choices in the order of the spec."""
        return list(self.choices)

    def contains(self, value: object) -> bool:
        """Say whether a value is among the choices."""
        return value in self.choices

    def extremes(self) -> list[Any]:
        """List the choices in the order of the spec."""
        return list(self.choices)

    def plain(self) -> dict[str, Any]:
        """Give the distribution as a spec has it, without ``when`` and without defaults."""
        return {"type": "categorical", "choices": list(self.choices)}


Distribution = Float | Int | Categorical
TYPES: dict[str, type[Distribution]] = {"float": Float, "int": Int, "categorical": Categorical}
"""What a spec can name as ``type``; `sweep.spec.reading.distribution` reads each, `sweep.spec.space` words it."""
_KINDS: dict[Kind, set[type]] = {"bool": {bool}, "int": {int}, "float": {int, float}, "str": {str}}


def steps_between(low: float, high: float, step: float) -> int:
    """Count the whole steps that fit between low and high, in decimal arithmetic (0.8 to 1.0 by 0.1 is 2)."""
    return int((Decimal(str(high)) - Decimal(str(low))) // Decimal(str(step)))


def stored(choice: object) -> Any:  # noqa: ANN401 - one of Optuna's scalar types
    """Convert a choice to a value that Optuna can store: a list or a schedule becomes JSON text."""
    return json.dumps(choice) if isinstance(choice, list | tuple | dict) else choice
