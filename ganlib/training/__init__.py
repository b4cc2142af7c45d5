"""Train: the loop, checkpoints, and the verdict that a run is dead."""
