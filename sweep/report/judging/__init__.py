"""The page on which a person judges pairs of grids without knowing whose they are (``sweep judge``)."""
