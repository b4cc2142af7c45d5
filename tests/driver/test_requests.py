"""What a trial costs in requests where the sweep lies in an object store."""

import pytest
from helpers.fake_s3 import serving

from sweep.driver.director import Director
from sweep.records.datasets import Store
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
asha: {grace: 2, reduction: 2, max: 4}
""")
INFO = SweepInfo(images=1000, budget=6.0, interval=1.0, rungs=(2.0, 4.0), data_hash="abc")
EVALUATIONS = 6
A_START, AN_EVALUATION, A_RUNG, AN_END = 2, 4, 1, 5


class Source:
    """Trials without end."""

    asked = 0

    def ask(self) -> Asked:
        """The next trial."""
        self.asked += 1
        return Asked(self.asked - 1, {"train.lr_g": 2e-4})

    def tell(self, past: PastTrial) -> None:
        """Nothing learns."""


def evaluated(given: Assignment, kimg: float) -> Evaluated:
    ids = {"trial": given.trial, "attempt": given.attempt, "kimg": kimg}
    value = 1.0 / kimg / (given.trial + 1)  # better and better, so that none is stopped
    row = ids | {"kid": value, "fid": value, "seconds_train": 1.0, "seconds_eval": 1.0, "n_fake": 32}
    return Evaluated(**ids, row=row, sample=ids | {"path": "x.png"}, value=value, last=kimg == EVALUATIONS)


@pytest.mark.parametrize("before", [1, 40])
def test_requests_of_a_trial_are_as_many_as_what_is_written_however_many_trials_there_are(
    before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.setenv(name, "true")
    with serving() as bucket:
        folder = open_folder(bucket.url) / "small"
        folder.exists()  # the first request of all looks whether the bucket is there
        bucket.asked.clear()
        store = Store(folder, SPEC.space.kinds())
        director, asked = Director(SPEC, INFO, store, Source(), "me"), dict[str, list[str]]()

        def requests(of: str) -> int:
            asked[of], bucket.asked[:] = bucket.asked[:], []
            return len(asked[of])

        for _ in range(before):
            given = director.next()
            assert isinstance(given, Assignment)
            requests("start")
            for kimg in range(1, EVALUATIONS + 1):
                director.report(evaluated(given, float(kimg)))
                rung = kimg in INFO.rungs
                assert requests("evaluation") <= AN_EVALUATION + A_RUNG * rung, asked
            result = {"kimg": 6.0, "kid": 0.1, "n_fake": 32, "seconds": 1.0}
            director.report(Measured(trial=given.trial, attempt=given.attempt, kimg=6.0, result=result))
            assert len(asked["start"]) <= A_START, asked
            assert requests("end") <= AN_END, asked
        assert {line.partition(" ")[0] for line in [*asked["start"], *asked["evaluation"]]} == {"PUT"}
