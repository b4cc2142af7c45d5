"""Wishes beside the metric that is minimised: ``search.subject_to``."""
