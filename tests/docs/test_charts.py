"""The charts of the benchmarks can be read: no text leaves its chart, and none covers another."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

CHARTS = sorted((Path(__file__).parents[2] / "docs" / "benchmarks").glob("*.svg"))
CHARACTER = 6.3
"""The mean width of one at the size of the charts' text, in pixels."""
BEGINS = {None: 0.0, "start": 0.0, "middle": 0.5, "end": 1.0}


def texts(chart: Path) -> list[tuple[str, float, float, float]]:
    """Each text with its left end, its right end and its height."""
    found: list[tuple[str, float, float, float]] = []
    for element in ElementTree.parse(chart).iter("{http://www.w3.org/2000/svg}text"):
        text, x, y = element.text or "", float(element.attrib["x"]), float(element.attrib["y"])
        width = len(text) * CHARACTER * float(element.get("font-size", "12")) / 12
        left = x - width * BEGINS[element.get("text-anchor")]
        found.append((text, left, left + width, y))
    return found


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.stem)
def test_a_chart_can_be_read(chart: Path) -> None:
    width = float(ElementTree.parse(chart).getroot().attrib["width"])
    found = texts(chart)
    assert [text for text, left, right, _ in found if left < 0 or right > width] == []
    for (one, left, right, y), (other, other_left, other_right, other_y) in combinations(found, 2):
        is_apart = right <= other_left or other_right <= left or abs(y - other_y) >= 12
        assert is_apart, f"{one!r} covers {other!r}"
