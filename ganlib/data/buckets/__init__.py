"""Buckets as sources of pictures: their objects listed, mirrored in the cache, and fetched when they are wanted."""
