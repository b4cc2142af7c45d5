"""Take training steps: the batches, the losses of both halves, the optimizers, and what is counted."""
