"""The search for the next configuration: the Optuna study, its samplers, and successive halving."""
