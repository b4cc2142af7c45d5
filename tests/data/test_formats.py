"""Files of every format that is read: what comes out, what is said about it, and what is refused."""

import io
import struct
import subprocess
import zlib

import numpy as np
import pytest
from helpers.drawn import icc
from helpers.drawn.turned import turned
from PIL import Image, PngImagePlugin

from ganlib.data import formats
from ganlib.data.decode import Preparation, UnreadableError, decode, picture_of

WHITE = (255, 255, 255)
PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


# ---- formats -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *(
            ("PNG", {}),
            ("BMP", {}),
            ("DIB", {}),
            ("PPM", {}),
            ("TGA", {}),
            ("QOI", {}),
            ("ICO", {"sizes": [(32, 32)]}),
        ),
        *(("WEBP", {"lossless": True}), ("JPEG2000", {"irreversible": False})),
        *(("TIFF", {"compression": how}) for how in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits")),
    ],
)
def test_lossless_formats_come_out_bit_for_bit(kind, options):
    data = encoded(Image.fromarray(PIXELS), kind, **options)
    assert (decode(data, 32, WHITE, ".tga" if kind == "TGA" else "") == PIXELS).all()


@pytest.mark.parametrize("kind", ["AVIF", "HEIF", "MPO"])
def test_formats_that_lose_a_little(kind):
    options = {"quality": 95}
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    if kind == "MPO":
        options["append_images"] = [Image.new("RGB", (32, 32))]
        options["save_all"] = True
    smooth = Image.fromarray(PIXELS[:4, :4]).resize((64, 64), Image.Resampling.BICUBIC)
    found = picture_of(encoded(smooth, kind, **options), Preparation(64, WHITE))
    assert np.abs(found.pixels.astype(int) - np.asarray(smooth)).mean() < 8
    assert ("frames" in found.traits) == (kind == "MPO")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["TIFF", "TIFF lzw", "AVIF", "PNG", "WEBP", "JPEG"])
def test_the_orientation_counts_once(orientation, kind):
    upright, stored, exif = turned(orientation)
    options = {"compression": "tiff_lzw"} if kind == "TIFF lzw" else {"quality": 95}
    found = decode(encoded(stored, kind.split()[0], exif=exif, **options), 32, WHITE).astype(int)
    for row, col in ((8, 8), (8, 24), (24, 8), (24, 24)):
        assert np.abs(found[row, col] - upright[row, col]).max() < 24, (row, col)


def test_tiffs_of_every_depth():
    grey = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    found = picture_of(encoded(Image.fromarray(grey), "TIFF"), Preparation(32, WHITE))
    assert (found.pixels[..., 0] == np.round(grey / 257)).all()
    assert {"deep", "grey"} <= set(found.traits)
    bits = Image.fromarray(PIXELS[..., 0] > 127)
    assert (decode(encoded(bits, "TIFF"), 32, WHITE)[..., 1] == (PIXELS[..., 0] > 127) * 255).all()
    rgba = Image.fromarray(np.dstack([PIXELS, np.zeros((32, 32), np.uint8)]), "RGBA")
    assert (decode(encoded(rgba, "TIFF"), 32, (1, 2, 3)) == (1, 2, 3)).all()
    lab = Image.new("LAB", (32, 32), (128, 128, 128))
    assert np.abs(decode(encoded(lab, "TIFF"), 32, WHITE).astype(int) - 119).max() <= 2  # L* = 50


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (Image.new("F", (8, 8), 0.5), "floating-point"),
        (Image.new("I", (8, 8), 70000), "32 bits a channel"),
        (Image.new("I", (8, 8), -1), "32 bits a channel"),
        (Image.new("I", (8, 8), 200), "32 bits a channel"),  # black, as one of 65,535 levels
    ],
)
def test_values_that_are_no_levels_are_refused(image, reason):
    with pytest.raises(UnreadableError, match=reason):
        decode(encoded(image, "TIFF"), 8, WHITE)


def test_postscript_never_runs_whatever_it_is_called(monkeypatch):
    def never(*arguments, **options):
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", never)
    for suffix in (".png", ".tif", ".tga", ".eps", ""):
        with pytest.raises(UnreadableError, match="not a PNG"):
            decode(encoded(Image.new("RGB", (8, 8)), "EPS"), 8, WHITE, suffix)


def test_a_heic_picture_by_any_name_says_what_to_install(monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(UnreadableError, match="pip install pillow-heif"):
        decode(struct.pack(">I", 24) + b"ftypheic" + bytes(40), 32, WHITE, ".jpg")


# ---- text and profiles larger than Pillow's limits ------------------------------------------------------------


def _with_chunk(data, kind, body, after_pixels=False):
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    place = len(data) - 12 if after_pixels else 33
    return data[:place] + chunk + data[place:]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "many"])
def test_megabytes_of_text_in_a_png(kind, after):
    exif = Image.Exif()
    exif[0x0112] = 3
    data = encoded(Image.fromarray(PIXELS), exif=exif)
    text = b"\0".join([b"prompt", b""]) + b"x" * (3 << 20)
    packed = zlib.compress(b"x" * (3 << 20))
    match kind:
        case "tEXt":
            data = _with_chunk(data, b"tEXt", text, after)
        case "zTXt":
            data = _with_chunk(data, b"zTXt", b"prompt\0\0" + packed, after)
        case "iTXt":
            data = _with_chunk(data, b"iTXt", b"prompt\0\1\0\0\0" + packed, after)
        case "many":
            for _ in range(70):
                data = _with_chunk(data, b"tEXt", b"prompt\0" + b"x" * (1 << 20), after)
    assert (decode(data, 32, WHITE) == PIXELS[::-1, ::-1]).all()


def test_text_that_turns_the_picture_is_kept_where_other_text_is_too_large():
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'
    data = _with_chunk(encoded(Image.fromarray(PIXELS)), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    turned = decode(data, 32, WHITE)
    assert (turned == PIXELS[::-1, ::-1]).all()
    large = _with_chunk(data, b"zTXt", b"prompt\0\0" + zlib.compress(b"x" * (3 << 20)))
    assert (decode(large, 32, WHITE) == turned).all()


def test_a_large_profile_in_a_png_is_used():
    small, large = (icc.profile(b"RGB ", icc.P3, padding=padding) for padding in (0, 2 << 20))
    picture = Image.fromarray(PIXELS)
    one, two = (
        picture_of(encoded(picture, icc_profile=profile), Preparation(32, WHITE))
        for profile in (small, large)
    )
    assert (one.pixels == two.pixels).all()
    assert one.traits == two.traits == ("profile",)


def test_a_png_cut_off_after_large_text_is_still_unreadable():
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", "x" * (3 << 20), zip=True)
    data = encoded(Image.fromarray(PIXELS), pnginfo=info)
    with pytest.raises(UnreadableError):
        decode(data[: len(data) - 1200], 32, WHITE)


# ---- colour profiles ---------------------------------------------------------------------------------------


def _linear(values):
    values = values / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _expected(pixels, primaries, gamma):
    """By the definition: to XYZ by the profile, back by sRGB's primaries and curve."""
    linear = _linear(pixels.astype(float)) if gamma is None else (pixels / 255.0) ** gamma
    linear = linear @ np.array(primaries) @ np.linalg.inv(np.array(icc.SRGB))
    linear = linear.clip(0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * curved


SPACES = [
    ("Display P3", icc.P3, None),
    ("Adobe RGB", icc.ADOBE, 563 / 256),
    ("gamma 1.8", icc.SRGB, 461 / 256),
]


@pytest.mark.parametrize(("name", "primaries", "gamma"), SPACES)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_colours_are_those_that_the_profile_means(name, primaries, gamma, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(
        Image.fromarray(PIXELS), kind, icc_profile=icc.profile(b"RGB ", primaries, gamma), **options
    )
    found = picture_of(data, Preparation(32, WHITE))
    assert "profile" in found.traits
    error = np.abs(found.pixels - _expected(PIXELS, primaries, gamma))
    assert error.max() < 6, name
    assert error.mean() < 1, name  # gamuts are clipped channel by channel


def test_srgb_by_another_name_changes_no_pixel():
    for profile in (icc.profile(b"RGB ", icc.SRGB), icc.profile(b"GRAY")):
        for mode in ("RGB", "L", "P", "RGBA", "LA"):
            picture = Image.fromarray(PIXELS).convert(mode)
            plain = decode(encoded(picture), 32, WHITE)
            found = picture_of(encoded(picture, icc_profile=profile), Preparation(32, WHITE))
            assert (found.pixels == plain).all(), mode


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "LA"])
def test_profiles_and_transparency_go_together(mode):
    alpha = Image.fromarray(PIXELS[..., 0])
    opaque = Image.fromarray(PIXELS).convert("L" if mode in ("L", "LA") else "RGB")
    grey = mode in ("L", "LA")
    profile = icc.profile(b"GRAY", gamma=1.0) if grey else icc.profile(b"RGB ", icc.P3)
    base = decode(encoded(opaque, icc_profile=profile), 32, WHITE)
    if mode in ("RGBA", "LA"):
        picture = opaque.convert(mode)
        picture.putalpha(alpha)
        expected = Image.new("RGBA", (32, 32), (9, 8, 7))
        over = Image.fromarray(base).convert("RGBA")
        over.putalpha(alpha)
        expected.alpha_composite(over)
        found = decode(encoded(picture, icc_profile=profile), 32, (9, 8, 7))
        assert (found == np.asarray(expected.convert("RGB"))).all()
    else:
        picture = opaque.quantize(256, dither=0) if mode == "P" else opaque
        same = decode(encoded(picture.convert(opaque.mode), icc_profile=profile), 32, WHITE)
        assert (decode(encoded(picture, icc_profile=profile), 32, WHITE) == same).all()


def test_a_grey_profile_is_converted():
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    found = decode(encoded(ramp, icc_profile=icc.profile(b"GRAY", gamma=1.0)), 16, WHITE)
    expected = _expected(np.asarray(ramp)[..., None].repeat(3, 2), icc.SRGB, 1.0)
    assert np.abs(found - expected).max() < 2
    deep = Image.fromarray((np.asarray(ramp).astype(np.uint16)) * 257)
    assert (decode(encoded(deep, icc_profile=icc.profile(b"GRAY", gamma=1.0)), 16, WHITE) == found).all()


@pytest.mark.parametrize("profile", [b"no profile", icc.profile(b"GRAY"), icc.profile(b"RGB ", icc.P3)[:300]])
def test_a_broken_or_foreign_profile_is_told_and_changes_nothing(profile):
    found = picture_of(encoded(Image.fromarray(PIXELS), icc_profile=profile), Preparation(32, WHITE))
    assert (found.pixels == PIXELS).all()
    assert found.traits == ("no profile",)


# ---- what is said ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture", "size", "options", "traits"),
    [
        (Image.new("RGB", (32, 32)), 32, {}, ()),
        (Image.new("RGB", (40, 32)), 32, {}, ("cropped",)),
        (Image.new("RGB", (20, 20)), 32, {}, ("enlarged",)),
        (Image.new("L", (32, 32)), 32, {}, ("grey",)),
        (Image.new("RGBA", (32, 32), (0, 0, 0, 255)), 32, {}, ()),
        (Image.new("RGBA", (32, 32), (0, 0, 0, 254)), 32, {}, ("transparent",)),
        (Image.new("P", (32, 32)), 32, {"transparency": 0}, ("transparent",)),
    ],
)
def test_what_there_was_to_be_done(picture, size, options, traits):
    assert picture_of(encoded(picture, **options), Preparation(size, WHITE)).traits == traits


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF"])
def test_several_frames_are_told(kind):
    frames = [Image.new("RGB", (32, 32), name) for name in ("red", "lime")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    found = picture_of(data, Preparation(32, WHITE))
    assert (found.pixels == (255, 0, 0)).all()
    assert "frames" in found.traits
    assert "frames" not in picture_of(encoded(frames[0], kind), Preparation(32, WHITE)).traits


def test_without_a_size_the_central_square_stays_as_large_as_it_is():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8))
    assert (decode(encoded(picture), None, WHITE) == np.asarray(picture)[:, 10:60]).all()
