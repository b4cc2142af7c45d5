"""Find out what a sweep would meet before it is run: its pictures, what is wrong, and what it will cost.

It looks at the pictures and weights, so that what is missing is told before the run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlib.errors import RequestError, WorkError
from sweep.commands import counts, foreknown, notes
from sweep.commands.before import check_batch_size, planned
from sweep.commands.foreknown import refusal
from sweep.commands.inputs import Pictures, look
from sweep.commands.lineage import ancestors
from sweep.search.draws import preview
from sweep.spec.specification import Spec
from sweep.storage.opening import open_folder

if TYPE_CHECKING:
    from sweep.commands.planning.costs import Costs
    from sweep.commands.planning.plan import Plan

SAMPLES = 5


@dataclass(frozen=True)
class Findings:
    """What a dry run finds outside of the spec.

    Attributes:
        pictures: None where there is nothing to say about them.
        plan: What it will cost; None where nothing was measured.
        notes: What is probably not meant.
        wrong: Why the run would be refused.
        photos: The pictures that a translator starts from; None where there are none.
    """

    pictures: Pictures | None = None
    plan: "Plan | None" = None
    notes: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    photos: Pictures | None = None

    @property
    def kinds(self) -> int:
        """How many classes the pictures have, as far as that is known."""
        return self.pictures.kinds if self.pictures else 0

    @property
    def images(self) -> int | None:
        """How many pictures there are, if that is known."""
        return self.pictures.count if self.pictures else None


def investigate(
    spec: Spec, timed: bool = True, local: bool = False, storage: str | Path = "runs"
) -> Findings:
    """Look at pictures and weights, convert and check all times, and measure how long training takes.

    Args:
        spec: The sweep.
        timed: Whether to measure, which takes some seconds.
        local: Whether trials would run one after another.
        storage: Where the sweep would lie, and sweeps that it begins with.
    """
    known, wrong = look(spec)
    wrong += ancestors.wrong_with(spec, open_folder(storage)) if ancestors.values_of(spec) else []
    pictures, photos = known.get("data"), known.get("photos")
    if pictures is None or not pictures.count:
        return Findings(pictures, wrong=tuple(wrong), photos=photos)
    checks = [partial(check, spec, pictures.count) for check in (check_batch_size, notes.check, counts.check)]
    checks.append(partial(foreknown.check, spec, pictures.kinds))
    if photos is not None:
        checks.append(partial(check_batch_size, spec, photos.count, "photographs"))
    for check in checks:
        try:
            check()
        except RequestError as error:
            wrong.append(str(error))
    found = Findings(pictures, None, _notes(spec, pictures.count, photos), tuple(wrong), photos)
    if wrong or not timed:
        return found
    try:
        return replace(found, plan=_plan(spec, found, local))
    except WorkError as error:  # such as a batch that does not fit into a GPU's memory
        return replace(found, notes=(*found.notes, f"a few steps could not be timed: {error}"))


def _notes(spec: Spec, images: int, photos: Pictures | None) -> tuple[str, ...]:
    return (*counts.notes(spec, images, photos.count if photos else None), *notes.notes(spec, images))


def plan_of(
    spec: Spec,
    local: bool = False,
    address: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> tuple["Plan", int]:
    """Foretell what a sweep costs; returns that, and how many pictures there are.

    Args:
        spec: The sweep.
        local: Whether trials would run one after another.
        address: Of the cluster that it would run on; None for this machine.
        say: Told what is waited for.

    Raises:
        RequestError: if the run would be refused, or the cluster cannot be reached.
        WorkError: if a few steps cannot be timed.
    """
    found = investigate(spec, timed=False)
    if found.wrong or found.pictures is None or not found.pictures.count:
        raise RequestError("\n".join(found.wrong) or "there are no pictures")
    return _plan(spec, found, local, address, say), found.pictures.count


def _plan(
    spec: Spec,
    found: Findings,
    local: bool,
    address: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> "Plan":
    from sweep.commands.planning.plan import foretold
    from sweep.commands.planning.sharing import resident_bytes

    pictures = found.pictures
    assert pictures is not None
    assert pictures.count
    known = {"data": pictures} | ({"photos": found.photos} if found.photos else {})
    trials = planned(spec, pictures.kinds)
    samples = first_configurations(spec, pictures.kinds)
    costs, *others = (
        replace(one, pictures=resident_bytes(spec, known, one.memory_there)) if one.device == "cuda" else one
        for one in _measured(spec, samples, trials, local, address, say)
    )
    return foretold(spec, spec.schedule(pictures.count), trials, costs, others)


def _measured(
    spec: Spec,
    samples: Sequence[Mapping[str, Any]],
    trials: int,
    local: bool,
    address: str | None,
    say: Callable[[str], None],
) -> "Sequence[Costs]":
    """Measure on each kind of machine that trials would run on."""
    from sweep.commands.planning.cluster import measure_on
    from sweep.commands.planning.costs import measure

    if address is not None:
        return measure_on(address, spec, samples, trials, say)
    return [measure(spec, samples, trials, local)]


def first_configurations(spec: Spec, kinds: int = 0) -> list[dict[str, Any]]:
    """Give the parameters of the first trials, of a sweep whose pictures have so many classes."""
    return preview(spec.space, spec.search, SAMPLES, spec.configs, refusal(spec, kinds))
