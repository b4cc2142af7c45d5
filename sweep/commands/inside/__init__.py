"""Run sweeps inside a sweep's folder: its confirmation, and trials that are trained on."""
