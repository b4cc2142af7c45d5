"""Distances between two sets of features, from the features alone."""
