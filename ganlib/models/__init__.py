"""Networks, by family; see `ganlib.models.family`. Families are registered in `ganlib.names.FAMILIES`."""
