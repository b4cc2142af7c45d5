"""Make the nodes of a Ray cluster ready for trials, and try out whether they are."""
