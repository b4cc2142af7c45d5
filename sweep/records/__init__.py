"""The records of a sweep and of its trials: datasets, ledger, catalog, snapshots."""
