"""Parts of what `benchmarks/gpu/measure.py` measures on a card."""
