"""The files of which datasets consist: sealed, copied together, and written later where time is short."""
