"""Learning curves as inline SVG, which needs no scripts and prints: a small chart for each sweep, and one for paper."""
