"""What people judged of generated pictures: their judgements, scores made of these, and which pair to ask for next."""
