"""Sweeps, pictures, processes and servers that several tests need."""
