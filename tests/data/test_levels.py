"""Files whose numbers Pillow gives as they are stored, and not as they are meant: grey TIFFs, TGA without alpha."""

import struct

import numpy as np
import pytest

from ganlib.data.decode import Preparation, decode, picture_of

WHITE = (255, 255, 255)
PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)


def grey_tiff(levels, bits, zero=1, order="<"):
    """A TIFF file of one strip, of 8, 12 or 16 bits; with ``zero`` 0 the level 0 is white."""
    height, width = levels.shape
    if bits == 12:
        first, second = levels.reshape(-1, 2).T.astype(int)
        strip = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1).astype(np.uint8)
    else:
        strip = levels.astype(f"{order}u{bits // 8}")
    fields = {
        256: width,
        257: height,
        258: bits,
        259: 1,
        262: zero,
        273: 8,
        277: 1,
        278: height,
        279: strip.nbytes,
    }
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + strip.nbytes)
    body = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in fields.items())
    return head + strip.tobytes() + struct.pack(f"{order}H", len(fields)) + body + bytes(4)


@pytest.mark.parametrize(
    ("bits", "zero", "order"), [(8, 0, "<"), (12, 1, "<"), (16, 0, "<"), (16, 1, "<"), (16, 1, ">")]
)
def test_grey_tiffs_have_their_levels_whatever_they_count_from(bits, zero, order):
    top = 2**bits - 1
    levels = np.linspace(0, top, 32 * 32).round().astype(int).reshape(32, 32)
    stored = levels if zero else top - levels
    for how in (Preparation(32, WHITE), Preparation(32, WHITE, grey=True)):
        found = picture_of(grey_tiff(stored, bits, zero, order), how).pixels[..., 0]
        assert (found == np.round(levels * 255 / top)).all()


def tga(pixels, attributes, kind=2, palette=b""):
    """A TGA file, its first row first."""
    height, width = pixels.shape[:2]
    colours = len(palette) // 4
    head = struct.pack(
        "<BBBHHBHHHHBB",
        0,
        bool(palette),
        kind,
        0,
        colours,
        32 * bool(palette),
        0,
        0,
        width,
        height,
        8 * pixels[0, 0].nbytes,
        32 | attributes,
    )
    return head + palette + pixels.tobytes()


def test_a_tga_file_whose_header_knows_of_no_alpha_is_not_blank():
    """Old programs leave the fourth byte 0; others write alpha there, and do not say so either."""
    blank = np.dstack([PIXELS[..., ::-1], np.zeros((32, 32), np.uint8)])
    for how in (WHITE, None):
        assert (decode(tga(blank, 0), 32, how, ".tga")[..., :3] == PIXELS).all()
    assert (decode(tga(blank, 8), 32, (1, 2, 3), ".tga") == (1, 2, 3)).all()
    some = blank.copy()
    some[:16, :, 3] = 255
    found = decode(tga(some, 0), 32, (1, 2, 3), ".tga")
    assert (found[:16] == PIXELS[:16]).all()
    assert (found[16:] == (1, 2, 3)).all()
    grey = np.dstack([PIXELS[..., 0], np.zeros((32, 32), np.uint8)])
    assert (decode(tga(grey, 0, kind=3), 32, WHITE, ".tga") == PIXELS[..., :1]).all()
    palette = bytes([7, 8, 9, 0, 17, 18, 19, 0])
    found = decode(tga(PIXELS[..., :1] // 128, 0, kind=1, palette=palette), 32, WHITE, ".tga")
    assert (found == np.array([[9, 8, 7], [19, 18, 17]])[PIXELS[..., 0] // 128]).all()
