"""The SQLite file of an Optuna study: opened without waiting for the disk, replaced in one step."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.storage.folder import StorageError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage


def open_study(path: Path, name: str) -> "tuple[RDBStorage, Study]":
    """Open a study in a SQLite file; file and study are made where there are none.

    Args:
        path: The SQLite file.
        name: The name of the study.

    Returns:
        The open file, and the study, which minimises.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=60, check_same_thread=False)
        # No fsync for each of the twenty small writes of a trial: after a power cut the file is rebuilt.
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    # Only `connect` knows the path: Optuna fills in '%' in a URL, and SQLAlchemy takes what follows '?' for options.
    storage = optuna.storages.RDBStorage("sqlite:///study.db", engine_kwargs={"creator": connect})
    study = optuna.create_study(storage=storage, study_name=name, direction="minimize", load_if_exists=True)
    return storage, study


def close(storage: "RDBStorage") -> None:
    """Close the file of a study."""
    storage.remove_session()
    storage.engine.dispose()


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
