"""A folder of pictures in the place of a spec: look at it, choose, run, and hand over what came of it."""
