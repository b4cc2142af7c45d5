"""Set what Ray reads from the environment, before Ray is imported."""

import os
import sys
from typing import Any

from ganlib.errors import RequestError

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    # Our state is in the folder; a snapshot of Ray's is written once a day, that is never.
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Tune would ask for the place of one trial at a time; on a cluster its nodes would start one after another.
    "TUNE_MAX_PENDING_TRIALS_PG": "8",
}
"""Names and values; what a user has set stays."""
STORES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE")
"""What says which store is meant, beside the keys that Tune hands on."""
CACHE = "SWEEP_CACHE"


def prepare() -> None:
    """Put the settings into the environment of this process and of those that it starts.

    A cache that is named from here is named from the root: Tune gives each trial a working directory of its own.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    if named := os.environ.get(CACHE, "").strip():
        os.environ[CACHE] = os.path.abspath(os.path.expanduser(named))


def check_free() -> None:
    """Refuse to take the place of a Ray that this process uses already, as a notebook may.

    Raises:
        RequestError: saying what to do.
    """
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        raise RequestError(
            "this process uses Ray already (ray.init), and a sweep has a Ray of its own, which ends with it: call "
            "ray.shutdown() first, run the sweep in another process, or run it without Ray (--local, local=True)"
        )


def of_trials() -> dict[str, Any]:
    """Make the ``runtime_env`` that Tune gives the workers of trials, with keys of a bucket that only the driver has.

    What tries out whether trials can run somewhere, or how fast, is to have the same.
    """
    from ray.tune.execution import class_cache

    handed = {name: os.environ[name] for name in hand_on() if name in os.environ}
    return {"env_vars": class_cache.DEFAULT_ENV_VARS | handed}


def hand_on() -> set[str]:
    """Have Tune hand on to trials what says where a bucket is; returns all that it hands on."""
    from ray.tune.execution import class_cache

    handed: set[str] = class_cache.ENV_VARS_TO_PROPAGATE | set(STORES)
    class_cache.ENV_VARS_TO_PROPAGATE = handed
    return handed
