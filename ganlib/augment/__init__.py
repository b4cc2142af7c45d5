"""Changes of pictures: of the real ones before training, and of all that the discriminator sees."""
