"""The trials of one sweep or several as one list, best first, from which every part of the report is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ganlib.metrics.identity import Identity
from ganlib.names import METRICS
from sweep import formatting
from sweep.records.catalog import Sweep, told_apart
from sweep.report.configs import config_of, searched_of
from sweep.report.facts import Evaluation, Facts, Sample
from sweep.results.leaderboard import Entry, column, with_ranks
from sweep.results.ranking import order
from sweep.results.state import State
from sweep.spec.space import condition

SWEEP = "sweep"
"""The parameter that stands for a trial's sweep, where a report is on several."""
NULL = "null"
"""The choice of no value, as a spec writes it; a trial to which a parameter does not apply has None."""


@dataclass(frozen=True)
class Param:
    """What may differ between two trials.

    Attributes:
        path: Such as ``train.lr_g``.
        title: The path, as short as is clear.
        number: Whether its values are numbers on an axis; otherwise they are named choices.
        log: Whether that axis is logarithmic.
        when: Where it applies, in words; empty if everywhere.
    """

    path: str
    title: str
    number: bool
    log: bool
    when: str


@dataclass(frozen=True)
class RankedTrial:
    """One trial of one of the sweeps.

    Attributes:
        key: Its name in links: ``7``, or ``1-7`` for trial 7 of the second sweep.
        name: ``Trial 7``, or ``faces 7`` where there are several sweeps.
        entry: Its place among all trials of the report.
        values: Value of each `Param`; `NULL` where that is null by choice, None where the trial has none.
    """

    key: str
    name: str
    facts: Facts
    entry: Entry
    values: Mapping[str, Any] = field(repr=False)

    @property
    def evaluations(self) -> Sequence[Evaluation]:
        """The trial's evaluations, in order of kimg."""
        return self.facts.evaluations.get(self.entry.trial, ())

    @property
    def at_best(self) -> Sample | None:
        """The trial's pictures at its best evaluation; None if they are not on record."""
        return next((sample for sample in self.samples if sample.kimg == self.entry.kimg), None)

    @property
    def samples(self) -> Sequence[Sample]:
        """The trial's pictures, in order of kimg."""
        return self.facts.samples.get(self.entry.trial, ())


@dataclass(frozen=True)
class Results:
    """All trials of a report, and what they are ranked by.

    Attributes:
        sweeps: At least one.
        trials: The ranked, best first, then the others; where not all can be ranked together, by their ranks within
            each sweep.
        params: What differs between trials.
        metric: What they are ranked by.
        identity: What the metric was measured with; None if nothing was, or not everything alike.
        problem: Why not all trials can be ranked together; None if they can.
    """

    sweeps: Sequence[Facts]
    trials: Sequence[RankedTrial]
    params: Sequence[Param]
    metric: str
    identity: Identity | None
    problem: str | None

    @classmethod
    def read(cls, sweeps: Sequence[Sweep]) -> "Results":
        """Read sweeps and rank their trials together, by the metric of the first sweep.

        Raises:
            WorkError: if one cannot be read.
        """
        sweeps = told_apart(sweeps)
        metric = sweeps[0].info.metric
        read = [Facts.read(sweep, metric) for sweep in sweeps]
        fixed = _fixed(read) if len(read) > 1 else {}
        trials = [trial for index, facts in enumerate(read) for trial in _trials(index, facts, len(read) > 1)]
        params = _params(read, fixed, trials)
        trials = [
            replace(trial, values={param.path: _value(param, trial) for param in params}) for trial in trials
        ]
        identities = {facts.board.identity for facts in read if facts.board.identity}
        problem = "\n".join(facts.problem for facts in read if facts.problem) or None
        if len(identities) > 1 and problem is None:
            problem = _differ(read, metric)
        if problem is None:
            trials = _ranked(trials, metric)
        else:  # so that what shows only the first trials shows some of every sweep
            trials = sorted(trials, key=lambda trial: trial.entry.rank or len(trials) + 1)
        identity = next(iter(identities)) if len(identities) == 1 else None
        return cls(read, trials, params, metric, identity, problem)

    @property
    def several(self) -> bool:
        """Whether there is more than one sweep."""
        return len(self.sweeps) > 1

    @property
    def translates(self) -> bool:
        """Whether trials of any sweep turn photographs into drawings."""
        return any(facts.translates for facts in self.sweeps)

    @property
    def inputs(self) -> str:
        """What all trials make their pictures of."""
        kinds = {"photographs" if facts.translates else "latents" for facts in self.sweeps}
        return " or ".join(sorted(kinds))

    @property
    def title(self) -> str:
        """The names of the sweeps."""
        return ", ".join(facts.sweep.name for facts in self.sweeps)

    @property
    def state(self) -> State:
        """How the sweeps stand: as the one does that has most to come."""
        found = {facts.state for facts in self.sweeps}
        return next((state for state in State if state in found), State.DONE)

    @cached_property
    def ranked(self) -> Sequence[RankedTrial]:
        """The trials whose values compare with each other, best first; none if not all can be ranked together."""
        return [] if self.problem else [trial for trial in self.trials if trial.entry.rank is not None]

    @property
    def unlike(self) -> str:
        """What `problem` comes to, in a sentence; empty where all trials can be ranked together."""
        return "Not all trials were measured alike: they cannot be ranked together." if self.problem else ""

    @property
    def winner(self) -> RankedTrial | None:
        """The best of all trials, if any is ranked."""
        return self.ranked[0] if self.ranked else None

    @property
    def label(self) -> str:
        """The metric's name with its identity; the bare name where there is no one identity."""
        if self.winner and not self.winner.entry.measured:
            return f"{self.column(self.metric)} so far"
        return self.identity.label(self.metric) if self.identity else self.called

    @property
    def called(self) -> str:
        """The metric's bare name, on the features that it was measured on."""
        return METRICS[self.metric].name(self.identity.extractor if self.identity else "")

    def column(self, metric: str) -> str:
        """Name a metric where there is little room: with its extractor, where that is one for all."""
        return column(metric, self.identity)

    def value(self, entry: Entry, metric: str | None = None) -> str:
        """Say a metric of a trial, the one that ranks by default; with its standard error where it has one.

        The number of pictures is told where it is not the one that `label` tells of all results.
        """
        number, error = entry.measure(metric or self.metric)
        told = formatting.with_error(number, error)
        if number is None or entry.n_fake is None:
            return told
        if not entry.measured:
            return f"{told} so far (n={entry.n_fake})"
        return told if self.identity else f"{told} (n={entry.n_fake})"


def _fixed(sweeps: Sequence[Facts]) -> dict[str, list[Any]]:
    """Find what is one value within each sweep but not between the sweeps: path to the value of each sweep."""
    configs = [config_of(facts.trials[0]) if facts.trials else {} for facts in sweeps]
    searched = {path for facts in sweeps for entry in facts.board.entries for path in entry.params}
    paths = dict.fromkeys(path for config in configs for path in config)
    found = {path: [config.get(path) for config in configs] for path in paths if path not in searched}
    known = [index for index, config in enumerate(configs) if config]
    return {
        path: values
        for path, values in found.items()
        if any(
            values[i] != values[known[0]] for i in known
        )  # as they are: in words, 0.99991 and 0.99992 are one
    }


def _trials(index: int, facts: Facts, several: bool) -> list[RankedTrial]:
    """List the trials of one of the sweeps, in its order; their values have no key for what does not apply to them."""
    name = facts.sweep.name
    # What this sweep fixes and another one searches is a value of all its trials.
    fixed = {SWEEP: name, **(config_of(facts.trials[0]) if facts.trials else {})} if several else {}
    return [
        RankedTrial(
            key=f"{index}-{entry.trial}" if several else str(entry.trial),
            name=f"{name} {entry.trial}" if several else f"Trial {entry.trial}",
            facts=facts,
            entry=entry,
            values={path: item for path, item in fixed.items() if path not in entry.params}
            | searched_of(entry),
        )
        for entry in facts.board.entries
    ]


def _value(param: Param, trial: RankedTrial) -> Any:  # noqa: ANN401 - a value of a configuration
    """Give a trial's value of a parameter: null is a choice of its own among others, and no number."""
    found = trial.values.get(param.path)
    return NULL if found is None and not param.number and param.path in trial.values else found


def _params(
    sweeps: Sequence[Facts], fixed: Mapping[str, list[Any]], trials: Sequence[RankedTrial]
) -> list[Param]:
    """Find what may differ between trials: the sweep, what was searched, and what each sweep fixes otherwise."""
    nodes = {path: node for facts in reversed(sweeps) for path, node in facts.space.items()}
    searched = [path for facts in sweeps if facts.board.entries for path in facts.board.entries[0].params]
    paths = list(dict.fromkeys([*([SWEEP] if len(sweeps) > 1 else []), *searched, *fixed]))
    # What one sweep searches, another may have as its default, which need not be on the axis of the search.
    values = {path: [trial.values.get(path) for trial in trials] + fixed.get(path, []) for path in paths}
    titles = zip(paths, formatting.short_names(paths), strict=True)
    return [_param(path, title, nodes.get(path, {}), values[path]) for path, title in titles]


def _param(path: str, title: str, node: Mapping[str, Any], values: Sequence[Any]) -> Param:
    """Describe a parameter by its node of the space, empty where no sweep searches it, and by its trials' values."""
    known = [value for value in values if value is not None]
    numbers = bool(known) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in known)
    number = numbers and node.get("type") != "categorical"
    log = number and node.get("log") is True and min(known) > 0
    return Param(path, title, number, log, when=condition(node))


def _ranked(trials: Sequence[RankedTrial], metric: str) -> list[RankedTrial]:
    """Rank trials together: the ranks within each sweep give way to those among all."""
    ranked = [trial for trial in trials if trial.entry.reason is None and trial.entry.value is not None]
    provisional = not any(trial.entry.measured for trial in ranked)
    if not provisional:
        # What is only the best so far does not compare with results.
        ranked = [trial for trial in ranked if trial.entry.measured]
    ranked.sort(key=lambda trial: order(trial.entry, metric, provisional))
    entries = with_ranks(trial.entry for trial in ranked)
    placed = [replace(trial, entry=entry) for trial, entry in zip(ranked, entries, strict=True)]
    taken = {trial.key for trial in ranked}
    return placed + [
        replace(trial, entry=replace(trial.entry, rank=None)) for trial in trials if trial.key not in taken
    ]


def _differ(sweeps: Sequence[Facts], metric: str) -> str:
    """Say in what the measurements of the sweeps differ."""
    known = [(facts.sweep.name, facts.board.identity) for facts in sweeps if facts.board.identity]
    differing = [
        name
        for name in Identity.__dataclass_fields__
        if len({getattr(identity, name) for _, identity in known}) > 1
    ]
    lines = [
        f"  {formatting.printable(name)}: {', '.join(f'{key}={getattr(identity, key)}' for key in differing)}"
        for name, identity in known
    ]
    return (
        f"the {METRICS[metric].label} of these sweeps cannot be compared, it was measured with another "
        f"{' and '.join(differing)}; each sweep is ranked by itself:\n" + "\n".join(lines)
    )
