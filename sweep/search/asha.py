"""Asynchronous successive halving (Li et al. 2020, https://arxiv.org/abs/1810.05934): trials stop, or are promoted.

`Asha` has no side effects: a trial's value goes in, a decision comes out. On finite values, and as long as no report
crosses two rungs at once, `Asha` without tolerance and promotion decides as Ray's ``AsyncHyperBandScheduler`` with one
bracket does. With promotion it is the paper's own algorithm, except that a trial which is good enough at once goes on
at once, and that the best of a rung goes on when nothing else is left: a sweep of a few trials would train none to its
end.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ganlib.clock import reached, same_time
from ganlib.errors import WorkError
from sweep.search.rung import Held, Rule, Rung

if TYPE_CHECKING:
    from sweep.spec.sections import AshaConfig


@dataclass(frozen=True)
class Decision:
    """What `Asha.enter` decides of one trial.

    Attributes:
        stop: Whether the trial ends here.
        rung: 0-based index of the highest rung that the trial has reached, which decides; None below the first.
        rung_kimg: Where that rung is, in kimg.
        cutoff: The largest value that goes on at that rung; None where too few trials were there: the first, which
            always goes on, or with promotion those that wait for more.
        entries: (rung index, value) of the rungs that the trial entered with this report.
        alike: Whether the trial ends because its pictures vary too little, whatever its value; others are not compared
            with it.
    """

    stop: bool = False
    rung: int | None = None
    rung_kimg: float | None = None
    cutoff: float | None = None
    entries: list[tuple[int, float]] = field(default_factory=list)
    alike: bool = False


class Asha:
    """The rungs of one sweep, with the trials that have reached them and their values. Smaller is better.

    Args:
        rungs: Where trials are compared, in kimg, rising.
        reduction: At each rung a trial goes on only if it is as good as the best 1/``reduction`` of those before it.
        tolerance: So many of its standard errors a trial may be worse than that and goes on all the same.
        promote: Whether a trial that is stopped may go on later, when it is among the best 1/``reduction`` of its rung
            after all (see `promotable`); the first trials then wait until there are enough to compare.
        variety: A trial whose pictures have a smaller share of real pictures' variety ends at a rung for good.

    Raises:
        ValueError: If the rungs do not rise, the reduction is not above 1, or the tolerance or the variety is below 0.
    """

    def __init__(
        self,
        rungs: Sequence[float],
        reduction: float,
        tolerance: float = 0.0,
        promote: bool = False,
        variety: float = 0.0,
    ) -> None:
        self.rungs = tuple(float(rung) for rung in rungs)
        self.promote, self.variety = promote, float(variety)
        if any(low >= high for low, high in zip(self.rungs, self.rungs[1:], strict=False)):
            raise ValueError(f"rungs must rise, got {list(self.rungs)}")
        if not reduction > 1:
            raise ValueError(f"reduction must be above 1, got {reduction}")
        if not tolerance >= 0:
            raise ValueError(f"tolerance must be at least 0, got {tolerance}")
        if not self.variety >= 0:
            raise ValueError(f"variety must be at least 0, got {variety}")
        rule = Rule(float(reduction), float(tolerance), promote)
        self._rungs = [Rung(rule) for _ in self.rungs]
        self._released: set[tuple[int, int]] = set()

    @classmethod
    def of(cls, rungs: Sequence[float], config: "AshaConfig | None") -> "Asha | None":
        """Make the rungs of a spec; None where it has none."""
        if config is None:
            return None
        return cls(rungs, config.reduction, config.tolerance, config.promotes, config.variety)

    @property
    def contents(self) -> Mapping[float, Mapping[int, float]]:
        """Copy of the rungs: by kimg, the value of each trial that is compared there, in order of arrival."""
        return {
            kimg: {trial: held.value for trial, held in rung.held.items() if not held.alike}
            for kimg, rung in zip(self.rungs, self._rungs, strict=True)
        }

    def enter(
        self,
        trial: int,
        kimg: float,
        value: float,
        se: float | None = None,
        variety: float | None = None,
        open_to: Collection[int] | None = None,
    ) -> Decision:
        """Enter a trial's value into every rung that the trial has newly reached, and decide whether it goes on.

        The highest rung reached decides: a report that crosses several rungs at once (a grace shorter than the interval
        between evaluations) is entered in each, and compared with the trials that came as far. The decision depends
        only on the trials that were there before, so that a second call, for example after a crash between the record
        and the stop, decides as the first did.

        Args:
            trial: The number of the trial.
            kimg: How far the trial has trained.
            value: The trial's metric there; finite.
            se: The standard error of the value; one that is not known, or no finite number, counts as 0.
            variety: The variety of its pictures, as a share of that of real ones; one that is not known, or not a
                number, stops nobody.
            open_to: The rungs, from 0, at which this value compares with others; None for all.

        Raises:
            ValueError: If the value is not finite: NaN would never be stopped, -inf would stop all others.
        """
        if not math.isfinite(value):
            raise ValueError(
                f"only finite values can be compared, got {value} of trial {trial} at {kimg} kimg"
            )
        met = [index for index, rung in enumerate(self.rungs) if reached(kimg, rung)]
        entries = [
            (index, value)
            for index in met
            if trial not in self._rungs[index].held and (open_to is None or index in open_to)
        ]
        error = se if se is not None and math.isfinite(se) else 0.0
        alike = variety is not None and variety < self.variety
        for index, entered in entries:
            self._rungs[index].add(trial, Held(entered, max(error, 0.0), alike))
        met = [index for index in met if trial in self._rungs[index].held]
        if not met:
            return Decision()
        rung = met[-1]
        if self._rungs[rung].held[trial].alike:
            return Decision(True, rung, self.rungs[rung], None, entries, alike=True)
        goes_on, cutoff = self._rungs[rung].judged(trial)
        goes_on = goes_on or (rung, trial) in self._released
        return Decision(not goes_on, rung, self.rungs[rung], cutoff, entries)

    def release(self, trial: int, rung: int) -> None:
        """Let a trial go on past a rung, whatever was decided there."""
        self._released.add((rung, trial))

    def ended(self, trial: int) -> bool:
        """Say whether a trial has ended for good at a rung, because its pictures varied too little."""
        return any(trial in rung.held and rung.held[trial].alike for rung in self._rungs)

    def promotable(
        self, waiting: Collection[int], at_the_end: bool = False, gone: Collection[int] = ()
    ) -> int | None:
        """Find a trial that was stopped and is among the best of its rung by now: the best one of the highest rung.

        Args:
            waiting: The trials that were stopped.
            at_the_end: Whether no trial trains or begins any more; then the best at a rung need not wait for others,
                and nobody who will not come to the end keeps a place from those that wait.
            gone: The trials that have died; those that ended for too little variety are known here.
        """
        # Before the end they count: what they had is what others are to be better than.
        alike = (one for rung in self._rungs for one, held in rung.held.items() if held.alike)
        out = {*gone, *alike} if at_the_end else ()
        later: set[int] = set()  # who has come further, perhaps past rungs that were not open to it
        for rung in reversed(self._rungs):
            if (found := rung.promotable(waiting, later, int(at_the_end), out)) is not None:
                return found
            later |= rung.held.keys()
        return None

    def load(self, entries: Iterable[tuple[float, int, float, float | None, bool]]) -> None:
        """Put recorded entries back into the rungs.

        Args:
            entries: (kimg of the rung, trial, value, standard error, whether its pictures varied too little) in the
                order in which they were recorded.

        Raises:
            WorkError: If an entry belongs to no rung, is not finite or contradicts another.
        """
        for kimg, trial, value, se, alike in entries:
            near = [i for i, rung in enumerate(self.rungs) if same_time(rung, kimg)]
            held = Held(value, se or 0.0, alike)
            if not near or not math.isfinite(value) or self._rungs[near[0]].held.get(trial, held) != held:
                rungs = ", ".join(f"{rung:g}" for rung in self.rungs) or "none"
                raise WorkError(
                    f"the recorded rungs do not fit the sweep: trial {trial} has {value} at {kimg} kimg, "
                    f"and the rungs are at {rungs} kimg"
                )
            if trial not in self._rungs[near[0]].held:
                self._rungs[near[0]].add(trial, held)

    def recall(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Put the recorded rows of the dataset ``rungs`` back, with who was let go on at once or since.

        Raises:
            WorkError: As `load` does.
        """
        # In the order of arrival: a decision depends on who was there before.
        entries = sorted(rows, key=lambda row: row["time"])
        self.load(
            (row["rung_kimg"], row["trial"], row["value"], row["se"], bool(row["alike"])) for row in entries
        )
        self._released |= {(row["rung"], row["trial"]) for row in entries if not row["stopped"]}
