"""Small sweeps, made up or run, and what is read of them."""
