"""Small networks, steps and evaluators, and a card that is not there."""
