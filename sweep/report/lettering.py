"""Letter pictures: the font that comes with Pillow, so that every machine draws alike."""

from functools import cache

from PIL import ImageFont

INK, GREY = (20, 20, 20), (100, 100, 100)


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Load the font in a size, in pixels."""
    return ImageFont.load_default(size)


def clipped(text: str, size: int, width: float) -> str:
    """Shorten a text with an ellipsis if it is wider than ``width`` pixels."""
    letters = font(size)
    if letters.getlength(text) <= width:
        return text
    while text and letters.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."


def wrapped(text: str, size: int, width: float) -> list[str]:
    """Break a text at blanks into lines of at most ``width`` pixels; a longer word is clipped."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(size).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(clipped(word, size, width))
    return lines
