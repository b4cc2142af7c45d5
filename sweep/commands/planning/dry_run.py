"""``sweep run --dry-run``: what a sweep would do and about how long it would take, without training or Ray."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ganlib.config import PictureSource
from ganlib.cores import available
from ganlib.errors import RequestError
from sweep.commands.before import planned
from sweep.commands.inputs import Pictures
from sweep.commands.planning.expected import expected_rungs
from sweep.commands.planning.findings import Findings, first_configurations
from sweep.formatting import count
from sweep.records.schemas import to_json
from sweep.runners.capacity import Demand, Node
from sweep.search.auto import words
from sweep.spec.sections import NOT_SEARCHABLE
from sweep.spec.specification import Spec
from sweep.spec.yaml_tree import inline

_SKIPPED_SHOWN = 10


def describe(spec: Spec, as_json: bool = False, found: Findings | None = None) -> None:
    """Print the resolved spec, what is searched, the pictures, the rungs, and the first few configurations.

    Raises:
        RequestError: after all that, if the run would be refused.
    """
    found = found or Findings()
    print(to_json(facts(spec, found)) if as_json else "\n".join(_lines(spec, found)))
    if found.wrong:
        raise RequestError("\n".join(found.wrong))


def at_once(spec: Spec) -> dict[str, int | None]:
    """Count the trials that a GPU and the processor cores of this machine hold side by side, as Ray counts.

    Returns:
        ``cores`` of this machine that may be used; ``on_cores``, trials that they hold without a GPU; ``on_a_gpu``,
        trials that share one (0 where a trial takes several, None where it takes none); ``most``, the spec's limit.
    """
    resources, cores = spec.resources, available()
    demand = Demand.of(resources.cpu, resources.gpus)
    alone = Node.having(1e6, 1).holds(demand) if resources.gpus else None
    on_cores = Node.having(cores, 0).holds(Demand.of(resources.cpu, 0))
    return {"cores": cores, "on_cores": on_cores, "on_a_gpu": alone, "most": resources.max_concurrent}


def facts(spec: Spec, found: Findings | None = None) -> dict[str, Any]:
    """Give what `describe` prints as plain values."""
    found = found or Findings()
    trials = planned(spec, found.kinds)
    steps = expected_rungs(spec, trials, found.images)
    return {
        "name": spec.name,
        "spec": spec.to_plain(),
        "trials": trials,
        "unit": steps and steps.unit,
        "budget": steps and steps.budget,
        "rungs": steps
        and [
            {"at": at, "arriving": arriving, "going_on": going_on} for at, arriving, going_on in steps.rungs
        ],
        "expected_training": steps and steps.share,
        "samples": first_configurations(spec, found.kinds),
        "pictures": found.pictures and asdict(found.pictures),
        "photos": found.photos and asdict(found.photos),
        "schedule": asdict(spec.schedule(found.images)) if found.images else None,
        "plan": found.plan and found.plan.plain(),
        "notes": _notes(spec, found),
        "problems": list(found.wrong),
        "at_once": at_once(spec),
    }


def _lines(spec: Spec, found: Findings) -> Iterator[str]:
    trials = planned(spec, found.kinds)
    yield "# The spec with every default"
    yield spec.to_yaml()
    given = len(spec.configs)
    if given and given == trials:
        yield f"# {trials} trials, each with a configuration that is given"
    else:
        first = f", after {given} given configurations" if given else ""
        sampler = words(spec.search.sampler, spec.space)
        yield f"# Searched by {sampler}{first}, {trials} trials, seed {spec.search.seed}"
    if spec.search.wishes:
        yield f"# Subject to {', '.join(wish.words for wish in spec.search.wishes)}"
    width = max((len(path) for path in spec.space), default=0)
    for path, distribution in spec.space.items():
        yield f"{path:{width}}  {inline(distribution.plain())}{_when(distribution.when)}"
    if not spec.space:
        yield "nothing: all trials have the same configuration and differ by their seed"
    yield ""
    if found.pictures is not None:
        yield "# Pictures"
        yield from _picture_lines(spec.data, found.pictures)
        if found.photos is not None and spec.photos is not None:
            yield "# Photographs"
            yield from _picture_lines(spec.photos, found.photos)
        if images := found.pictures.count:
            at = spec.schedule(images)
            yield f"training: {at.both(at.budget)}; an evaluation every {at.both(at.interval)}"
        yield ""
    yield from _rung_lines(spec, trials, found.images)
    yield ""
    yield from _resource_lines(spec)
    samples = first_configurations(spec, found.kinds)
    yield f"\n# The first {len(samples)} configurations, while none has ended"
    for number, params in enumerate(samples):
        yield f"{number}: " + ", ".join(f"{path} {_short(value)}" for path, value in params.items())
    if found.plan is not None and found.images:
        from sweep.commands.planning.plan import lines

        yield ""
        yield from lines(found.plan, found.images)
    if notes := _notes(spec, found):
        yield "\n# To consider"
        yield from notes
    yield "\nNothing was trained."


def _picture_lines(config: PictureSource, pictures: Pictures) -> Iterator[str]:
    where = ", ".join(config.sources)
    if pictures.prepared:
        yield f"{pictures.count:,} from {where}"
    elif pictures.tried:
        yield (
            f"{pictures.count:,} files in {where}, not prepared yet; {pictures.tried:,} of them were opened "
            "('sweep data' opens all)"
        )
    else:
        yield f"{pictures.count:,} to be drawn: {where}, {', '.join(config.styles)}"
    yield from (f"classes: {line}" for line in pictures.classes)
    yield from pictures.alike
    if pictures.skipped:
        yield f"{len(pictures.skipped):,} cannot be used:"
        yield from (f"  {item.path}: {item.reason}" for item in pictures.skipped[:_SKIPPED_SHOWN])
        if len(pictures.skipped) > _SKIPPED_SHOWN:
            yield f"  and {len(pictures.skipped) - _SKIPPED_SHOWN:,} more ('sweep data --json' lists all)"


def _rung_lines(spec: Spec, trials: int, images: int | None) -> Iterator[str]:
    steps = expected_rungs(spec, trials, images)
    if steps is None:
        yield "# Rungs"
        yield "they depend on the number of pictures, which 'sweep data' counts"
        return
    at = spec.schedule(images) if images else None

    def place(amount: float) -> str:
        return at.both(amount) if at else f"{amount:g} {steps.unit}"

    own = any(path in NOT_SEARCHABLE for point in spec.configs for path in point)
    who = "the longest trial" if own else "every trial"
    yield f"# Rungs; {who} ends at {place(steps.budget)}"
    for amount, arriving, going_on in steps.rungs:
        yield f"{place(amount)}: about {arriving:.0f} trials arrive, {going_on:.0f} go on"
    if steps.rungs and spec.asha and spec.asha.variety:
        yield f"and those whose pictures have less than {spec.asha.variety:.0%} of the real ones' variety end there"
    if steps.rungs:
        yield f"expected training: {steps.share:.0%} of that of {trials} full trials"
    elif spec.asha:
        yield "nobody is compared before the end: every trial is trained to it, unless it collapses"
    else:
        yield "none: every trial is trained to its end, unless it collapses"


def _resource_lines(spec: Spec) -> Iterator[str]:
    resources, room = spec.resources, at_once(spec)
    gpu = f" and {resources.gpus:g} GPU" if resources.gpus else ""
    yield f"# Side by side; each trial gets {resources.cpu:g} CPU{gpu}"
    if room["on_a_gpu"]:
        yield f"each GPU: {count(room['on_a_gpu'], 'trial')}, as far as there are CPUs for them"
    cores = count(room["cores"] or 1, "core")
    without = " without a GPU" if gpu else ""
    yield f"this machine{without}, with {cores} that may be used: {count(room['on_cores'] or 0, 'trial')}"
    if room["most"]:
        yield f"at most {room['most']} (resources.max_concurrent)"


def _notes(spec: Spec, found: Findings) -> list[str]:
    """List what is probably not meant, here on this machine too: a cluster may have larger ones."""
    room = at_once(spec)
    if room["on_cores"] != 0:
        return list(found.notes)
    return [
        *found.notes,
        f"resources.cpu is {spec.resources.cpu:g}, and this machine has {count(room['cores'] or 1, 'core')} that may "
        "be used: a run on this machine is refused; lower it, attach to a cluster with such machines (--address), "
        "or train in this process (--local)",
    ]


def _when(conditions: Mapping[str, tuple[Any, ...]]) -> str:
    if not conditions:
        return ""
    parts = (f"{path} is {' or '.join(map(inline, values))}" for path, values in conditions.items())
    return f"  when {' and '.join(parts)}"


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else inline(value)
