"""Draw the learning curves of some trials as one SVG: grey lines, the best in colour, its result, rungs, the floor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from sweep.formatting import kimg, number
from sweep.report.drawn.axis import Axis, round_ticks

Points = Sequence[tuple[float, float]]
"""Time in kimg and value, in order of time."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 14, 14, 46  # around the curves, in units of which two are a pixel
_ROOM = 14  # after the last time, for its star
_LEAST = 3  # units between two points of a line: closer ones cannot be told apart
_DASH = 10  # a trial that was evaluated once
_STAR = "l3 9 9 0-7 6 3 9-8-5-8 5 3-9-7-6 9 0z"  # from its upper point, 13 above the middle


@dataclass(frozen=True)
class Curves:
    """What a chart shows.

    Attributes:
        best: The best trial's evaluations; empty if there is none.
        error: The standard error of each of ``best``; 0 where that is not known.
        others: Those of the other trials.
        result: Time and value of the best trial's result; None while that is not measured.
        rungs: When trials were compared, in kimg.
        floor: What real pictures score; None if that is not known.
    """

    best: Points
    error: Sequence[float]
    others: Sequence[Points]
    result: tuple[float, float] | None
    rungs: Sequence[float]
    floor: float | None


@dataclass(frozen=True)
class Chart:
    """The frame that curves are drawn in; charts that are compared have equal ones.

    Attributes:
        axis: Of the metric.
        end: The last time, in kimg.
        width: Of the whole, in units of which two are a pixel of a small chart.
        height: The same.
        most: Evaluations drawn of each of the others, about evenly spread.
    """

    axis: Axis
    end: float
    width: int = 600
    height: int = 360
    most: int = 24

    def svg(self, curves: Curves, title: str, words: str) -> Markup:
        """Draw curves.

        Args:
            curves: What to draw.
            title: The chart's name, for those who hear it.
            words: What it shows, for those who hear it.
        """
        width, height = self._inside
        rungs = "".join(f"M{self._x(at)} {height}v-12" for at in curves.rungs if at <= self.end)
        drawn = [
            f'<path class="rungs" d="{rungs}"/>' if rungs else "",
            self._floor(curves.floor),
            f'<path class="others" d="{others}"/>' if (others := self._lines(curves.others)) else "",
            self._band(curves),
            f'<path class="best" d="{best}"/>' if (best := self._line(curves.best)) else "",
            self._end(curves),
        ]
        inner = f'<svg x="{_LEFT}" y="{_TOP}" width="{width}" height="{height}">{"".join(drawn)}</svg>'
        head = f"<title>{escape(title)}</title><desc>{escape(words)}</desc>"
        box = f'class="curves" role="img" viewBox="0 0 {self.width} {self.height}"'
        return Markup(f"<svg {box}>{head}{self._axes()}{inner}</svg>")

    @property
    def _inside(self) -> tuple[int, int]:
        return self.width - _LEFT - _RIGHT, self.height - _TOP - _BOTTOM

    def _x(self, at: float) -> int:
        return round(at / self.end * (self._inside[0] - _ROOM))

    def _y(self, value: float) -> int:
        return round((1 - self.axis.at(value)) * self._inside[1])

    def _axes(self) -> str:
        """Draw lines at the ticks of the metric, and letter both axes."""
        width, height = self._inside
        levels = [(_TOP + self._y(tick), number(tick, 3)) for tick in self.axis.ticks]
        lines = "".join(f"M{_LEFT} {y}h{width}" for y, _ in levels)
        letters = [f'<text x="{_LEFT - 10}" y="{y + 7}" class="level">{words}</text>' for y, words in levels]
        foot = _TOP + height + 30
        times = [(_LEFT + self._x(tick), kimg(tick) if tick else "0 kimg") for tick in round_ticks(self.end)]
        letters += [f'<text x="{x}" y="{foot}">{words}</text>' for x, words in times]
        return f'<path class="levels" d="{lines}"/>{"".join(letters)}'

    def _floor(self, floor: float | None) -> str:
        """Draw what real pictures score, where that is on the axis."""
        if floor is None or not self.axis.holds(floor):
            return ""
        return f'<path class="floor" d="M0 {self._y(floor)}h{self._inside[0]}"/>'

    def _lines(self, lines: Sequence[Points]) -> str:
        """Draw the other trials as one path."""
        return "".join(self._line(_thinned(points, self.most)) for points in lines)

    def _line(self, points: Points) -> str:
        """Write a line through points, each relative to the one before, which is shortest; of one point, a dash."""
        if not points:
            return ""
        placed = [(self._x(at), self._y(value)) for at, value in points]
        kept = [placed[0]]
        for point in placed[1:]:
            if point[0] - kept[-1][0] >= _LEAST:
                kept.append(point)
        if kept[-1] != placed[-1]:  # where a line ends is what is looked at
            kept[-1 if len(kept) > 1 else len(kept) :] = [placed[-1]]
        (x, y), *rest = kept
        if not rest:
            return f"M{x - _DASH // 2} {y}h{_DASH}"
        steps = []
        for to_x, to_y in rest:
            steps.append(f"{to_x - x}{_signed(to_y - y)}")
            x, y = to_x, to_y
        return f"M{kept[0][0]} {kept[0][1]}l{' '.join(steps)}"

    def _band(self, curves: Curves) -> str:
        """Draw one standard error to each side of the best trial."""
        if not any(curves.error) or len(curves.best) < 2:
            return ""
        upper, lower = (
            [(at, value + side * error) for (at, value), error in zip(curves.best, curves.error, strict=True)]
            for side in (1, -1)
        )
        edge = [(self._x(at), self._y(value)) for at, value in [*upper, *reversed(lower)]]
        return f'<path class="band" d="M{"L".join(f"{x} {y}" for x, y in edge)}z"/>'

    def _end(self, curves: Curves) -> str:
        """Draw the best trial's result as a star; a dot on its best evaluation while it has none."""
        if curves.result:
            at, value = curves.result
            return f'<path class="star" d="M{self._x(at)} {self._y(value) - 13}{_STAR}"/>'
        if not curves.best:
            return ""
        at, value = min(curves.best, key=lambda point: point[1])
        return f'<circle class="star" cx="{self._x(at)}" cy="{self._y(value)}" r="6"/>'


def spread(count: int, most: int) -> list[int]:
    """Choose at most so many of ``count`` places, evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(index * (count - 1) / (most - 1)) for index in range(most)]


def finite_points(times: Sequence[float], values: Sequence[float | None]) -> list[tuple[float, float]]:
    """Pair times with those of some values that are finite."""
    pairs = zip(times, values, strict=True)
    return [(at, value) for at, value in pairs if value is not None and math.isfinite(value)]


def _thinned(points: Points, most: int) -> Points:
    return [points[index] for index in spread(len(points), most)]


def _signed(number: int) -> str:
    """Write a number so that it can stand after another one."""
    return f" {number}" if number >= 0 else str(number)
