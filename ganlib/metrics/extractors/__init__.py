"""Feature extractors: fixed networks that turn a picture into a vector."""
