"""Write the generator of a trial so that other programs load it, with a card that says what it is."""
