"""No snapshot that was clearly better is passed over, however trials rise, fall, cross, collapse or are stopped."""

import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.metrics import NonFiniteError, Score
from ganlib.names import METRICS
from sweep.records.snapshots import Seen, best, candidates, peaked, still_improving
from sweep.records.status import Status
from sweep.records.trial_state import Trial
from sweep.results.ranking import rank
from sweep.search.trial_source import outcome
from sweep.storage import layout
from sweep.worker.result import measure

FULL = 512
SE = {128: 0.012, 384: 0.007, FULL: 0.006}
BIAS = {128: 40.0, 384: 12.0, FULL: 9.0}
"""How much higher FID is than at infinitely many pictures; it falls with their number."""


@dataclass
class History:
    """One trial: how good its generator truly was at each evaluation, and how far each measurement was off."""

    truths: list[float]
    errors: list[float]  # in standard errors, within one
    counts: list[int]
    end: str
    result_error: float = 0.0

    def rows(self, number: int, metric: str) -> list[dict[str, Any]]:
        rows = []
        for index, (truth, error, count) in enumerate(
            zip(self.truths, self.errors, self.counts, strict=True)
        ):
            dead = self.end == "collapsed" and index == len(self.truths) - 1
            rows.append(
                {
                    **score(truth, error, count),
                    **{
                        "trial": number,
                        "kimg": 10.0 * (index + 1),
                        "seconds_train": 1.0,
                        "seconds_eval": 0.1,
                    },
                    **{"verdict": "low_diversity" if dead else None, "ema": True, "data_hash": "d"},
                }
            )
        return rows


def score(truth: float, error: float, count: int) -> dict[str, Any]:
    fid = 100 * truth + BIAS[count] + error
    values = {
        "kid": truth + error * SE[count],
        "kid_se": SE[count],
        "fid": fid,
        "mind": fid,
        "n_real": 1024,
        "n_fake": count,
    }
    values |= {"mmd": values["kid"], "mmd_se": values["kid_se"]}
    return values | {"extractor": "e", "extractor_digest": "d", "resize": "r"}


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Any course of a trial: its length is where it was stopped, had collapsed, or reached the budget."""
    length = draw(st.integers(1, 9))
    shape = draw(st.sampled_from(["rising", "falling", "any", "dip"]))
    truths = draw(st.lists(st.floats(0.01, 0.9), min_size=length, max_size=length))
    if shape in ("rising", "falling"):
        truths.sort(reverse=shape == "falling")
    if shape == "dip":
        truths[draw(st.integers(0, length - 1))] = 0.005
    climbs = sorted(draw(st.lists(st.sampled_from(list(SE)), min_size=length, max_size=length)))
    errors = draw(st.lists(st.floats(-1, 1), min_size=length, max_size=length))
    end = draw(st.sampled_from(["finished", "stopped", "collapsed"]))
    return History(truths, errors, climbs, end, draw(st.floats(-1, 1)))


@dataclass
class Files:
    """What a trial has on the disk: a snapshot of each evaluation that is worth keeping, as a worker leaves them."""

    kept: dict[str, float] = field(default_factory=dict)

    def train(self, rows: list[dict[str, Any]], truths: list[float], metric: str) -> list[Seen]:
        seen: list[Seen] = []
        lowest = math.inf
        for row, truth in zip(rows, truths, strict=True):
            if one := Seen.of(row, metric):
                seen.append(one)
            now = candidates(seen, metric)
            if any(one.kimg == row["kimg"] for one in now):
                self.kept[layout.snapshot_name(row["kimg"])] = truth
            self.kept = {
                name: t
                for name, t in self.kept.items()
                if name in {layout.snapshot_name(o.kimg) for o in now}
            }
            if top := best(seen):
                assert top.value <= lowest  # what is called the best so far never gets worse
                lowest = top.value
        return candidates(seen, metric)


@dataclass
class FakeMeasuring:
    """Measures what `Files` kept: the truth and an error."""

    files: Files
    history: History
    metric: str
    extent: str = "usual"
    inputs: Any = field(default_factory=lambda: SimpleNamespace(name=lambda use: f"numbers:{use}"))
    config: Any = field(default_factory=lambda: SimpleNamespace(evaluate=SimpleNamespace(n_fake=FULL)))

    def load(self, folder: object, path: str) -> float | None:
        return self.files.kept.get(path.rpartition("/")[2])

    def count(self, generator: float) -> int:
        return 1

    def score(self, generator: float, use: str, extent: str) -> Score:
        error = self.history.result_error if use == "result" else 0.0
        return Score(**score(generator, error, FULL))


def concluded(number: int, history: History, metric: str) -> tuple[dict[str, Any], list[dict[str, Any]], Any]:
    rows, files = history.rows(number, metric), Files()
    kept = files.train(rows, history.truths, metric)
    trial = {"trial": number, "status": history.end, "verdict": None, "failure": None}
    trial["verdict"] = "low_diversity" if history.end == "collapsed" else None
    if not kept:
        return trial, rows, None
    ids = {"trial": number, "data_hash": "d"}
    return trial, rows, measure(None, "place", kept, FakeMeasuring(files, history, metric), ids)  # type: ignore[arg-type]


@pytest.mark.parametrize("metric", list(METRICS))
@given(st.lists(histories(), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_no_snapshot_that_was_clearly_better_is_passed_over(metric: str, played: list[History]) -> None:
    parts = [concluded(number, history, metric) for number, history in enumerate(played)]
    trials, rows = [part[0] for part in parts], [row for part in parts for row in part[1]]
    results = [part[2] for part in parts if part[2] is not None]
    board = rank(trials, rows, metric, results=results)
    able = [number for number, history in enumerate(played) if history.end != "collapsed"]
    # All that trained at all and did not collapse are ranked, and measured alike.
    assert {entry.trial for entry in board.ranked} == {n for n in able if parts[n][2] is not None}
    assert all(entry.measured and entry.n_fake == FULL for entry in board.ranked)
    if not board.ranked:
        return
    winner = board.ranked[0]
    truth = played[winner.trial].truths[round((winner.kimg or 0) / 10) - 1]
    for number in able:
        for row, was in zip(parts[number][1], played[number].truths, strict=True):
            margin = 3 * math.hypot(row["kid_se"], SE[FULL]) if METRICS[metric].error else 0.03
            assert row["verdict"] or truth <= was + margin, (number, row["kimg"])


@pytest.mark.parametrize("metric", list(METRICS))
def test_a_collapse_does_not_take_what_was_there_before(metric: str) -> None:
    history = History([0.5, 0.02, 0.01], [0.0, 0.0, 0.0], [128, 128, 384], "collapsed")
    trial, rows, result = concluded(0, history, metric)
    assert result["kimg"] == 20.0
    assert result["n_fake"] == FULL
    board = rank([trial], rows, metric, results=[result])
    assert not board.ranked
    assert "collapsed: low_diversity; its best was" in (board.left_out[0].reason or "")


def test_a_dip_on_few_pictures_is_kept_through_a_worse_end() -> None:
    """As it was seen: 0.0800 on 384 pictures, and 0.1215 on 512 at the end."""
    history = History([0.2, 0.08, 0.1215], [0, 0, 0], [128, 384, FULL], "finished")
    _, _, result = concluded(0, history, "kid")
    assert (result["kimg"], result["seen"], result["seen_n_fake"]) == (20.0, 0.08, 384)
    assert result["kid"] == pytest.approx(0.08)


def test_fids_on_different_numbers_of_pictures_run_off_at_the_full_number() -> None:
    # At 10 kimg FID was 60 on 128 pictures, at 20 it was 45 on 384; at the full number the first would have 29.
    history = History([0.20, 0.33], [0, 0], [128, 384], "stopped")
    seen = [one for row in history.rows(0, "fid") if (one := Seen.of(row, "fid"))]
    assert [one.n_fake for one in candidates(seen, "fid")] == [128, 384]
    assert concluded(0, history, "fid")[2]["kimg"] == 10.0


def test_a_fid_on_fewer_pictures_that_was_as_low_is_enough() -> None:
    seen = [Seen(10, 50.0, 128), Seen(20, 55.0, 384), Seen(30, 49.0, FULL)]
    assert [one.kimg for one in candidates(seen, "fid")] == [10, 30]


def test_a_result_that_cannot_be_measured_says_why() -> None:
    class Broken(FakeMeasuring):
        def score(self, generator: float, use: str, extent: str) -> Score:
            raise NonFiniteError("not finite")

    history = History([0.2], [0.0], [128], "stopped")
    files = Files()
    kept = files.train(history.rows(0, "kid"), history.truths, "kid")
    row = measure(None, "place", kept, Broken(files, history, "kid"), {"trial": 0})  # type: ignore[arg-type]
    assert row["problem"] == "not finite"
    assert row.get("kid") is None
    files.kept.clear()
    row = measure(None, "place", kept, FakeMeasuring(files, history, "kid"), {"trial": 0})  # type: ignore[arg-type]
    assert "snapshot is gone" in row["problem"]


@pytest.mark.parametrize(
    ("values", "growing"),
    [
        ([0.5, 0.4, 0.3, 0.2, 0.1], True),
        ([0.5, 0.1, 0.3, 0.2, 0.12], False),
        ([0.2, 0.2, 0.2, 0.2, 0.199], False),
        ([0.1], False),
    ],
)
def test_still_improving(values: list[float], growing: bool) -> None:
    seen = [Seen(10.0 * (index + 1), value, FULL, 0.005) for index, value in enumerate(values)]
    assert still_improving(seen, 10.0 * len(values)) is growing
    assert not still_improving(seen, 10.0 * len(values) + 20)  # it did not reach its budget
    fids = [Seen(one.kimg, 100 * one.value, FULL) for one in seen]
    assert still_improving(fids, 10.0 * len(values)) is growing


def test_a_trial_in_the_study_is_its_result() -> None:
    trial = Trial(0, {}, 1, "kid", status=Status.STOPPED, kimg=12.5, rung=0)
    trial.seen = [Seen(6.0, 0.05, 128, 0.01), Seen(12.5, 0.2, 128, 0.01)]
    assert trial.due
    assert outcome(trial, [12.0]).state == "running"
    trial.conclude({"kid": 0.07, "kid_se": 0.004, "fid": 1.0, "n_fake": FULL, "kimg": 6.0, "seconds": 1.0})
    past = outcome(trial, [12.0])
    assert (past.state, past.kimg, past.value) == ("stopped", 12.0, 0.07)
    assert past.attrs["n_fake"] == FULL
    assert trial.best == Seen(6.0, 0.05, 128, 0.01)


# ---- trials that have had their best -------------------------------------------------------------------------


def _seen(values: list[float], se: float | None = 0.01) -> list[Seen]:
    return [Seen(float(kimg + 1), value, FULL, se) for kimg, value in enumerate(values)]


def test_a_trial_has_peaked_when_it_was_no_better_by_its_error_for_so_long() -> None:
    assert not peaked([], 1)
    assert not peaked(_seen([0.3]), 1)
    assert peaked(_seen([0.3, 0.295]), 1), "better by less than its error"
    assert not peaked(_seen([0.3, 0.295]), 2)
    assert not peaked(_seen([0.3, 0.28]), 1)
    assert peaked(_seen([0.3, 0.2, 0.4, 0.5, 0.4]), 3)
    assert not peaked(_seen([0.3, 0.295, 0.289]), 2), "slow, but better in the end"
    assert peaked(_seen([40.0, 40.0], None), 1), "a tie is no better"
    assert not peaked(_seen([40.0, 39.999], None), 1), "FID has no error"


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.floats(0, 0.5), st.integers(1, 9))
def test_whoever_gets_better_all_the_time_never_peaks(values: list[float], se: float, patience: int) -> None:
    falling = _seen([-2.0 * kimg for kimg in range(len(values))], se)
    assert not peaked(falling, 0.5)
    seen = _seen(values, se)
    if peaked(seen, patience):
        assert peaked([*seen, Seen(len(values) + 1.0, max(values), FULL, se)], patience), "and it stays so"
        assert not peaked([*seen, Seen(len(values) + 1.0, min(values) - 2 * se - 1e-6, FULL, se)], patience)


@pytest.mark.parametrize(
    ("vendi", "real", "share"),
    [
        *((1.0, 5.0, 0.0), (2.0, 5.0, 0.25), (5.0, 5.0, 1.0), (9.0, 5.0, 2.0), (1.0 - 1e-12, 5.0, 0.0)),
        *((None, 5.0, None), (2.0, None, None), (2.0, 1.0, None), (2.0, 1.0 + 1e-7, None)),
        *((math.nan, 5.0, None), (2.0, math.nan, None), (math.inf, 5.0, None)),
    ],
)
def test_an_evaluation_knows_its_share_of_the_real_variety(
    vendi: float | None, real: float | None, share: float | None
) -> None:
    """Not known where real pictures hardly vary, and where a number is missing or none."""
    row = {"kimg": 1.0, "kid": 0.1, "verdict": None, "vendi": vendi, "real_vendi": real}
    one = Seen.of(row, "kid")
    assert one is not None
    assert one.variety == (None if share is None else pytest.approx(share))
