"""What `sweep run PICTURES/` makes in a quarter of an hour, beside what others make."""
