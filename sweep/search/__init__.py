"""What is tried next: the Optuna study, its samplers, and successive halving."""
