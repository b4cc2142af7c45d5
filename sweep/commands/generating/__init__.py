"""Make pictures with an exported generator."""
