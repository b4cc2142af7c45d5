"""Rows of trials, evaluations and results, for tests of rankings."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from sweep.results.leaderboard import Leaderboard
from sweep.results.ranking import rank

IDENTITY = {
    "extractor": "efficientnet_lite0@64",
    "extractor_digest": "0f1e",
    "n_fake": 512,
    "n_real": 3000,
    "data_hash": "a1b2",
    "resize": "bilinear antialiased to 64",
    "ema": True,
}


def trial(number: int, status: str = "finished", **more: object) -> dict[str, Any]:
    return {"trial": number, "status": status, "verdict": None, "failure": None, **more}


def measured(number: int, kimg: float, kid: float | None, **more: object) -> dict[str, Any]:
    fid = None if kid is None else 100 * kid
    values = {"kid": kid, "kid_se": 0.001, "fid": fid, "mmd": kid, "mmd_se": 0.001, "mind": fid}
    return {"trial": number, "kimg": kimg, **values, **IDENTITY, **more}


def order(
    trials: list[Mapping[str, Any]], metrics: list[Mapping[str, Any]], metric: str = "kid"
) -> list[int]:
    return [entry.trial for entry in rank(trials, metrics, metric).ranked]


def of_results(
    trials: list[dict[str, Any]], results: list[dict[str, Any]], metric: str = "kid"
) -> Leaderboard:
    """The leaderboard of trials that saw 0.5 at the first evaluation and have these results."""
    return rank(trials, [measured(one["trial"], 1.0, 0.5) for one in trials], metric, (), results)


numbers = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=32))
