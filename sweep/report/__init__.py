"""The report of one sweep or several, read from their folders at any time, also while the sweeps run.

`sweep.report.build` writes it: one HTML page that needs nothing else, and beside it figures for papers and a table.
What is not there yet is left out or said to be missing.
"""
