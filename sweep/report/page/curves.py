"""The section of learning curves; `sweep.report.charts` has their data."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweep import formatting
from sweep.report.charts import rungs
from sweep.report.results import Results


@dataclass(frozen=True)
class RungLine:
    """A rung in words.

    Attributes:
        label: How many trials went on.
        went_on: Which ones; empty if none, or where there are several sweeps.
        stopped: Which ones were stopped; empty if none, or where there are several sweeps.
    """

    label: str
    went_on: str
    stopped: str


@dataclass(frozen=True)
class CurvesSection:
    """The learning curves.

    Attributes:
        drawn: Whether there is anything to draw.
        rungs: In order of kimg.
    """

    drawn: bool
    rungs: Sequence[RungLine]

    @classmethod
    def of(cls, results: Results) -> "CurvesSection":
        """Describe the curves of a report."""

        def numbers(trials: Sequence[int]) -> str:
            return formatting.trial_numbers(trials) if trials and not results.several else ""

        return cls(
            drawn=any(trial.evaluations for trial in results.trials),
            rungs=[
                RungLine(rung.label, numbers(rung.went_on), numbers(rung.stopped)) for rung in rungs(results)
            ],
        )
