"""A driver as a job of a Ray cluster: it runs on the cluster's head, whatever becomes of the machine it came from."""

import logging
import os
import secrets
import shlex
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganlib.errors import RequestError, WorkError
from sweep.runners import ray_environment

OVERRULING = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")
"""Variables that Ray prefers to the address that it is given."""
PORT = 8265
PATIENCE_SECONDS = 60.0
"""For a head that says it will take jobs later."""
LATER = "No available agent"
"""In what such a head says."""
NO_AGENT = (
    "the head of the cluster at '{address}' takes no jobs: its agent, which starts them, is not there. Another Ray on "
    "the same machine has its port, as a rule (52365 for each, if not told otherwise): start the head with 'ray start "
    "--head --dashboard-agent-listen-port=0', or run without --detach on a machine of the cluster"
)
OF_RAY = ("Running entrypoint for job", "INFO job_manager.py")
"""In lines that Ray writes into the output of a job."""
NO_SWEEP = ("No module named sweep", "python: not found", "python: command not found")


class RayJob:
    """A driver as a Ray job.

    Args:
        words: The command, without ``sweep`` and ``--address``.
        files: Text files that the command reads, by their names.
        name: Of the sweep.
        address: HOST:PORT of the head, ``auto`` on a machine of the cluster, or ``http://HOST:8265``, where the head
            takes jobs.

    Attributes:
        described: Its number as a job.
        output: The command that shows all that it says.

    Raises:
        RequestError: if the head does not answer, or takes no jobs.
    """

    def __init__(self, words: Sequence[str], files: Mapping[str, str], name: str, address: str) -> None:
        ray_environment.prepare()
        self._address, self._name = address, name
        self._client = _client(address)
        job = f"sweep-{''.join(c if c.isalnum() else '-' for c in name)}-{secrets.token_hex(4)}"
        command = f'python -m sweep {shlex.join(words)} --address "$RAY_ADDRESS"'
        with tempfile.TemporaryDirectory() as scratch:
            for file, text in files.items():
                (Path(scratch) / file).write_text(text, encoding="utf-8")
            runtime: dict[str, Any] = {"env_vars": {"PYTHONUNBUFFERED": "1"}}
            if files:
                runtime["working_dir"] = scratch
            self._job = self._handed_over(
                entrypoint=command, runtime_env=runtime, submission_id=job, metadata={"sweep": name}
            )
        self.described = f"the Ray job {self._job}"
        self.output = f"'ray job logs {self._job} --address {self._client.get_address()}'"

    def _handed_over(self, **job: Any) -> str:  # noqa: ANN401 - what Ray's client takes
        """Hand a job over; returns its number. A head that has just started takes none at first."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return str(self._client.submit_job(**job))
            except (RuntimeError, OSError) as error:
                if LATER not in str(error):
                    raise WorkError(
                        f"the cluster at '{self._address}' did not take the job: {error}"
                    ) from None
                if time.monotonic() > until:
                    raise WorkError(NO_AGENT.format(address=self._address)) from None
            time.sleep(1.0)

    def ended(self) -> int | None:
        """Give its exit code; None while it runs.

        Raises:
            WorkError: if the head answers no more, or the job has no exit code: it was stopped, or was lost.
        """
        info = self._asked(self._client.get_job_info)
        if not info.status.is_terminal():
            return None
        if info.status.value == "SUCCEEDED":
            return 0
        if info.status.value == "STOPPED":  # 'ray job stop', which says no exit code
            raise WorkError(
                f"{self.described} was stopped: 'sweep resume {self._name}' goes on with it, or the same command where "
                f"no trial had started. All that it said: {self.output}"
            )
        if any(word in self.said() for word in NO_SWEEP):
            raise RequestError(
                f"the Python of the cluster's head has no sweep: 'ray start' there must find that of sweep's "
                f"environment first (export PATH=~/sweep/.venv/bin:$PATH). {self.described}: {info.message}"
            )
        if info.driver_exit_code is None:
            raise WorkError(f"{self.described} ended without an exit code: {info.message}")
        return int(info.driver_exit_code)

    def said(self) -> str:
        """Read all that it has said so far, without what Ray writes before it."""
        text = str(self._asked(self._client.get_job_logs))
        lines = text.splitlines(keepends=True)
        return "".join(line for line in lines if not any(word in line for word in OF_RAY))

    def _asked(self, question: Any) -> Any:  # noqa: ANN401 - methods of Ray's client
        try:
            return question(self._job)
        except (RuntimeError, OSError) as error:
            raise WorkError(
                f"the cluster at '{self._address}' answers no more: {error}. {self.described} may still run: 'sweep "
                "watch' shows it"
            ) from None


def _client(address: str) -> Any:  # noqa: ANN401 - Ray's client has no types
    """Open the door for jobs of a cluster."""
    from ray.dashboard.utils import ray_address_to_api_server_url
    from ray.exceptions import AuthenticationError, RpcError
    from ray.job_submission import JobSubmissionClient

    from sweep.runners import ray_token
    from sweep.runners.ray_cluster import head_of

    def admitted() -> bool:
        try:
            JobSubmissionClient(url)
        except AuthenticationError:
            return False
        return True

    for logger in ("ray.dashboard.modules.dashboard_sdk", "ray._private.runtime_env.packaging"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    for name in OVERRULING:
        os.environ.pop(name, None)
    url = address
    try:
        if not address.startswith(("http://", "https://")):
            url = ray_address_to_api_server_url(head_of(address))
        ray_token.show(admitted, address)
        return JobSubmissionClient(url)
    except RequestError:
        raise
    except (RuntimeError, OSError, ValueError, RpcError) as error:
        raise RequestError(_why_not(address, url, str(error))) from None


def _why_not(address: str, url: str, error: str) -> str:
    """Say why no job can be handed to a cluster, and what to do."""
    if "ray[default]" in error:
        return "--detach with --address needs Ray's client of jobs: install sweep-gan[cluster] (ray[default])"
    if url == address and not url.startswith("http"):
        return (
            f"no Ray cluster answers at '{address}': {error}. Where only its port for jobs can be reached from here, "
            f"give that: --address http://HOST:{PORT}"
        )
    if "404" in error:
        return (
            f"the cluster at '{address}' takes no jobs: its head was started without ray[default]. Install "
            "sweep-gan[cluster] there, or run without --detach on a machine of the cluster"
        )
    return (
        f"nothing takes jobs at {url} ({error.rstrip('.')}). A cluster's head does, at port {PORT}, for itself alone "
        "unless it was started with --dashboard-host: run this command there, or make a tunnel (ssh -L "
        f"{PORT}:localhost:{PORT} HEAD) and give --address http://localhost:{PORT}"
    )
