"""Slopes: gradients for what a network is given, which training differentiates again.

Penalties on a discriminator's slope (R1, R2, WGAN-GP, DRAGAN) and path lengths do. Torch's own second derivatives are
right, and dear: that of a convolution's weight is a convolution whose kernel is a whole feature map, group by group;
that of a batch norm is eighty operations, and loses the order of memory. In a pass within `passes.Sloped` networks
compute the same, in forms whose second derivatives cost less; `taking.slope` takes the gradient.
"""
