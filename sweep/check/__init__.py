"""Check whether everything in a sweep's folder is whole and agrees: `sweep check`."""
