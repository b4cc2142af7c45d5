"""Commands that look at sweeps: their state, their results, whether they are whole."""
