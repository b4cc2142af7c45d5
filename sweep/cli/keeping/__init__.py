"""Commands that keep house: notes, removal, the cache."""
