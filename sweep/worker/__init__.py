"""One trial, trained: in the process that trains it."""
