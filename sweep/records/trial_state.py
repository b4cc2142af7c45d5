"""What is known of one trial while a sweep runs, and how it is written down and read back."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweep.records import snapshots
from sweep.records.snapshots import Seen
from sweep.records.status import Status

Row = dict[str, Any]


@dataclass
class Trial:
    """One trial.

    Attributes:
        number: 0-based; Optuna's number.
        params: the value of each searched key that is active.
        seed: of its training.
        metric: the searched one.
        attempt: 0-based; -1 before it was first handed out.
        seen: its healthy evaluations, oldest first.
        result: its row of ``results``: its best generator measured once more; None before that was done.
        rung: the highest that it has reached.
        failures: how often its worker died, hung or raised.
        now_kimg: how far it is at this moment, between two evaluations.
        share: of the spec's resources that it gets; 2 after it ran out of memory.
        last_row: its newest row of ``metrics``.
    """

    number: int
    params: dict[str, Any]
    seed: int
    metric: str = "kid"
    attempt: int = -1
    status: Status = Status.RUNNING
    kimg: float = 0.0
    seen: list[Seen] = field(default_factory=list)
    result: Row | None = None
    rung: int | None = None
    verdict: str | None = None
    failures: int = 0
    share: float = 1.0
    now_kimg: float = 0.0
    seconds_train: float = 0.0
    seconds_eval: float = 0.0
    last_row: Row = field(default_factory=dict)

    @classmethod
    def remembered(
        cls, record: Mapping[str, Any], rows: Sequence[Row], metric: str, results: Sequence[Row] = ()
    ) -> "Trial":
        """Read a trial from its row of ``trials``, its rows of ``metrics``, oldest first, and of ``results``."""
        verdict = record["verdict"]
        if (
            Status(record["status"]).resumable
            and rows
            and rows[-1]["verdict"]
            and not rows[-1]["rolled_back"]
        ):
            verdict = rows[-1]["verdict"]  # its end was not written down any more
        result = results[0] if results else None
        measuring = result["seconds"] or 0.0 if result else 0.0
        return cls(
            number=record["trial"],
            params=json.loads(record["params"]),
            seed=record["seed"],
            metric=metric,
            attempt=record["attempt"],
            status=Status(record["status"]),
            kimg=rows[-1]["kimg"] if rows else 0.0,
            # An evaluation at which a trial was called collapsed does not count for it.
            seen=[one for row in rows if (one := Seen.of(row, metric))],
            result=result,
            rung=record["rung"],
            verdict=verdict,
            failures=record["failures"] or 0,
            share=record["share"] or 1.0,
            seconds_train=sum(row["seconds_train"] for row in rows),
            seconds_eval=sum(row["seconds_eval"] for row in rows) + measuring,
            last_row=rows[-1] if rows else {},
        )

    @property
    def best(self) -> Seen | None:
        """Its best evaluation so far, which never gets worse; None before there is one."""
        return snapshots.best(self.seen)

    @property
    def value(self) -> float | None:
        """The searched metric of its result; None where there is no finite one."""
        return _finite(self.result[self.metric]) if self.result else None

    @property
    def standing(self) -> tuple[int, float]:
        """What trials are ordered by, the best first: those with a result, then the best so far of the others."""
        if self.value is not None:
            return 0, self.value
        return (1, self.best.value) if self.best else (2, math.inf)

    @property
    def unfinished(self) -> bool:
        """Whether it can go on training."""
        return self.status.resumable

    @property
    def due(self) -> bool:
        """Whether it has ended, and its result has yet to be measured."""
        return not self.unfinished and self.result is None and self.best is not None

    @property
    def still_improving(self) -> bool:
        """Whether it reached its budget while it was getting better; see `sweep.records.snapshots.still_improving`."""
        return self.status is Status.FINISHED and snapshots.still_improving(self.seen, self.kimg)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in a row of ``metrics``."""
        self.kimg = self.now_kimg = row["kimg"]
        self.last_row = dict(row)
        self.seconds_train += row["seconds_train"]
        self.seconds_eval += row["seconds_eval"]
        if one := Seen.of(row, self.metric):
            self.seen.append(one)

    def conclude(self, result: Row) -> None:
        """Take in its row of ``results``."""
        self.result = result
        self.seconds_eval += result["seconds"] or 0.0

    def row(self) -> Row:
        """Its row of ``trials``, as far as it changes."""
        names = (
            *("attempt", "status", "rung", "verdict", "kimg", "failures", "share"),
            *("seconds_train", "seconds_eval", "still_improving"),
        )
        known = {name: getattr(self, name) for name in names} | {"trial": self.number}
        seen, result = self.best, self.result
        return known | {
            "best_kimg": seen.kimg if seen else None,
            "best_value": seen.value if seen else None,
            "best_n_fake": seen.n_fake if seen else None,
            "result": self.value,
            "result_se": _finite(result["kid_se"]) if result and self.metric == "kid" else None,
            "result_kimg": result["kimg"] if result else None,
        }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
