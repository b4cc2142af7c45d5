"""Charts: what is drawn stands where the numbers say, short and within the frame."""

import re
from itertools import accumulate
from xml.etree import ElementTree

import pytest

from sweep.report.drawn.axis import Axis
from sweep.report.drawn.chart import Chart, Curves, finite_points, spread

AXIS = Axis(0.0, 1.0, False, (0.0, 0.5, 1.0), False)
CHART = Chart(AXIS, end=100.0, width=702, height=460)  # 600 by 400 inside, and room for a star
NOTHING = Curves([], [], [], None, [], None)


def drawn(curves: Curves, chart: Chart = CHART, title: str = "KID", words: str = "") -> dict[str, str]:
    """The shapes inside of the frame: by class what they are drawn by."""
    root = ElementTree.fromstring(chart.svg(curves, title, words))
    inner = root.find("svg")
    assert inner is not None
    return {shape.get("class", ""): shape.get("d") or str(shape.attrib) for shape in inner}


def points(path: str) -> list[tuple[int, int]]:
    """The absolute points of one line."""
    numbers = [int(number) for number in re.findall(r"-?\d+", path)]
    return list(zip(accumulate(numbers[::2]), accumulate(numbers[1::2]), strict=True))


def test_values_stand_where_the_axes_say() -> None:
    shapes = drawn(Curves([(10, 1.0), (50, 0.5), (100, 0.25)], [0, 0, 0], [], (50, 0.5), [25, 200], 0.1))
    assert points(shapes["best"]) == [(60, 0), (300, 200), (600, 300)]
    assert shapes["star"].startswith("M300 187l")
    assert shapes["rungs"] == "M150 400v-12", "a rung after the last evaluation is not drawn"
    assert shapes["floor"] == "M0 360h614"
    assert "band" not in shapes


def test_the_star_is_closed_and_round_about_its_place() -> None:
    path = drawn(Curves([(50, 0.5)], [0.0], [], (50, 0.5), [], None))["star"].removesuffix("z")
    corners = points(path)
    assert len(corners) == 10
    middle = [sum(corner[axis] for corner in corners) / 10 for axis in (0, 1)]
    assert middle == pytest.approx([300, 200], abs=1)
    lengths = [((x - 300) ** 2 + (y - 200) ** 2) ** 0.5 for x, y in corners]
    assert lengths[::2] == pytest.approx([13] * 5, abs=0.8)
    assert lengths[1::2] == pytest.approx([5.5] * 5, abs=0.8)


def test_one_standard_error_is_as_wide_as_it_says() -> None:
    path = drawn(Curves([(0, 0.5), (100, 0.5)], [0.1, 0.2], [], None, [], None))["band"]
    assert path == "M0 160L600 120L600 280L0 240z"


def test_a_line_of_thousands_of_points_is_as_long_as_the_chart_is_wide() -> None:
    line = [(n / 100, 0.5 + n % 2 / 10) for n in range(10_000)]
    shapes = drawn(Curves(line, [0.0] * len(line), [line] * 3, None, [], None))
    assert points(shapes["best"])[-1] == (600, 160)
    assert len(points(shapes["best"])) <= 201
    assert len(shapes["others"]) < 3 * 24 * 9


def test_all_that_is_far_outside_is_just_outside() -> None:
    shapes = drawn(Curves([(10, 1e30), (20, -1e30)], [0, 0], [], (20, -1e30), [], 5.0))
    assert points(shapes["best"]) == [(60, -16), (120, 416)]
    assert "floor" not in shapes


def test_a_single_evaluation_is_a_dash() -> None:
    shapes = drawn(Curves([(50, 0.5)], [0.0], [[(10, 0.5)]], None, [], None))
    assert shapes["others"] == "M55 200h10"
    assert "'cx': '300'" in shapes["star"], "so far: no star"


def test_names_are_no_markup() -> None:
    svg = CHART.svg(NOTHING, "<script>", "</desc>&")
    assert "<script>" not in svg
    root = ElementTree.fromstring(svg)
    assert [root.findtext("title"), root.findtext("desc")] == ["<script>", "</desc>&"]
    assert root.get("role") == "img"


def test_some_are_chosen_evenly() -> None:
    assert spread(3, 5) == [0, 1, 2]
    assert spread(9, 5) == [0, 2, 4, 6, 8]
    assert len(set(spread(1000, 40))) == 40


def test_what_is_not_finite_is_left_out() -> None:
    assert finite_points([1, 2, 3, 4], [0.1, None, float("nan"), 0.2]) == [(1, 0.1), (4, 0.2)]
