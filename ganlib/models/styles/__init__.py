"""Networks that map latents to styles: StyleGAN and StyleGAN2, and what both are made of."""
