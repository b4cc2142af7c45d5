"""Parts of a spec that are read by themselves: its space, the distributions in it, known configurations."""
