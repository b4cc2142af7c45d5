"""Translate single pictures of any size, with and without transparency, by a network for sides that 4 divides."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ganlib.data.alpha import RGB, RGBA, hide, to_uint8
from ganlib.errors import RequestError
from ganlib.models.inputs import Pictures

MULTIPLE = 4
"""What both sides of a picture must be multiples of: networks halve them twice."""
SMALLEST = 8
"""The least side that a network takes: at a quarter of it, reflection padding needs two pixels."""
BYTES = 32
"""Memory that is taken at most for each pixel of a picture and each unit of ``model.width``: 14 to 30 were measured."""
_SOLID = 128
"""Alpha from which a pixel's colour is trusted: what is hardly seen often has the colour of an old background."""


def check_pictures(pictures: object) -> None:
    """Check that all are pictures, uint8 ``(h, w, 3 or 4)``, and none is empty.

    Raises:
        RequestError: saying what was given.
    """
    given = type(pictures).__name__
    if isinstance(pictures, np.ndarray):
        if pictures.ndim == 4 and all(map(_is_picture, pictures)):
            return
        given = f"{pictures.dtype} {pictures.shape}"
        given += "; give a single picture as pictures[None]" * _is_picture(pictures)
    elif isinstance(pictures, list | tuple):
        if all(map(_is_picture, pictures)):
            return
        kinds = {f"{np.asarray(one).dtype} {np.shape(one)}" for one in pictures if not _is_picture(one)}
        given = f"a {given} with {', '.join(sorted(kinds))}"
    raise RequestError(f"pictures must be uint8 (n, h, w, 3 or 4), or a list of such pictures, not {given}")


def _is_picture(picture: object) -> bool:
    if not isinstance(picture, np.ndarray):
        return False
    return (
        picture.dtype == np.uint8
        and picture.ndim == 3
        and picture.shape[2] in (RGB, RGBA)
        and picture.size > 0
    )


@torch.inference_mode()
def translated(network: nn.Module, picture: NDArray[np.uint8], device: torch.device) -> NDArray[np.uint8]:
    """Translate one picture by itself, so that no other changes it.

    It is padded at the right and below, and cropped again. With alpha the colour is translated as if all of the picture
    were opaque, after `bled`: laid on any background, that would be mixed into soft edges, and show there as a halo.

    Args:
        network: From pictures ``(1, 3, h, w)`` in [-1, 1] to pictures, for sides that are multiples of `MULTIPLE`.
        picture: uint8 ``(h, w, 3 or 4)``, of any size.
        device: Where the network is.

    Returns:
        uint8 of the picture's shape; alpha is that of the picture.
    """
    height, width, channels = picture.shape
    colour = bled(picture) if channels == RGBA else picture
    levels = torch.from_numpy(padded(colour)).permute(2, 0, 1)[None].to(device)
    made = to_uint8(network(Pictures.as_input(levels)))[0].permute(1, 2, 0).cpu().numpy()
    made = made[:height, :width]
    if channels == RGB:
        return np.ascontiguousarray(made)
    return hide(np.concatenate([made, picture[..., RGB:]], 2))


def padded(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pad a picture ``(h, w, c)`` at the right and below, to sides that are multiples of `MULTIPLE`.

    They are `SMALLEST` at least. The picture is reflected there; one that is too small has its last row or column
    repeated.
    """
    for axis, side in enumerate(picture.shape[:2]):
        pad = max(SMALLEST, -(-side // MULTIPLE) * MULTIPLE) - side
        widths = [(0, pad if axis == other else 0) for other in range(3)]
        picture = np.pad(picture, widths, mode="reflect" if pad < side else "edge")
    return picture


def bled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the colour of RGBA ``(h, w, 4)``, where what cannot be seen takes the colour of the nearest solid pixel."""
    from scipy.ndimage import distance_transform_edt

    colour, alpha = picture[..., :RGB], picture[..., RGB]
    seen = alpha > 0
    known = alpha >= _SOLID if (alpha >= _SOLID).any() else seen
    if seen.all() or not known.any():
        return np.ascontiguousarray(colour)
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.where(seen[..., None], colour, colour[tuple(nearest)])
