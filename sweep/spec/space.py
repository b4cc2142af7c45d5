"""The search space: the searched keys of a spec, with their ranges and conditions.

A space is define-by-run: a conditional key is suggested only in trials whose other keys meet its condition.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sweep.formatting import value
from sweep.spec.distributions import TYPES, Distribution, Kind, stored

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import BaseDistribution

GRID_LIMIT = 10_000
Plain = Mapping[str, Any]
"""A part of a resolved spec as plain values, which need no validation."""


class Space(Mapping[str, Distribution]):
    """An ordered, immutable mapping from the path of a searched key to its distribution.

    Args:
        distributions: The distributions by path, each behind those that its ``when`` names.
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
        """Give each active key a value, in the order of the space.

        A key whose condition names an inactive key is inactive too.

        Args:
            pick: Gets the path and the distribution of a key and returns its value.

        Returns:
            The values of the active keys by path.
        """
        params: dict[str, Any] = {}
        for path, distribution in self.items():
            if _active(distribution, params):
                params[path] = pick(path, distribution)
        return params

    def suggest(self, trial: "Trial") -> dict[str, Any]:
        """Ask an Optuna trial for a value of each active key; see `walk`."""
        return self.walk(lambda path, distribution: distribution.suggest(trial, path))

    def kinds(self) -> dict[str, Kind]:
        """Name the column type of each searched key, for tables."""
        return {path: distribution.kind for path, distribution in self.items()}

    def distributions(self, params: Mapping[str, Any]) -> "dict[str, BaseDistribution]":
        """Convert the distributions of the keys in ``params`` to Optuna's.

        Raises:
            ValueError: If ``params`` has a key that is not searched.
        """
        unknown = [path for path in params if path not in self]
        if unknown:
            raise ValueError(f"not in the search space: {', '.join(unknown)}")
        return {path: self[path].optuna() for path in self if path in params}

    def stored(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Convert parameters to values that Optuna can store: lists and schedules become JSON text."""
        return {path: stored(value) for path, value in params.items()}

    def corners(self, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """Combine the ends of every range and all choices, for checking that each assignment makes a trial.

        Args:
            limit: The most assignments; of more, so many are drawn at random, in every call with the seed 0.

        Returns:
            The assignments, and whether they are complete.
        """
        values = {path: self._extremes(path) for path in self}
        every = list(itertools.islice(self._product(values), limit + 1))
        if len(every) <= limit:
            return every, True
        draw = random.Random(0)
        return [self.walk(lambda path, _: draw.choice(values[path])) for _ in range(limit)], False

    def _extremes(self, path: str) -> list[Any]:
        """List the ends of a key's range or its choices, and the values that conditions of other keys name."""
        values = self[path].extremes()
        for distribution in self.values():
            values += [value for value in distribution.when.get(path, ()) if value not in values]
        return values

    def grid(self) -> list[dict[str, Any]] | None:
        """List every combination of values, the last key changing fastest; None for more than `GRID_LIMIT`.

        Raises:
            ValueError: If a distribution is continuous.
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
        """Yield every combination of ``values`` in the active keys, the last key changing fastest."""
        items = list(self.items())

        def extend(params: dict[str, Any], position: int) -> Iterator[dict[str, Any]]:
            while position < len(items) and not _active(items[position][1], params):
                position += 1
            if position == len(items):
                yield params
                return
            path = items[position][0]
            for item in values[path]:
                yield from extend({**params, path: item}, position + 1)

        return extend({}, 0)


def _active(distribution: Distribution, params: Mapping[str, Any]) -> bool:
    return all(path in params and params[path] in values for path, values in distribution.when.items())


def searched(spec: Plain) -> dict[str, str]:
    """Word the range of each searched key: ``{"train.lr_g": "1e-05 to 0.001, log"}``."""
    return {path: _words(node) for path, node in distributions(spec)}


def distributions(node: Plain, above: tuple[str, ...] = ()) -> Iterator[tuple[str, Plain]]:
    """Yield the path and the mapping of every distribution in a spec; the content of a mapping is not checked."""
    for key, item in node.items():
        path = (*above, str(key))
        if isinstance(item, list):
            inside = {f"{key}[{number}]": one for number, one in enumerate(item)}
            yield from distributions(inside, above) if len(path) < 8 else ()
        elif isinstance(item, Mapping) and item.get("type") in TYPES:
            yield ".".join(path), item
        elif isinstance(item, Mapping) and len(path) < 8:
            yield from distributions(item, path)


def _words(node: Plain) -> str:
    if node["type"] == "categorical":
        choices = node.get("choices")
        words = " | ".join(value(choice) for choice in choices) if isinstance(choices, list) else "?"
    else:
        words = f"{value(node.get('low'))} to {value(node.get('high'))}"
        words += f" in steps of {value(node['step'])}" if node.get("step") else ""
        words += ", log" if node.get("log") else ""
    when = condition(node)
    return f"{words} when {when}" if when else words


def condition(node: Plain) -> str:
    """Word the condition of a distribution, such as ``train.loss = bce``; empty without one."""
    when = node.get("when")
    if not isinstance(when, Mapping):
        return ""
    return " and ".join(f"{path} = {value(wanted)}" for path, wanted in when.items())
