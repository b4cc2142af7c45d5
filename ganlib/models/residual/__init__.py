"""Residual networks from latents to pictures: R3GAN and SNGAN."""
