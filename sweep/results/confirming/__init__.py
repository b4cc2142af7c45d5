"""What fresh seeds say of the best trials, and who is still to have more of them."""
