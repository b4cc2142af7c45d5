"""Programs behind the figures of README and docs; each says in its own text how to run it."""
