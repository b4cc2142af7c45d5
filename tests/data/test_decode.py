"""One file to one picture: modes, depths, orientation, transparency, crop, resize, and everything broken."""

import io
import struct
import zlib

import numpy as np
import pytest
from helpers.drawn.turned import turned
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganlib.data.canvas import flatten
from ganlib.data.decode import Preparation, UnreadableError, colour, decode, picture_of
from ganlib.errors import RequestError

WHITE = (255, 255, 255)
SIZES = (28, 32, 64, 128)


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(width, height, depth, kind, rows, *chunks):
    """A PNG by hand, for what Pillow cannot write."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    middle = b"".join(chunk(*item) for item in chunks)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + middle + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def palette(width, height, rgb, **options):
    image = Image.new("P", (width, height), 1)
    image.putpalette([9, 9, 9, *rgb])
    return encoded(image, **options)


def constant(mode, width, height, rgb):
    """A file of one colour in a mode, and the colour that must come out."""
    grey = rgb[0]
    side = (width, height)
    match mode:
        case "RGB" | "bmp" | "webp":
            kind = {"RGB": "PNG", "bmp": "BMP", "webp": "WEBP"}[mode]
            options = {"lossless": True} if mode == "webp" else {}
            return encoded(Image.new("RGB", side, rgb), kind, **options), rgb
        case "L":
            return encoded(Image.new("L", side, grey)), (grey,) * 3
        case "L bmp":
            return encoded(Image.new("L", side, grey), "BMP"), (grey,) * 3
        case "LA":
            return encoded(Image.new("LA", side, (grey, 255))), (grey,) * 3
        case "RGBA":
            return encoded(Image.new("RGBA", side, (*rgb, 255))), rgb
        case "transparent":
            return encoded(Image.new("RGBA", side, (*rgb, 0))), (1, 2, 3)
        case "P":
            return palette(width, height, rgb), rgb
        case "P transparent":
            return palette(width, height, rgb, transparency=1), (1, 2, 3)
        case "gif":
            return palette(width, height, rgb, kind="GIF"), rgb
        case "1":
            bit = grey > 127
            return encoded(Image.new("1", side, bit)), (255 * bit,) * 3
        case "RGB key":
            return encoded(Image.new("RGB", side, rgb), transparency=rgb), (1, 2, 3)
        case "I;16":
            row = struct.pack(">H", grey * 257) * width
            return png(width, height, 16, 0, [row] * height), (grey,) * 3
        case "I;16 key":
            row = struct.pack(">H", grey * 257) * width
            return png(width, height, 16, 0, [row] * height, (b"tRNS", row[:2])), (1, 2, 3)
        case "L2 key" | "L4 key":
            bits = int(mode[1])
            level = grey >> (8 - bits)
            row = bytes([sum(level << shift for shift in range(0, 8, bits))]) * -(-width * bits // 8)
            return png(width, height, bits, 0, [row] * height, (b"tRNS", struct.pack(">H", level))), (1, 2, 3)
        case "L2" | "L4":
            bits = int(mode[1])
            level = grey >> (8 - bits)
            row = bytes([sum(level << shift for shift in range(0, 8, bits))]) * -(-width * bits // 8)
            other = struct.pack(">H", (level + 1) % 2**bits)
            return png(width, height, bits, 0, [row] * height, (b"tRNS", other)), (
                level * (255 // (2**bits - 1)),
            ) * 3
        case "RGB 16 key":
            pixel = struct.pack(">HHH", *(value * 257 for value in rgb))
            return png(width, height, 16, 2, [pixel * width] * height, (b"tRNS", pixel)), (1, 2, 3)
        case "RGB 16":
            row = struct.pack(">HHH", *(value * 257 for value in rgb)) * width
            return png(width, height, 16, 2, [row] * height), rgb
        case "LA 16":
            row = struct.pack(">HH", grey * 257, 65535) * width
            return png(width, height, 16, 4, [row] * height), (grey,) * 3
    raise AssertionError(mode)


MODES = (
    *("RGB", "bmp", "webp", "L", "L bmp", "LA", "RGBA", "transparent", "P", "P transparent", "gif", "1"),
    *("RGB key", "I;16", "I;16 key", "RGB 16", "RGB 16 key", "LA 16", "L2", "L4", "L2 key", "L4 key"),
)


@settings(max_examples=250, deadline=None)
@given(
    mode=st.sampled_from(MODES),
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    rgb=st.tuples(*[st.integers(0, 255)] * 3),
    size=st.sampled_from(SIZES),
)
def test_one_colour_stays_that_colour_whatever_the_mode_and_size(mode, width, height, rgb, size):
    data, expected = constant(mode, width, height, rgb)
    picture = decode(data, size, (1, 2, 3))
    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.uint8
    assert (picture == expected).all(), (mode, picture[0, 0], expected)


@settings(max_examples=60, deadline=None)
@given(alpha=st.integers(0, 255), over=st.integers(0, 255), under=st.integers(0, 255))
def test_half_transparent_pixels_are_mixed_with_the_background(alpha, over, under):
    data = encoded(Image.new("RGBA", (8, 8), (over, over, over, alpha)))
    picture = decode(data, 28, (under,) * 3)
    assert abs(int(picture[3, 3, 0]) - (alpha * over + (255 - alpha) * under) / 255) <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_stored_turned_comes_out_upright(orientation, kind):
    upright, stored, exif = turned(orientation)
    options = {"exif": exif, "quality": 95}
    data = encoded(stored, kind, **options)
    picture = decode(data, 32, WHITE).astype(int)
    for row, col in ((8, 8), (8, 24), (24, 8), (24, 24)):
        assert np.abs(picture[row, col] - upright[row, col]).max() < 16, (row, col)


def test_broken_exif_does_not_lose_the_picture():
    data = encoded(Image.new("RGB", (40, 40), (9, 99, 199)), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert np.abs(decode(data, 32, WHITE).astype(int) - (9, 99, 199)).max() < 6


def test_a_picture_of_the_right_size_is_not_touched():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert (decode(encoded(Image.fromarray(pixels)), 32, WHITE) == pixels).all()


@pytest.mark.parametrize("wide", [True, False])
def test_the_central_square_is_kept(wide):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 70, 3), np.uint8)
    middle = pixels[:, 19:51]
    if not wide:
        pixels, middle = pixels.transpose(1, 0, 2), middle.transpose(1, 0, 2)
    data = encoded(Image.fromarray(np.ascontiguousarray(pixels)))
    assert (decode(data, 32, WHITE) == middle).all()


def test_16_bit_grey_is_scaled_over_its_whole_range():
    values = np.linspace(0, 65535, 32).astype(">u2")
    picture = decode(png(32, 32, 16, 0, [values.tobytes()] * 32), 32, WHITE)
    assert (picture[5, :, 1] == np.round(values.astype(float) / 257)).all()


def test_shrinking_is_antialiased():
    # Lines one pixel wide: taking every fourth pixel gives black or white, averaging gives their mean.
    lines = np.zeros((128, 128), np.uint8)
    lines[:, ::2] = 255
    picture = decode(encoded(Image.fromarray(lines)), 32, WHITE)
    assert np.abs(picture[4:-4, 4:-4].astype(int) - 127).max() <= 3


@pytest.mark.parametrize("side", [256, 1024])
def test_a_large_photograph_is_nearly_the_same_as_if_fully_decoded(side):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8))
    data = encoded(noise.resize((side, side), Image.Resampling.BICUBIC), "JPEG", quality=95)
    whole = Image.open(io.BytesIO(data)).convert("RGB").resize((32, 32), Image.Resampling.LANCZOS)
    assert np.abs(decode(data, 32, WHITE).astype(int) - np.asarray(whole)).max() <= 8


def test_cmyk_jpeg():
    data = encoded(Image.new("CMYK", (40, 30), (0, 255, 255, 0)), "JPEG", quality=95)
    assert np.abs(decode(data, 28, WHITE).astype(int) - (255, 0, 0)).max() < 6


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (32, 32), name) for name in ("red", "lime", "blue")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    assert (decode(data, 32, WHITE) == (255, 0, 0)).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
def test_many_pixels_in_few_bytes_are_refused(kind, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UnreadableError, match="more than 2,000 pixels: scale it down first"):
        decode(encoded(Image.new("L", (60, 60)), kind), 32, WHITE)
    for side in (31, 40):  # above the limit Pillow warns, above twice the limit it raises
        assert decode(encoded(Image.new("L", (side, side)), kind), 32, WHITE).shape == (32, 32, 3)


def test_a_photograph_of_108_megapixels_is_decoded_small():
    data = encoded(Image.new("RGB", (12_000, 9_000), "teal"), "JPEG")
    made = picture_of(data, Preparation(32, WHITE))
    assert made.sides == (12_000, 9_000)
    assert np.abs(made.pixels.astype(int) - (0, 128, 128)).max() <= 4


def test_large_pictures_are_not_copied_in_vain():
    for mode, background, grey in (("RGB", WHITE, False), ("RGBA", None, False)):
        image = Image.new(mode, (8, 8))
        assert flatten(image, background, grey) is image


GOOD = encoded(Image.fromarray(np.random.default_rng(1).integers(0, 256, (48, 48, 3), np.uint8)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"hello", "not a PNG"),
        (GOOD[: len(GOOD) // 2], "truncated"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a PNG"),
        (encoded(Image.new("RGB", (8, 8)), "PCX"), "not a PNG"),
    ],
)
def test_what_is_no_picture_says_why(data, reason):
    with pytest.raises(UnreadableError, match=reason):
        decode(data, 32, WHITE)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP"]))
def test_damaged_bytes_give_a_picture_or_a_reason_in_one_line(data, kind):
    good = bytearray(encoded(Image.open(io.BytesIO(GOOD)), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good)))
    try:
        assert decode(bytes(good[:cut]), 28, WHITE).shape == (28, 28, 3)
    except UnreadableError as error:
        assert str(error)
        assert "\n" not in str(error)


def test_colours():
    assert colour("white") == WHITE
    assert colour("#1a2b3c") == (26, 43, 60)
    for wrong in ("whit", "#12", "#11223344", ""):
        with pytest.raises(RequestError, match=r"data\.background"):
            colour(wrong)
