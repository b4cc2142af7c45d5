"""What is on record of a sweep and of each trial: datasets, ledger, catalog, snapshots."""
