"""Train: the loop, the steps, checkpoints, and the verdict that a run is dead."""
