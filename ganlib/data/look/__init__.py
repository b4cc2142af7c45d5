"""Look at pictures: which are alike, where their squares and faces are, what a whole set of them is like."""
