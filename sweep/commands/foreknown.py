"""Judge configurations before they are trained, by the wishes that follow from a configuration alone."""

from collections.abc import Callable, Mapping
from typing import Any

from ganlib.errors import RequestError
from sweep.driver.director import Director
from sweep.records.event_kind import EventKind
from sweep.search.draws import Draws, Refuse
from sweep.spec.specification import Spec
from sweep.spec.wishes.measures import MEASURES
from sweep.spec.wishes.wish import broken


def refusal(spec: Spec, classes: int = 0) -> Refuse | None:
    """Make the judge of a sweep's configurations; None where no wish is known beforehand.

    Args:
        spec: The sweep.
        classes: How many classes its pictures have, of which generators are told; 0 without labels.
    """
    wishes = [wish for wish in spec.search.wishes if MEASURES[wish.measure].foreknown]
    if not wishes:
        return None

    def refuse(params: Mapping[str, Any]) -> str:
        return "; ".join(broken(wishes, foreknown(spec, params, classes)))

    return refuse


def foreknown(spec: Spec, params: Mapping[str, Any], classes: int = 0) -> dict[str, float]:
    """Measure what is known of a trial before it is trained, by the names of `MEASURES`."""
    from ganlib.export.parameters import generator_parameters  # here: it takes torch

    model, data = spec.resolve(params).model, spec.data
    return {"params": generator_parameters(model, data.size, data.channels, classes)}


def tell_spent(director: Director, say: Callable[[str], None]) -> None:
    """Say, and put on record, that a search has ended early because nothing is left to try.

    Raises:
        StorageError: if it cannot be written.
    """
    if reason := director.source.spent:
        say(f"the search has ended early: {reason}")
        director.records.store.add("events", {"kind": EventKind.NOTE, "detail": {"reason": reason}})


def check(spec: Spec, classes: int = 0) -> None:
    """Refuse a sweep whose given configurations, or all that could be drawn, are known to break a wish.

    Raises:
        RequestError: saying by how much, and where the wish stands.
    """
    refuse = refusal(spec, classes)
    if refuse is None:
        return
    draws = Draws("check", spec.space, spec.search, points=spec.configs, refuse=refuse)
    given = len(spec.configs)
    for number in range(min(spec.search.trials, given + 1)):
        if draws.next() is not None:
            continue
        if number and not draws.spent:
            return  # a short grid, or list
        where = spec.lines.get("search.subject_to")
        whose = f"configs[{number}]: " if number < given else ""
        raise RequestError(
            f"{where + ': ' if where else ''}search.subject_to: {whose}"
            f"{draws.spent or 'every combination of the grid is known to break a wish'}"
        )
