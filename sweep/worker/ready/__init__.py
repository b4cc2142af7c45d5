"""Make a machine ready for the trials of a sweep, and try out whether it is."""
