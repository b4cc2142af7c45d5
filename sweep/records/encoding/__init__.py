"""Encode rows as files of other programs."""
