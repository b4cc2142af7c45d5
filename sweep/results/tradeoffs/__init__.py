"""What one gives up for what: trials that no other beats in quality, variety and cost together."""
