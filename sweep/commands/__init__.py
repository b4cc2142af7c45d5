"""What the subcommands do: run, resume, extend, confirm, watch, score, export. No printing, no parsing."""
