"""The search space: which keys of a spec are searched, over what, and under which conditions.

The distributions carry Optuna's field names (Akiba et al. 2019, https://arxiv.org/abs/1907.10902). A space is
define-by-run: a conditional key is suggested only in trials whose other keys meet its condition.
"""

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import (
        BaseDistribution,
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

Kind = Literal["float", "int", "str", "bool", "json"]
Conditions = Mapping[str, tuple[Any, ...]]
GRID_LIMIT = 10_000


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

        return CategoricalDistribution([_stored(choice) for choice in self.choices])

    def suggest(self, trial: "Trial", path: str) -> Any:  # noqa: ANN401
        """Ask ``trial`` for a value."""
        stored = trial.suggest_categorical(path, [_stored(choice) for choice in self.choices])
        return next(choice for choice in self.choices if _stored(choice) == stored)

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


class Space(Mapping[str, Distribution]):
    """An ordered, immutable mapping from path to distribution; a key comes after those it depends on.

    Args:
        distributions: In an order in which each ``when`` names only keys that stand before it.
    """

    def __init__(self, distributions: Mapping[str, Distribution]) -> None:
        self._distributions = dict(distributions)

    def __getitem__(self, path: str) -> Distribution:
        return self._distributions[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._distributions)

    def __len__(self) -> int:
        return len(self._distributions)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Space):
            return NotImplemented
        return list(self.items()) == list(other.items())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Space({self._distributions!r})"

    def walk(self, pick: Callable[[str, Distribution], Any]) -> dict[str, Any]:
        """Give each key that is active a value from ``pick(path, distribution)``, in order.

        A key whose condition names an inactive key is inactive too.

        Returns:
            Path to value, active keys only.
        """
        params: dict[str, Any] = {}
        for path, distribution in self.items():
            if _active(distribution, params):
                params[path] = pick(path, distribution)
        return params

    def suggest(self, trial: "Trial") -> dict[str, Any]:
        """Ask ``trial`` for a value of each active key; see `walk`."""
        return self.walk(lambda path, distribution: distribution.suggest(trial, path))

    def kinds(self) -> dict[str, Kind]:
        """The column type of each searched key, for tables."""
        return {path: distribution.kind for path, distribution in self.items()}

    def distributions(self, params: Mapping[str, Any]) -> "dict[str, BaseDistribution]":
        """Optuna's distributions of the keys in ``params``, as when they were suggested.

        Raises:
            ValueError: if ``params`` has a key that is not searched.
        """
        unknown = [path for path in params if path not in self]
        if unknown:
            raise ValueError(f"not in the search space: {', '.join(unknown)}")
        return {path: self[path].optuna() for path in self if path in params}

    def stored(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """``params`` as Optuna stores them: choices that are lists become JSON text."""
        return {path: _stored(value) for path, value in params.items()}

    def corners(self, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """Assignments of the ends of every range and of every choice, for checking that all can be used.

        Args:
            limit: How many at most; when there are more, as many are drawn at random (the same each time).

        Returns:
            The assignments, and whether they are all there are.
        """
        values = {path: self._extremes(path) for path in self}
        every = list(itertools.islice(self._product(values), limit + 1))
        if len(every) <= limit:
            return every, True
        draw = random.Random(0)
        return [self.walk(lambda path, _: draw.choice(values[path])) for _ in range(limit)], False

    def _extremes(self, path: str) -> list[Any]:
        """The ends of the range, and what the conditions of other keys ask for."""
        values = self[path].extremes()
        for distribution in self.values():
            values += [value for value in distribution.when.get(path, ()) if value not in values]
        return values

    def grid(self) -> list[dict[str, Any]] | None:
        """Every combination of values, in order; None when there are more than `GRID_LIMIT`.

        Raises:
            ValueError: if a distribution is continuous.
        """
        for path, distribution in self.items():
            size = distribution.grid_size()
            if size is None:
                raise ValueError(f"{path} is continuous")
            if size > GRID_LIMIT:
                return None
        every = list(
            itertools.islice(self._product({path: self[path].grid() for path in self}), GRID_LIMIT + 1)
        )
        return every if len(every) <= GRID_LIMIT else None

    def _product(self, values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
        """All assignments, lazily, the last key changing fastest."""
        items = list(self.items())

        def extend(params: dict[str, Any], position: int) -> Iterator[dict[str, Any]]:
            while position < len(items) and not _active(items[position][1], params):
                position += 1
            if position == len(items):
                yield params
                return
            path = items[position][0]
            for value in values[path]:
                yield from extend({**params, path: value}, position + 1)

        return extend({}, 0)


def _active(distribution: Distribution, params: Mapping[str, Any]) -> bool:
    return all(path in params and params[path] in values for path, values in distribution.when.items())


def _stored(choice: object) -> Any:  # noqa: ANN401 - one of Optuna's scalar types
    return json.dumps(choice) if isinstance(choice, list | tuple) else choice
