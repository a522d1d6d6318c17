import xml.etree.ElementTree as ET

import numpy as np
import pytest

from penstock.cli.demo.charts import Line, histogram, line_chart, scan, ticks


def points(svg):
    """Coordinates of each line of a chart."""
    return [
        [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
        for line in ET.fromstring(svg).iter("polyline")
    ]


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter("text")]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.82, 1.0, [0.8, 0.85, 0.9, 0.95, 1.0]),
        (0, 0.6, [0, 0.2, 0.4, 0.6]),
        (3, 3, [3]),
    ],
)
def test_ticks_are_round_and_cover_the_range(low, high, expected):
    found = ticks(low, high)

    assert found[0] <= low
    assert found[-1] >= high
    if low < high:
        np.testing.assert_allclose(found, expected)


def test_a_larger_value_is_drawn_higher_and_a_later_one_further_right():
    svg = line_chart(
        [Line("a", [1.0, 3.0, 2.0], "first")], says="three values", x_name="epoch", y_format=str
    )
    ((x1, y1), (x2, y2), (x3, y3)) = points(svg)[0]

    assert x1 < x2 < x3
    assert y2 < y3 < y1


def test_names_at_the_line_ends_do_not_overlap():
    svg = line_chart(
        [Line("a", [1.0, 2.0], "first"), Line("b", [0.0, 2.0], "second")],
        says="two lines that meet",
        x_name="epoch",
        y_format=str,
    )
    heights = [
        float(text.get("y")) for text in ET.fromstring(svg).iter("text") if text.text in "ab"
    ]

    assert abs(heights[0] - heights[1]) >= 12


def test_a_single_epoch_is_drawn_as_a_dot():
    svg = line_chart(
        [Line("a", [0.5], "first")], says="one value", x_name="epoch", y_format=str
    )

    assert len(list(ET.fromstring(svg).iter("circle"))) == 1


def test_names_are_escaped():
    svg = line_chart(
        [Line("<a&b>", [1.0, 2.0], "first")], says='"<x>"', x_name="<e>", y_format=str
    )

    assert "<a&b>" in texts(svg)
    assert ET.fromstring(svg).get("aria-label") == '"<x>"'


def test_bars_of_a_histogram_are_as_high_as_their_counts():
    values = np.array([1.0] * 30 + [2.0] * 10)

    svg = histogram(values, [("p99", 2.0)], says="two heights", x_name="ms")
    heights = sorted(float(bar.get("height")) for bar in ET.fromstring(svg).iter("rect"))

    np.testing.assert_allclose(heights[-2] / heights[-1], 10 / 30, rtol=0.01)


def test_a_histogram_of_equal_values_can_be_drawn():
    svg = histogram(np.full(5, 1.5), [("median", 1.5)], says="one value", x_name="ms")

    assert "median" in texts(svg)


def test_a_scan_has_one_square_for_each_dark_pixel():
    image = np.zeros((2, 3, 1), np.uint8)
    image[0, 1], image[1, 2] = 16, 4

    found = {
        path.get("d"): float(path.get("fill-opacity"))
        for path in ET.fromstring(scan(image, "two pixels")).iter("path")
    }

    assert found == {"M1 0h1v1h-1z": 1.0, "M2 1h1v1h-1z": 0.25}
