"""Say which files are taken for pictures, by their suffix, and which formats are read.

What a file is, its content says; the suffix only says whether one looks. The list of formats is closed because some of
Pillow's other readers start programs (Ghostscript for PostScript, whatever a file is called).
"""

from importlib.util import find_spec

SUFFIXES = frozenset(
    {
        *(
            ".png",
            ".apng",
            ".jpg",
            ".jpeg",
            ".jpe",
            ".jfif",
            ".mpo",
            ".webp",
            ".gif",
            ".bmp",
            ".dib",
            ".tif",
            ".tiff",
        ),
        *(".avif", ".jp2", ".j2k", ".jpx", ".jpf", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".qoi", ".ico"),
        *(".heic", ".heif", ".hif"),
    }
)
"""Suffixes, lower case, of the files in a folder that count as pictures."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "JPEG2000", "PPM", "QOI", "ICO")
"""Pillow's names of the formats that are read, in the order in which they are tried."""

NAMES = "PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF, JPEG 2000, PNM, TGA, QOI, ICO or HEIC"

HEIC = frozenset({".heic", ".heif", ".hif"})
_NO_HEIC = "HEIC pictures need a package: pip install pillow-heif"
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

# Pictures too: to leave them out without a word would be to lose data.
_NOT_READ = frozenset(
    {
        *(".jxl", ".svg", ".psd", ".eps", ".exr", ".hdr", ".pfm", ".dng", ".cr2", ".cr3", ".nef", ".arw"),
        *(".orf", ".rw2", ".raf", ".xcf", ".dds", ".pcx", ".sgi", ".icns", ".jxr", ".fits"),
    }
)


def why_not(suffix: str) -> str | None:
    """Say why files with a suffix (lower case) cannot be read; None where they can, or are no pictures."""
    if suffix in HEIC and find_spec("pillow_heif") is None:
        return _NO_HEIC
    return (
        f"{suffix} pictures are not read: convert them, to PNG for instance" if suffix in _NOT_READ else None
    )


def formats_for(data: bytes, suffix: str) -> tuple[str, ...]:
    """List the formats that a file may have, by Pillow's names.

    Args:
        data: Its content.
        suffix: Suffix of its name, lower case. A TGA file does not say that it is one, so that only its name does.

    Raises:
        ValueError: it is HEIC and pillow-heif is not installed; the text says so.
    """
    if data[4:8] == b"ftyp" and data[8:12] in _BRANDS and b"avif" not in data[8:64]:
        if find_spec("pillow_heif") is None:
            raise ValueError(_NO_HEIC)
        import pillow_heif

        pillow_heif.register_heif_opener()
        return ("HEIF",)
    return (*FORMATS, "TGA") if suffix == ".tga" else FORMATS
