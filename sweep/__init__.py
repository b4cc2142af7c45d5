"""sweep: hyperparameter studies of small image GANs, in one command."""

__version__ = "0.2.0"
