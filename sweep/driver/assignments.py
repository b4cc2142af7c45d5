"""Put together everything that a worker needs to train one attempt of a trial."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sweep.driver.room import Room
from sweep.records.event_kind import EventKind
from sweep.records.snapshots import candidates
from sweep.records.sweep_info import SweepInfo
from sweep.records.trial_state import Trial
from sweep.search.trial_source import Asked
from sweep.spec.sections import SearchConfig
from sweep.spec.specification import Spec
from sweep.spec.wishes.wish import in_full
from sweep.worker.messages import Assignment


def trial_of(asked: Asked, search: SearchConfig) -> Trial:
    """Make the trial that a source asks for."""
    seed = asked.seed_in(search.seed)
    return Trial(asked.number, dict(asked.params), seed, search.metric, search.wishes)


def first_events(
    trial: Trial, config: Mapping[str, Any], refused: Sequence[str]
) -> Iterator[tuple[EventKind, Mapping[str, Any]]]:
    """List what there is to tell of a trial when it is handed out for the first time.

    Args:
        trial: The trial.
        config: All that it is to train.
        refused: Why the configurations that were drawn before this one were not taken.
    """
    if trial.attempt == 0 and config["ancestor"]:
        yield EventKind.BEGUN, config["ancestor"]
    if trial.attempt == 0 and refused:
        yield EventKind.REDRAWN, {"refused": len(refused), "reason": refused[-1]}


def columns_of(trial: Trial, config: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """List what a trial's row says of what is handed out: when that began, its seed, and all that it is to train."""
    return {
        "seed": trial.seed,
        "config": json.dumps(config),
        "params": json.dumps(trial.params),
        **{f"param.{path}": value for path, value in trial.params.items()},
        **({"started": now} if trial.attempt == 0 else {}),
    }


def assignment_for(
    trial: Trial, spec: Spec, info: SweepInfo, folder: str, owner: str, room: Room, config: dict[str, Any]
) -> Assignment:
    """Make the assignment of a trial's present attempt.

    Args:
        trial: What is handed out; where it has ended, its result is to be measured.
        spec: The sweep.
        info: Its facts.
        folder: URL of its folder.
        owner: The lease under which the trial runs.
        room: The machines that it runs on.
        config: The trial's configuration as plain values.
    """
    return Assignment(
        sweep=folder,
        owner=owner,
        trial=trial.number,
        attempt=trial.attempt,
        seed=trial.seed,
        metric=spec.search.metric,
        config=config,
        data_hash=info.data_hash,
        threads=room.threads,
        gpu=min(room.gpu * trial.share, 1.0),
        share=trial.share,
        timeout=spec.resources.timeout,
        seen_kimg=trial.kimg if trial.last_row else -1.0,
        to_measure=candidates(trial.seen, trial.metric) if trial.due else None,
        floor=info.floor,
        failures=trial.failures,
        keep_stopped=spec.keeps_stopped,
        in_full=in_full(spec.search.wishes),
    )
