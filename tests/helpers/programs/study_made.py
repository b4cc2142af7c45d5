"""Make a study once, in memory: what SQLAlchemy and Alembic do at the first one takes longer than importing Optuna."""

from optuna.storages import RDBStorage

_storage = RDBStorage("sqlite://")
_storage.remove_session()
_storage.engine.dispose()
