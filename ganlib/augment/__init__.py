"""Change pictures: the real ones before training, and all that the discriminator sees."""
