"""What keeps house: removing sweeps, saying something of them, clearing the cache."""
