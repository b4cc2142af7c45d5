"""Classes of pictures: what they are, and the tables that name them."""
