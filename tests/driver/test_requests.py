"""What a trial costs in requests where the sweep lies in an object store."""

from collections.abc import Iterator

import pytest
from helpers.programs.fake_s3 import Bucket, serving

from sweep.driver.director import Director
from sweep.records import journal
from sweep.records.datasets import Store
from sweep.records.parts import compaction
from sweep.records.schemas import SCHEMAS
from sweep.records.sweep_info import SweepInfo
from sweep.search.trial_source import Asked, PastTrial
from sweep.spec.specification import parse
from sweep.storage.opening import open_folder
from sweep.worker.messages import Assignment, Evaluated, Measured

SPEC = parse("""
name: small
data: {source: avatars, count: 1000, size: 32}
train: {lr_g: {type: float, low: 1e-4, high: 1e-3, log: true}, epochs: 6}
evaluate: {every: 1, n_fake: 32, n_real: 64}
search: {sampler: random, trials: 9}
asha: {grace: 2, variant: stop, max: 4}
""")
INFO = SweepInfo(images=1000, budget=6.0, interval=1.0, rungs=(2.0, 4.0), data_hash="abc")
EVALUATIONS = 6
MOST = {"start": 2, "evaluation": 4, "rung": 5, "end": 4}
"""The requests of each step of a trial."""
LISTED_ONCE = 6
"""At the start of the first trial, the names of the parts of each dataset are listed."""


class Source:
    """Trials without end."""

    asked = 0

    def ask(self) -> Asked:
        """The next trial."""
        self.asked += 1
        return Asked(self.asked - 1, {"train.lr_g": 2e-4})

    def reopen(self, number: int) -> None:
        """Forget how it ended."""
        self.told = [one for one in self.told if one.number != number]

    def tell(self, past: PastTrial) -> None:
        """Nothing learns."""

    def follow(self, past: PastTrial) -> None:
        """Nothing learns on the way."""

    def flush(self) -> None:
        """Nothing waits."""


def evaluated(given: Assignment, kimg: float) -> Evaluated:
    ids = {"trial": given.trial, "attempt": given.attempt, "kimg": kimg}
    value = 1.0 / kimg / (given.trial + 1)  # better and better, so that none is stopped
    row = ids | {"kid": value, "fid": value, "seconds_train": 1.0, "seconds_eval": 1.0, "n_fake": 32}
    return Evaluated(**ids, row=row, sample=ids | {"path": "x.png"}, value=value, last=kimg == EVALUATIONS)


class Driven:
    """A director whose sweep lies in a bucket, and the requests that each of its steps took.

    Args:
        bucket: The bucket.
    """

    def __init__(self, bucket: Bucket) -> None:
        self.bucket, self.asked = bucket, dict[str, list[str]]()
        self.folder = open_folder(bucket.url) / "small"
        self.folder.exists()  # the first request of all looks whether the bucket is there
        bucket.asked.clear()
        self.director = Director(SPEC, INFO, Store(self.folder, SPEC.space.kinds()), Source(), "me")

    def requests(self, of: str) -> int:
        """Count the requests since the last call, and keep them under a name."""
        self.asked[of], self.bucket.asked[:] = self.bucket.asked[:], []
        return len(self.asked[of])

    def verbs(self, *steps: str) -> list[str]:
        """List the kinds of the requests of some steps."""
        return [line.partition(" ")[0] for step in steps for line in self.asked[step]]

    def trial(self) -> Iterator[str]:
        """Run a trial from its start to its result; yields what has just been done."""
        given = self.director.next()
        assert isinstance(given, Assignment)
        yield "start"
        for kimg in range(1, EVALUATIONS + 1):
            self.director.report(evaluated(given, float(kimg)))
            yield "rung" if kimg in INFO.rungs else "evaluation"
        result = {"kimg": 6.0, "kid": 0.1, "n_fake": 32, "seconds": 1.0}
        self.director.report(Measured(trial=given.trial, attempt=given.attempt, kimg=6.0, result=result))
        yield "end"


@pytest.fixture
def bucket(keys: None) -> Iterator[Bucket]:
    with serving() as bucket:
        yield bucket


def test_requests_of_a_trial_are_as_many_as_what_is_written_however_many_trials_there_are(
    bucket: Bucket,
) -> None:
    driven = Driven(bucket)
    for number in range(12):
        for step in driven.trial():
            more = LISTED_ONCE if (step, number) == ("start", 0) else 0
            assert driven.requests(step) <= MOST[step] + more, driven.asked
    assert set(driven.verbs("start", "evaluation", "rung")) == {"PUT"}
    assert driven.verbs("end") == ["PUT", "PUT", "PUT", "GET"], "result, row, ledger; which files may go"


def test_where_time_is_short_an_evaluation_takes_one_request(bucket: Bucket) -> None:
    driven = Driven(bucket)
    driven.director.records.late.share = 0.0
    taken = [(step, driven.requests(step)) for step in driven.trial()]
    # The last evaluation is the end of the training, when all parts are written.
    assert [requests for _, requests in taken[1:-1]] == [1, 1, 1, 1, 1, MOST["rung"]]
    assert taken[-1][1] <= MOST["end"]


def test_copies_of_parts_take_a_few_requests_from_time_to_time(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "COMPACT_EVERY", 8)
    monkeypatch.setattr(compaction, "MANY", 4)
    monkeypatch.setattr(compaction, "SETTLED_SECONDS", -10.0)
    driven, copying = Driven(bucket), []
    for _ in range(17):
        for step in driven.trial():
            if driven.requests(step) > MOST[step] + LISTED_ONCE:
                copying.append(driven.verbs(step)[MOST[step] :])
    assert len(copying) == 2, "after the 8th trial and the 16th"
    # The time; of each dataset but events: the names of its parts and of all copies, the old copy (three requests), the
    # new one, the old one's end (four); no part.
    assert max(len(verbs) for verbs in copying) <= 1 + 6 * 2 + 5 * (3 + 1 + 4)
    assert {name for name in driven.folder.names("compact")} == {
        f"{name}-00002" for name in SCHEMAS if name != "events"
    }
