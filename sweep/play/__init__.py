"""Show a generator around: a page on this machine, and a folder that is a page elsewhere."""
