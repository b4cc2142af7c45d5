"""What is known of one trial while a sweep runs, and how it is written down and read back."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sweep.asking import PastTrial, State

Status = Literal["running", "finished", "stopped", "collapsed", "failed", "interrupted"]
UNFINISHED = ("running", "interrupted")


@dataclass
class Trial:
    """One trial.

    Attributes:
        number: 0-based; Optuna's number.
        params: the value of each searched key that is active.
        seed: of its training.
        attempt: 0-based; -1 before it was first handed out.
        values: (kimg, metric) of its healthy evaluations.
        stage: step of the evaluation ladder that the newest of them was measured on.
        earlier: how many of them were measured on a lower one, and do not compare with the rest.
        rung: the highest that it has reached.
        failures: how often its worker died, hung or raised.
        now_kimg: how far it is at this moment, between two evaluations.
        share: of the spec's resources that it gets; 2 after it ran out of memory.
        last_row: its newest row of ``metrics``.
    """

    number: int
    params: dict[str, Any]
    seed: int
    attempt: int = -1
    status: Status = "running"
    kimg: float = 0.0
    values: list[tuple[float, float]] = field(default_factory=list)
    stage: int = 0
    earlier: int = 0
    rung: int | None = None
    verdict: str | None = None
    failures: int = 0
    share: float = 1.0
    now_kimg: float = 0.0
    seconds_train: float = 0.0
    seconds_eval: float = 0.0
    last_row: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def remembered(cls, record: Mapping[str, Any], rows: Sequence[dict[str, Any]], metric: str) -> "Trial":
        """A trial from its row of ``trials`` and its rows of ``metrics``, oldest first."""
        verdict = record["verdict"]
        if record["status"] in UNFINISHED and rows and rows[-1]["verdict"] and not rows[-1]["rolled_back"]:
            verdict = rows[-1]["verdict"]  # its end was not written down any more
        # An evaluation at which a trial was called collapsed does not count for it.
        healthy = [row for row in rows if row["verdict"] is None]
        trial = cls(
            number=record["trial"],
            params=json.loads(record["params"]),
            seed=record["seed"],
            attempt=record["attempt"],
            status=record["status"],
            kimg=rows[-1]["kimg"] if rows else 0.0,
            rung=record["rung"],
            verdict=verdict,
            failures=record["failures"] or 0,
            share=record["share"] or 1.0,
            seconds_train=sum(row["seconds_train"] for row in rows),
            seconds_eval=sum(row["seconds_eval"] for row in rows),
            last_row=rows[-1] if rows else {},
        )
        for row in healthy:
            trial._take(row, row[metric])
        return trial

    @property
    def best(self) -> tuple[float, float] | None:
        """(kimg, value) of the best evaluation, the earliest of equals; None before there is one.

        Only evaluations of the highest stage count: values of different numbers of pictures do not compare.
        """
        return min(self.values[self.earlier :], key=lambda pair: (pair[1], pair[0]), default=None)

    @property
    def standing(self) -> tuple[float, float]:
        """What trials are ordered by, the best first: those that were measured with more pictures, then the value."""
        best = self.best
        return (-self.stage, best[1]) if best else (1.0, math.inf)

    @property
    def unfinished(self) -> bool:
        """Whether it can go on."""
        return self.status in UNFINISHED

    def add(self, row: Mapping[str, Any], value: float | None) -> None:
        """Take in a row of ``metrics``; ``value`` is None where the evaluation does not count."""
        self.kimg = self.now_kimg = row["kimg"]
        self.last_row = dict(row)
        self.seconds_train += row["seconds_train"]
        self.seconds_eval += row["seconds_eval"]
        self._take(row, value)

    def _take(self, row: Mapping[str, Any], value: float | None) -> None:
        if value is None:
            return
        stage = row.get("stage") or 0
        if stage > self.stage:
            self.stage, self.earlier = stage, len(self.values)
        self.values.append((row["kimg"], value))

    def row(self) -> dict[str, Any]:
        """Its row of ``trials``, as far as it changes."""
        kimg, value = self.best or (None, None)
        names = [
            "attempt",
            "status",
            "rung",
            "verdict",
            "kimg",
            "seconds_train",
            "seconds_eval",
            "failures",
            "share",
            "stage",
        ]
        known = {name: getattr(self, name) for name in names}
        return known | {"trial": self.number, "best_kimg": kimg, "best_value": value}

    def outcome(self) -> PastTrial:
        """What the sampler is to know: a trial that finished without a single number has failed."""
        best = self.best
        state: State
        if self.status == "running" or self.status == "interrupted":
            state = "running"
        elif self.status == "finished" and best is None:
            state = "failed"
        else:
            state = self.status
        return PastTrial(
            number=self.number,
            params=self.params,
            state=state,
            values=self.values,
            value=best[1] if best and state == "finished" else None,
            attrs={"verdict": self.verdict} if self.verdict else {},
        )
