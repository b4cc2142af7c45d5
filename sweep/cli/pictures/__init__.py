"""Commands about pictures: those to learn from, and those that a generator makes."""
