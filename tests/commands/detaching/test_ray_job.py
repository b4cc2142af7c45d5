"""A driver as a Ray job: heads that take none, and jobs that end without an exit code. Ray itself is not started."""

import time

import pytest

from ganlib.errors import RequestError, WorkError
from sweep.commands.detaching import ray_job


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:1", "nothing takes jobs at http://127.0.0.1:1 ("),
        ("127.0.0.1:1", "no Ray cluster answers at '127.0.0.1:1'"),
        ("ray://127.0.0.1:1", "hand the sweep over: --detach --address http://HOST:8265"),
        ("nonsense", "an address is HOST:PORT"),
    ],
)
def test_an_address_that_takes_no_jobs(address: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RequestError) as error:
        ray_job.RayJob(["run"], {}, "faces", address)
    assert words in str(error.value)


def test_a_head_without_an_agent_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clusters on one machine, and the second has no port for its agent."""

    class Head:
        def submit_job(self, **_: object) -> str:
            raise RuntimeError(
                "Request failed with status code 500: No available agent to submit job, please try again later.."
            )

    monkeypatch.setattr(ray_job, "_client", lambda _: Head())
    monkeypatch.setattr(ray_job, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(WorkError, match="dashboard-agent-listen-port=0"):
        ray_job.RayJob(["run"], {}, "faces", "10.0.0.1:6379")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("STOPPED", ["was stopped: 'sweep resume faces' goes on with it", "'ray job logs sweep-faces-1a2b "]),
        ("FAILED", ["ended without an exit code: its supervisor died"]),  # perhaps after hours
    ],
)
def test_a_job_without_an_exit_code_says_what_became_of_it(
    status: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ray job stop` while the command still looks on: Ray writes no exit code then."""
    from ray.dashboard.modules.job.common import JobInfo, JobStatus

    class Head:
        def submit_job(self, **_: object) -> str:
            return "sweep-faces-1a2b"

        def get_job_info(self, _: str) -> JobInfo:
            return JobInfo(JobStatus(status), "python -m sweep run", message="its supervisor died")

        def get_job_logs(self, _: str) -> str:
            return "3 of 20 trials\n"

        def get_address(self) -> str:
            return "http://10.0.0.1:8265"

    monkeypatch.setattr(ray_job, "_client", lambda _: Head())
    driver = ray_job.RayJob(["run"], {}, "faces", "10.0.0.1:6379")
    with pytest.raises(WorkError) as error:
        driver.ended()
    assert all(word in str(error.value) for word in words)
    assert "before it began" not in str(error.value)
