"""A trained generator as files that other programs load, and pictures made with it."""
