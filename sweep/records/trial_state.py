"""The state of a trial while a sweep runs, and its conversion from and to the rows of the records."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweep.records import snapshots
from sweep.records.snapshots import Seen, error_in, finite
from sweep.records.status import Status
from sweep.spec.sections import SearchConfig
from sweep.spec.wishes.wish import MOST, Wish, broken, missed, misses

Row = dict[str, Any]


@dataclass
class Trial:
    """The state of one trial.

    Attributes:
        number: The 0-based number of the trial, which is Optuna's.
        params: The value of each searched key that is active, by path.
        seed: The seed of the training.
        metric: The searched metric, one of `ganlib.names.METRICS`.
        wishes: What is wanted of its result beside the metric.
        attempt: The 0-based number of the attempt that counts; -1 before the first.
        status: How the trial stands.
        kimg: How far the trial had trained at its last evaluation.
        seen: The healthy evaluations, oldest first.
        result: The row of ``results``, for which the best generator was measured once more; None before that.
        rung: The 0-based index of the highest rung at which it was compared; None before the first.
        verdict: Why the training was called dead; None for a healthy trial.
        failures: How often a worker of the trial died, hung or raised.
        preemptions: How often the machine of the trial was taken away.
        share: The factor on the spec's resources; 2 after the trial ran out of memory.
        now_kimg: How far the trial is at this moment, between two evaluations.
        seconds_train: Seconds of training so far.
        seconds_eval: Seconds of evaluations so far, the result included.
        last_row: The newest row of ``metrics``; empty before the first.
    """

    number: int
    params: dict[str, Any]
    seed: int
    metric: str = "kid"
    wishes: Sequence[Wish] = ()
    attempt: int = -1
    status: Status = Status.RUNNING
    kimg: float = 0.0
    seen: list[Seen] = field(default_factory=list)
    result: Row | None = None
    rung: int | None = None
    verdict: str | None = None
    failures: int = 0
    preemptions: int = 0
    share: float = 1.0
    now_kimg: float = 0.0
    seconds_train: float = 0.0
    seconds_eval: float = 0.0
    last_row: Row = field(default_factory=dict)

    @classmethod
    def remembered(
        cls, record: Mapping[str, Any], rows: Sequence[Row], search: SearchConfig, results: Sequence[Row] = ()
    ) -> "Trial":
        """Make a trial from its rows in the records.

        Args:
            record: The row of ``trials``.
            rows: The rows of ``metrics``, oldest first.
            search: What is searched for.
            results: The rows of ``results``: one or none.
        """
        verdict, status = record["verdict"], Status(record["status"])
        if status.resumable and rows and rows[-1]["verdict"] and not rows[-1]["rolled_back"]:
            verdict = rows[-1]["verdict"]  # a crash has prevented the record of the trial's end
        result = results[0] if results else None
        measuring = result["seconds"] or 0.0 if result else 0.0
        return cls(
            number=record["trial"],
            params=json.loads(record["params"]),
            seed=record["seed"],
            metric=search.metric,
            wishes=search.wishes,
            attempt=record["attempt"],
            status=status,
            kimg=rows[-1]["kimg"] if rows else 0.0,
            # An evaluation at which the trial was called dead does not count.
            seen=[one for row in rows if (one := Seen.of(row, search.metric))],
            result=result,
            rung=record["rung"],
            verdict=verdict,
            failures=record["failures"] or 0,
            preemptions=record["preemptions"] or 0,
            share=record["share"] or 1.0,
            seconds_train=sum(row["seconds_train"] for row in rows),
            seconds_eval=sum(row["seconds_eval"] for row in rows) + measuring,
            last_row=rows[-1] if rows else {},
        )

    @property
    def best(self) -> Seen | None:
        """Best evaluation so far; None before the first healthy one."""
        return snapshots.best(self.seen)

    @property
    def value(self) -> float | None:
        """Searched metric of the trial's result; None where there is no finite one."""
        return finite(self.result[self.metric]) if self.result else None

    @property
    def seconds_per_kimg(self) -> float | None:
        """Seconds of training for each kimg so far; None before the first evaluation."""
        return self.seconds_train / self.kimg if self.kimg else None

    @property
    def broken(self) -> tuple[str, ...]:
        """The wishes that its result breaks, in words; none before it has one."""
        return broken(self.wishes, self.result) if self.result and self.value is not None else ()

    @property
    def misses(self) -> tuple[float, ...]:
        """By how much it misses each wish: its result, or as far as can be where it died or has none."""
        if self.result and self.value is not None and not self.status.out_of_play:
            return misses(self.wishes, self.result)
        return (MOST,) * len(self.wishes)

    @property
    def standing(self) -> tuple[int, float]:
        """Sort key of trials, the best first.

        Those whose result fulfils the wishes come first, by the metric; then those without one, by their best so far;
        then those that break a wish, the nearest first.
        """
        if self.broken:
            return 2, missed(self.misses)
        if self.value is not None:
            return 0, self.value
        return (1, self.best.value) if self.best else (3, math.inf)

    @property
    def unfinished(self) -> bool:
        """Whether the trial can go on training."""
        return self.status.resumable

    @property
    def due(self) -> bool:
        """Whether the trial has ended, and its result has yet to be measured."""
        return not self.unfinished and self.result is None and self.best is not None

    @property
    def still_improving(self) -> bool:
        """Whether the trial came to its end while getting better; see `sweep.records.snapshots.still_improving`."""
        return self.status.to_the_end and snapshots.still_improving(self.seen, self.kimg)

    def add(self, row: Mapping[str, Any]) -> None:
        """Update the trial by a new row of ``metrics``."""
        self.kimg = self.now_kimg = row["kimg"]
        self.last_row = dict(row)
        self.seconds_train += row["seconds_train"]
        self.seconds_eval += row["seconds_eval"]
        if one := Seen.of(row, self.metric):
            self.seen.append(one)

    def conclude(self, result: Row) -> None:
        """Update the trial by its row of ``results``."""
        self.result = result
        self.seconds_eval += result["seconds"] or 0.0

    def reopen(self) -> None:
        """Make an ended trial one that can go on; what its result cost is forgotten with the result."""
        self.seconds_eval -= (self.result or {}).get("seconds") or 0.0
        self.result, self.status = None, Status.INTERRUPTED

    def row(self) -> Row:
        """Give the columns of ``trials`` that change while the trial runs."""
        names = (
            *("attempt", "status", "rung", "verdict", "kimg", "failures", "preemptions", "share"),
            *("seconds_train", "seconds_eval", "still_improving"),
        )
        known = {name: getattr(self, name) for name in names} | {"trial": self.number}
        seen, result = self.best, self.result
        return known | {
            "broken": "; ".join(self.broken) or None,
            "best_kimg": seen.kimg if seen else None,
            "best_value": seen.value if seen else None,
            "best_n_fake": seen.n_fake if seen else None,
            "result": self.value,
            "result_se": error_in(result, self.metric) if result else None,
            "result_kimg": result["kimg"] if result else None,
        }


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Sort the trials that have a value by their standing, without collapsed and failed ones; see `Trial.standing`."""
    able = [trial for trial in trials if trial.best and not trial.status.out_of_play]
    return sorted(able, key=lambda trial: trial.standing)
