"""The SQLite file of an Optuna study: written without waiting for the disk, replaced in one step.

Optuna makes the file with its tables; rows of trials are written by SQL, because Optuna takes 10 ms and twenty
transactions for a trial.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
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

    def put(self, trials: "Iterable[FrozenTrial]") -> None:
        """Write trials, each in place of an older one with its number, in one transaction.

        Raises:
            sqlite3.Error: If the file cannot be written.
        """
        with self._connection as connection:
            for trial in trials:
                identity = trial.number + 1
                times = (_moment(trial.datetime_start), _moment(trial.datetime_complete))
                connection.execute(
                    "INSERT OR REPLACE INTO trials (trial_id, number, study_id, state, datetime_start, "
                    "datetime_complete) VALUES (?, ?, ?, ?, ?, ?)",
                    (identity, trial.number, self._study, trial.state.name, *times),
                )
                for table, rows in _rows(trial).items():
                    columns = _CHILDREN[table]
                    connection.execute(f"DELETE FROM {table} WHERE trial_id = ?", (identity,))
                    names, places = ", ".join(columns), ", ?" * len(columns)
                    connection.executemany(
                        f"INSERT INTO {table} (trial_id, {names}) VALUES (?{places})",
                        [(identity, *row) for row in rows],
                    )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def create(path: Path, name: str) -> None:
    """Make the file of a study without trials, which minimises.

    Args:
        path: The SQLite file, which is not there yet.
        name: The name of the study.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Only `_connected` knows the path: Optuna fills in '%' in a URL, and SQLAlchemy takes what follows '?' for options.
    storage = optuna.storages.RDBStorage(
        "sqlite:///study.db", engine_kwargs={"creator": lambda: _connected(path)}
    )
    try:
        optuna.create_study(storage=storage, study_name=name, direction="minimize")
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
