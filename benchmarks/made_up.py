"""Workers that train nothing: what they say is made up, for the real `Director` to judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganlib.training.collapse import Verdict
from sweep.driver.room import Attempt
from sweep.records.snapshots import Seen, candidates
from sweep.storage import layout
from sweep.worker.messages import Assignment, Evaluated, Measured

IDENTITY = {
    "extractor": "efficientnet_lite0@64",
    "extractor_digest": "ab" * 32,
    "resize": "torch-bilinear-antialias",
}


@dataclass
class Wide:
    """Room for so many trials at a time."""

    workers: int
    gpu: float = 0.0
    threads: int = 1
    largest_share: float = 1.0

    def fits(self, live: Mapping[Attempt, float], share: float) -> bool:
        """Say whether a worker is free."""
        return len(live) < self.workers


@dataclass(frozen=True, slots=True)
class Point:
    """An evaluation of a learning curve.

    Attributes:
        kimg: How far the trial had trained.
        kid: What was measured there.
        se: The standard error of that.
        result: What the generator would score as the trial's result.
        n_fake: On how many pictures it was measured.
        vendi: Variety of the pictures.
        real_vendi: Variety of as many real pictures.
        verdict: Why the run is called dead; None for one that lives.
        more: Further columns of the row of ``metrics``.
    """

    kimg: float
    kid: float
    se: float
    result: float
    n_fake: int = 1000
    vendi: float = 2.0
    real_vendi: float = 2.0
    verdict: str | None = None
    more: Mapping[str, float] | None = None


class Worker:
    """A worker's side of one attempt.

    Args:
        assignment: What it was given.
        points: The evaluations of the trial, from its beginning to its end.
    """

    def __init__(self, assignment: Assignment, points: Sequence[Point]) -> None:
        self.given = assignment
        self.points = [one for one in points if one.kimg > assignment.seen_kimg + 1e-9]
        self.made = {one.kimg: one for one in points}
        self.seen = [
            Seen(one.kimg, one.kid, one.n_fake, one.se) for one in points[: len(points) - len(self.points)]
        ]

    def evaluated(self) -> Evaluated:
        """Give the next evaluation."""
        point = self.points.pop(0)
        ids = {"trial": self.given.trial, "attempt": self.given.attempt, "kimg": point.kimg}
        dead = None if point.verdict is None else Verdict(point.verdict, point.kimg, 0, "made up")
        row = ids | self._score(point, point.kid)
        row |= {"seconds_train": 60.0, "seconds_eval": 6.0, "rolled_back": False, "epoch": point.kimg}
        row |= {"stage": 0, "verdict": point.verdict, "vendi": point.vendi, "real_vendi": point.real_vendi}
        row |= point.more or {}
        if dead is None:
            self.seen.append(Seen(point.kimg, point.kid, point.n_fake, point.se))
        sample = ids | {
            "path": layout.grid(self.given.trial, 1.0),
            "rows": 1,
            "cols": 1,
            "latents": "normal:0",
        }
        return Evaluated(
            **ids,
            row=row,
            sample=sample,
            value=None if dead else point.kid,
            verdict=dead,
            last=not self.points,
        )

    def measured(self) -> Measured:
        """Give the result."""
        (best,) = candidates(self.seen, "kid")
        point = self.made[best.kimg]
        ids = {"trial": self.given.trial, "attempt": self.given.attempt}
        row = ids | self._score(point, point.result) | {"kimg": best.kimg, "seen": best.value}
        row |= {"seen_n_fake": best.n_fake, "seconds": 20.0}
        return Measured(**ids, kimg=best.kimg, result=row)

    def _score(self, point: Point, kid: float) -> dict[str, Any]:
        told = {"kid": kid, "fid": 1000 * max(kid, 0.0), "kid_se": point.se, "n_real": 1000, "ema": True}
        return told | IDENTITY | {"n_fake": point.n_fake, "data_hash": self.given.data_hash}
