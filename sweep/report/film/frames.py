"""Draw the frames of a film: blocks of pictures with what was measured, and how far the training is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from PIL import Image, ImageDraw

from sweep.formatting import kimg, printable
from sweep.records.status import Status
from sweep.report.film.shots import Reel, Shot
from sweep.report.lettering import GREY, INK, clipped, font, wrapped
from sweep.report.results import Results

Colour = tuple[int, int, int]
PAPER, EMPTY, TRACK, DONE = (255, 255, 255), (235, 235, 235), (225, 225, 225), (60, 90, 160)
ENDS: dict[str, Colour] = {
    Status.FINISHED: (25, 115, 60),
    Status.STOPPED: (150, 95, 0),
    Status.COLLAPSED: (185, 30, 30),
    Status.FAILED: (185, 30, 30),
    Status.INTERRUPTED: (125, 50, 140),
}
"""Of the words that say how a trial ended, and of the line around its last pictures."""
COLOURS = (PAPER, EMPTY, TRACK, DONE, INK, GREY, *dict.fromkeys(ENDS.values()))
"""Of all that is not a picture, which a palette must have."""
MARGIN, GAP, BAR, LINE = 14, 18, 6, 4
TITLE, TEXT, SMALL = 20, 17, 14
"""Heights of letters in pixels."""
NARROWEST = 440
"""Of a frame, in pixels: a caption needs that."""


@dataclass(frozen=True)
class Layout:
    """Where everything stands in each frame of a film.

    Attributes:
        results: What the film is about.
        reels: The trials, in the order in which they are shown.
        columns: Of trials.
        box: Width and height of a block, as it is shown.
        about: Lines at the bottom.
        end: The time at which the bar is full, in kimg.
    """

    results: Results
    reels: Sequence[Reel]
    columns: int
    box: tuple[int, int]
    about: Sequence[str]
    end: float

    @property
    def alone(self) -> bool:
        """Whether one trial has the film for itself, and its name in the title."""
        return len(self.reels) == 1

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of a frame, even, as videos want them."""
        rows = -(-len(self.reels) // self.columns)
        height = self._top + rows * (self.box[1] + self._caption + GAP) - GAP + MARGIN
        height += len(self._lines) * (SMALL + 6) + 4
        return self._width, height + height % 2

    @property
    def _width(self) -> int:
        width = max(NARROWEST, 2 * MARGIN + self.columns * (self.box[0] + GAP) - GAP)
        return width + width % 2

    @cached_property
    def _lines(self) -> list[str]:
        """The lines at the bottom, broken where they are too long."""
        room = self._width - 2 * MARGIN
        return [part for line in self.about for part in wrapped(line, SMALL, room)]

    @property
    def _top(self) -> int:
        return MARGIN + TITLE + 10 + BAR + 12

    @property
    def _caption(self) -> int:
        return 8 + TEXT + 4 + SMALL + 4

    def frame(self, moment: float) -> Image.Image:
        """Draw what there was at a moment."""
        width, height = self.size
        image = Image.new("RGB", (width, height), PAPER)
        draw = ImageDraw.Draw(image)
        self._head(draw, width, moment)
        left = (width - self.columns * (self.box[0] + GAP) + GAP) // 2
        for index, reel in enumerate(self.reels):
            x = left + index % self.columns * (self.box[0] + GAP)
            y = self._top + index // self.columns * (self.box[1] + self._caption + GAP)
            self._tile(image, (x, y), reel, moment)
        for index, line in enumerate(reversed(self._lines)):
            draw.text((MARGIN, height - MARGIN - SMALL - index * (SMALL + 6)), line, GREY, font(SMALL))
        return image

    def _head(self, draw: ImageDraw.ImageDraw, width: int, moment: float) -> None:
        """Draw the title, how far the training is, and a bar of that."""
        time = f"{kimg(moment)} of {kimg(self.end)} kimg"
        length = font(TITLE).getlength(time)
        draw.text((width - MARGIN - length, MARGIN), time, INK, font(TITLE))
        title = self.results.title
        if self.alone:
            name = self.reels[0].trial.name
            title = name if self.results.several else f"{title}, {name[:1].lower()}{name[1:]}"
        room = width - 2 * MARGIN - length - GAP
        draw.text((MARGIN, MARGIN), clipped(printable(title), TITLE, room), INK, font(TITLE))
        top, right = MARGIN + TITLE + 10, width - MARGIN - 1
        draw.rectangle((MARGIN, top, right, top + BAR), TRACK)
        done = MARGIN + round((right - MARGIN) * min(1.0, moment / self.end))
        draw.rectangle((MARGIN, top, done, top + BAR), DONE)

    def _tile(self, image: Image.Image, at: tuple[int, int], reel: Reel, moment: float) -> None:
        """Draw the pictures of a trial, what was measured of them, and how the trial ended, once it has."""
        draw, (x, y), (width, height) = ImageDraw.Draw(image), at, self.box
        shot, ended = reel.at(moment), reel.ended(moment)
        colour = ENDS.get(reel.trial.entry.status, INK) if ended else GREY
        if shot is None:
            draw.rectangle((x, y, x + width - 1, y + height - 1), EMPTY)
        else:
            block = fitted(shot.block, self.box)
            image.paste(block, (x + (width - block.width) // 2, y + (height - block.height) // 2))
        if ended:
            edge = (x - LINE, y - LINE, x + width - 1 + LINE, y + height - 1 + LINE)
            draw.rectangle(edge, outline=colour, width=LINE - 1)
        first, second = self._words(reel, shot, moment, ended)
        room = max(width, NARROWEST - 2 * MARGIN) if self.alone else width
        left = MARGIN if self.alone else x
        draw.text((left, y + height + 8), clipped(first, TEXT, room), INK, font(TEXT))
        draw.text((left, y + height + 12 + TEXT), clipped(second, SMALL, room), colour, font(SMALL))

    def _words(self, reel: Reel, shot: Shot | None, moment: float, ended: bool) -> tuple[str, str]:
        """Write two lines under a trial's pictures."""
        metric = self.results.called
        if shot is None:
            return "" if self.alone else printable(reel.trial.name), "no pictures yet"
        measured = f"{metric} {shot.measured(self.results.metric, error=self.alone)}"
        first = measured if self.alone else f"{printable(reel.trial.name)}   {measured}"
        at = "" if self.alone else f"at {kimg(shot.moment)} kimg"
        words = [printable(reel.end) if ended else at, "its best" if shot.best and self.alone else ""]
        return first, ", ".join(filter(None, words))


def box_of(blocks: Sequence[Image.Image], target: int) -> tuple[int, int]:
    """Choose the size at which blocks are shown: small ones enlarged by a whole factor, large ones reduced.

    Args:
        blocks: All of a film, of any sizes.
        target: How wide the widest should be about, in pixels.
    """
    widest, highest = max(block.width for block in blocks), max(block.height for block in blocks)
    scale = max(1, target // widest) if widest <= target else target / widest
    return round(widest * scale), round(highest * scale)


def fitted(block: Image.Image, box: tuple[int, int]) -> Image.Image:
    """Scale a block into a box: up by repeating pixels, as small pictures are looked at, down smoothly."""
    scale = min(box[0] / block.width, box[1] / block.height)
    if scale == 1:
        return block
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return block.resize((max(1, round(block.width * scale)), max(1, round(block.height * scale))), how)
