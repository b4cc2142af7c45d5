"""The base of the generators of StyleGAN and StyleGAN2: styles, their mean, truncation and mixing.

Karras, Laine & Aila, "A Style-Based Generator Architecture for Generative Adversarial Networks", 2019,
https://arxiv.org/abs/1812.04948: the truncation trick in appendix B, mixing of styles in section 3.1.

>>> from ganlib.config import ModelConfig
>>> from ganlib.models.latents import fixed_latents
>>> from ganlib.models.styles.stylegan2 import build_generator
>>> generator = build_generator(ModelConfig(family="stylegan2", latent_dim=8, width=4), size=32)
>>> latents = fixed_latents(6, 8)
>>> styles = generator.map(latents)
>>> styles.shape  # (n, layers, latent_dim)
torch.Size([6, 8, 8])
>>> generator.synthesize(styles).shape
torch.Size([6, 3, 32, 32])
>>> generator(latents, truncation=0.7).shape  # both at once; nearer to the mean style
torch.Size([6, 3, 32, 32])
>>> mix_grid(generator, latents[:2], latents[2:], "coarse").shape  # (1 + rows, 1 + cols, c, size, size)
torch.Size([3, 5, 3, 32, 32])
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from ganlib.data.alpha import RGBA
from ganlib.errors import RequestError
from ganlib.models.latents import in_blocks
from ganlib.models.styles.layers import Mapping

Layers = Literal["coarse", "middle", "fine"]
"""Which styles are exchanged: those of 4 and 8 px, those between, those of the largest maps; see `style_layers`."""


class StyleGenerator(nn.Module):
    """A network from latents to pictures by way of styles; a family gives ``synthesize``.

    ``forward`` is a pure function of the latents: the noise is that of the buffers unless ``random`` is given.
    The mean style ``w_avg`` is a buffer, and so in checkpoints, in the average of the weights and in exports.

    Args:
        latent_dim: Width of latents and styles.
        size: Side of the pictures: 32, 64 or 128 (up to 1024).
        mapping_layers: Depth of the mapping network.
        classes: How many; 0 without labels. The mean style is that of all classes, so that truncation makes pictures
            less typical of their class.

    Shape:
        - latents: ``(n, latent_dim)``, standard normal; with classes from `ganlib.models.conditioning.joined`
        - styles: ``(n, layers, latent_dim)``, two layers for each size of maps from 4 px on
        - pictures: ``(n, c, size, size)``, c the channels, about [-1, 1]; what lies beyond is to be clipped
    """

    w_avg: Tensor
    w_count: Tensor

    def __init__(self, latent_dim: int, size: int, mapping_layers: int, classes: int = 0) -> None:
        super().__init__()
        self.latent_dim, self.size, self.classes = latent_dim, size, classes
        self.sides = sides_of(size)
        self.layers = 2 * len(self.sides)
        self.mapping = Mapping(latent_dim, mapping_layers, classes)
        self.register_buffer("w_avg", torch.zeros(latent_dim))
        self.register_buffer("w_count", torch.zeros((), dtype=torch.int64))

    def map(self, latents: Tensor, truncation: float = 1.0) -> Tensor:
        """Map latents to styles, equal for every layer.

        Args:
            latents: ``(n, latent_dim)``.
            truncation: psi: 1 leaves the styles, 0 makes all of them the mean style; below 1 pictures are more
                typical and less varied.
        """
        w: Tensor = self.mapping(latents)
        if truncation != 1:
            w = torch.lerp(self.w_avg.to(w.dtype), w, truncation)
        return w[:, None].expand(-1, self.layers, -1)

    def synthesize(self, styles: Tensor, random: torch.Generator | None = None) -> Tensor:
        """Make pictures ``(n, c, size, size)`` of styles ``(n, layers, latent_dim)``.

        Args:
            styles: From `map`; layers may come from different latents.
            random: Draws the noise; without it the noise is fixed and equal styles give equal pictures.
        """
        raise NotImplementedError

    def forward(self, latents: Tensor, truncation: float = 1.0) -> Tensor:
        """Make pictures of latents, with fixed noise."""
        return self.synthesize(self.map(latents, truncation))

    @torch.no_grad()
    def follow_mean(self, styles: Tensor, share: float) -> None:
        """Move the mean style towards that of a batch ``(n, layers, latent_dim)``.

        Args:
            styles: A batch, not truncated and not mixed.
            share: Weight of the batch; larger for the first ones, so that the mean is one from the beginning.
        """
        self.w_count += 1
        weight = self.w_count.reciprocal().clamp_min(share)
        self.w_avg.lerp_(styles[:, 0].mean(0).to(self.w_avg), weight.to(self.w_avg))


def sides_of(size: int) -> list[int]:
    """List the sides of the feature maps, from 4 to ``size``.

    Raises:
        RequestError: if no doubling leads there.
    """
    sides = [4 << i for i in range(9)]
    if size not in sides[1:]:
        raise RequestError(f"a StyleGAN makes pictures of 32, 64 or 128 pixels (4 doubled), not {size}")
    return sides[: sides.index(size) + 1]


def style_layers(generator: StyleGenerator, layers: Layers) -> slice:
    """Find the layers of a group, as a slice of the styles.

    ``coarse`` are those of maps of 4 and 8 px (pose, shape, hair), ``middle`` those of 16 and 32 px, ``fine`` the
    rest (colours), as in the paper; pictures of 32 px have 16 px as ``middle`` and 32 px as ``fine``.

    Raises:
        RequestError: for another name.
    """
    last = 8 if generator.size > 32 else 6
    groups = {"coarse": slice(0, 4), "middle": slice(4, last), "fine": slice(last, generator.layers)}
    if layers not in groups:
        raise RequestError(f"unknown layers '{layers}' (choices: {', '.join(get_args(Layers))})")
    return groups[layers]


@torch.inference_mode()
def mix_grid(
    generator: StyleGenerator,
    sources: Tensor,
    destinations: Tensor,
    layers: Layers = "coarse",
    truncation: float = 1.0,
) -> Tensor:
    """Mix every destination with the chosen styles of every source, as in figure 3 of the StyleGAN paper.

    Args:
        generator: Of family ``stylegan`` or ``stylegan2``.
        sources: Latents ``(rows, latent_dim)`` that give the styles of ``layers``.
        destinations: Latents ``(cols, latent_dim)`` that give all other styles.
        layers: ``coarse``, ``middle`` or ``fine``, see `style_layers`.
        truncation: See `StyleGenerator.map`.

    Returns:
        ``(1 + rows, 1 + cols, c, size, size)``, float32 in [-1, 1], on the generator's device. Row 0 holds the
        destinations, column 0 the sources; the corner is white, or transparent where pictures can be.

    Raises:
        RequestError: for unknown layers.
    """
    chosen = style_layers(generator, layers)
    given, kept = (
        in_blocks(lambda part: generator.map(part, truncation), latents)
        for latents in (sources, destinations)
    )
    rows, cols = len(given), len(kept)
    mixed = kept[None].repeat(rows, 1, 1, 1)
    mixed[:, :, chosen] = given[:, None, chosen]
    pictures = torch.cat([in_blocks(generator.synthesize, part) for part in (kept, given, *mixed)])
    pictures = pictures.float().clamp(-1, 1)
    corner = -1 if pictures.shape[1] == RGBA else 1
    grid = pictures.new_full((1 + rows, 1 + cols, *pictures.shape[1:]), corner)
    grid[0, 1:], grid[1:, 0] = pictures[:cols], pictures[cols : cols + rows]
    grid[1:, 1:] = pictures[cols + rows :].unflatten(0, (rows, cols))
    return grid
