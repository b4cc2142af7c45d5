"""The grids of a training as a moving picture: of one trial, or of several side by side."""
