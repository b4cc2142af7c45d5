"""Start what runs trials: Ray on this machine, and machines of a cluster that has none yet."""
