"""Measure translators, which turn photographs into drawings."""
