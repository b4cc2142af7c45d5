"""Searches replayed on learning curves: what a search finds for how much training."""
