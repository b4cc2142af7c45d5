"""The SQLite file of an Optuna study: written without waiting for the disk, replaced in one step.

Optuna makes the file with its tables; rows of trials are written by SQL, because Optuna takes 10 ms and twenty
transactions for a trial.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.storage.folder import StorageError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

_CHILDREN = {
    "trial_params": ("param_name", "param_value", "distribution_json"),
    "trial_values": ("objective", "value", "value_type"),
    "trial_intermediate_values": ("step", "intermediate_value", "intermediate_value_type"),
    "trial_user_attributes": ('"key"', "value_json"),
    "trial_system_attributes": ('"key"', "value_json"),
}
"""The tables with what belongs to a trial, and their columns beside ``trial_id``."""
PAUSE_SECONDS = 0.1
"""The least time between two writes of trials that only go on."""
TOGETHER = 500
"""Trials whose rows are in memory together."""


class StudyFile:
    """The open SQLite file of a study; `create` makes one.

    Args:
        path: The SQLite file.
        name: The name of the study.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._connection = _connected(path)
        found = self._connection.execute("SELECT study_id FROM studies WHERE study_name = ?", (name,))
        (self._study,) = found.fetchone()
        self._waiting: dict[int, FrozenTrial] = {}
        self._written = -PAUSE_SECONDS

    def put(self, trials: "Iterable[FrozenTrial]") -> None:
        """Write trials, each in place of an older one with its number, in one transaction, with all that `later` has.

        Raises:
            sqlite3.Error: If the file cannot be written.
        """
        with self._connection as connection:
            waiting, given = list(self._waiting.values()), iter(trials)
            while some := waiting or list(islice(given, TOGETHER)):
                self._put(connection, some)
                waiting = []
        self._waiting.clear()
        self._written = time.monotonic()

    def later(self, trial: "FrozenTrial") -> None:
        """Write a trial now, or together with others if the last write was less than `PAUSE_SECONDS` ago.

        A transaction takes longer than the rows of a trial. Where reports come one by one, each is written at once.

        Raises:
            sqlite3.Error: If the file cannot be written.
        """
        self._waiting[trial.number] = trial
        if time.monotonic() - self._written >= PAUSE_SECONDS:
            self.put(())

    def _put(self, connection: sqlite3.Connection, trials: "Sequence[FrozenTrial]") -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO trials (trial_id, number, study_id, state, datetime_start, "
            "datetime_complete) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    *(_identity(trial), trial.number, self._study, trial.state.name),
                    *(_moment(trial.datetime_start), _moment(trial.datetime_complete)),
                )
                for trial in trials
            ],
        )
        tables: dict[str, list[tuple[object, ...]]] = {table: [] for table in _CHILDREN}
        for trial in trials:
            for table, rows in _rows(trial).items():
                tables[table].extend((_identity(trial), *row) for row in rows)
        for table, columns in _CHILDREN.items():
            connection.executemany(
                f"DELETE FROM {table} WHERE trial_id = ?", [(_identity(trial),) for trial in trials]
            )
            names, places = ", ".join(columns), ", ?" * len(columns)
            connection.executemany(
                f"INSERT INTO {table} (trial_id, {names}) VALUES (?{places})", tables[table]
            )

    def close(self) -> None:
        """Close the file; what `later` still has is written first.

        Raises:
            sqlite3.Error: If the file cannot be written.
        """
        try:
            if self._waiting:
                self.put(())
        finally:
            self._connection.close()


def _identity(trial: "FrozenTrial") -> int:
    """Give the ``trial_id`` of a trial."""
    return int(trial.number) + 1


def create(path: Path, name: str) -> None:
    """Make the file of a study without trials, which minimises.

    Args:
        path: The SQLite file, which is not there yet.
        name: The name of the study.
    """
    path.write_bytes(_nameless())
    with closing(_connected(path)) as connection, connection:
        connection.execute("UPDATE studies SET study_name = ?", (name,))


@cache
def _nameless() -> bytes:
    """Make the content of such a file as Optuna does, which takes a hundred times as long as to copy it."""
    import optuna
    from sqlalchemy.pool import StaticPool

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    storage = optuna.storages.RDBStorage(
        "sqlite://",
        engine_kwargs={"creator": lambda: memory, "poolclass": StaticPool},
        skip_compatibility_check=True,  # whoever makes the tables knows them
    )
    try:
        optuna.create_study(storage=storage, study_name="", direction="minimize")
        return memory.serialize()
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60, check_same_thread=False)
    # No fsync for each small write: after a power cut the file is rebuilt.
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def _rows(trial: "FrozenTrial") -> dict[str, list[tuple[object, ...]]]:
    """List the rows of a trial in each of `_CHILDREN`; all values are finite."""
    stored = [
        (name, distribution.to_internal_repr(trial.params[name]), _json(distribution))
        for name, distribution in trial.distributions.items()
    ]
    return {
        "trial_params": [*stored],
        "trial_values": [(index, value, "FINITE") for index, value in enumerate(trial.values or ())],
        "trial_intermediate_values": [
            (step, value, "FINITE") for step, value in trial.intermediate_values.items()
        ],
        "trial_user_attributes": [(key, json.dumps(value)) for key, value in trial.user_attrs.items()],
        "trial_system_attributes": [(key, json.dumps(value)) for key, value in trial.system_attrs.items()],
    }


@cache
def _json(distribution: "BaseDistribution") -> str:
    from optuna.distributions import distribution_to_json

    return str(distribution_to_json(distribution))


def _moment(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(sep=" ", timespec="microseconds")


def replace(fresh: Path, path: Path) -> None:
    """Replace the file of a study by a fresh one, in one step."""
    # A journal that a crash left behind belongs to the old file; SQLite would play it into the new one.
    _remove_journals(path)
    os.replace(fresh, path)


def remove(path: Path) -> None:
    """Delete the file of a study, where there is one."""
    _remove_journals(path)
    path.unlink(missing_ok=True)


def _remove_journals(path: Path) -> None:
    for suffix in ("-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what SQLite, SQLAlchemy and the disk raise into one readable error.

    Args:
        path: The SQLite file that is written, for the error.

    Raises:
        StorageError: If anything of those is raised; names the file and the reason.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (OSError, sqlite3.Error, SQLAlchemyError, StorageInternalError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise StorageError(
            f"cannot write the study {path}: {reason}. Nothing is lost: it is written anew when the sweep "
            "is resumed"
        ) from error
