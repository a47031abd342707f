"""Figures as small SVG files: bars of the ratios with their goals, lines of what was taken at many sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise
from math import ceil, floor, log10

from benchmarks.figure import Figure, number

WIDTH, LABELS, BAR, ROW = 960, 440, 350, 26
HEAD, FOOT = 44, 64
INK, LINE, GRID, MET, MISSED, NONE = "#333", "#bbb", "#e4e4e4", "#2e7d32", "#c62828", "#546e7a"
PALETTE = ("#1565c0", "#c62828", "#2e7d32", "#6a1b9a", "#ef6c00", "#00838f")
COLOURS = {True: MET, False: MISSED, None: NONE}
MEANINGS = {MET: "goal met", MISSED: "goal missed", NONE: "no goal"}
MARKS = ((1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0,))
"""What may be written on a logarithmic scale, from many to few."""
FEW = 8
"""So many points of a curve are marked, and their sizes written."""
ROOM = 48
"""What a number on an axis needs, in pixels."""


def bars(title: str, figures: Sequence[Figure]) -> str:
    """The ratio of each figure to its peer, on a logarithmic scale, with its goal as an upright stroke."""
    shown = [figure for figure in figures if figure.ratio]
    bounds = [figure.goal.bound for figure in shown if figure.goal]
    ends = [1.0, *bounds, *(figure.ratio for figure in shown if figure.ratio)]
    low, high = log10(min(ends)) - 0.05, log10(max(ends)) + 0.05
    height = HEAD + len(shown) * ROW + FOOT
    parts: list[str] = []

    def across(value: float) -> float:
        return LABELS + BAR * (log10(value) - low) / (high - low)

    for mark in _marks(low, high):
        colour = LINE if mark == 1 else GRID
        parts.append(_line([(across(mark), HEAD - 6), (across(mark), height - FOOT)], colour))
        parts.append(_text(across(mark), height - FOOT + 16, f"{mark:g} x", "middle"))
    for index, figure in enumerate(shown):
        assert figure.ratio is not None
        top = HEAD + index * ROW
        start, end = sorted((across(1), across(figure.ratio)))
        parts.append(_text(LABELS - 8, top + 13, f"{figure.metric} / {figure.peer}", "end"))
        parts.append(_box(start, top + 3, max(end - start, 1), 14, COLOURS[figure.met]))
        goal = f", goal {figure.goal}" if figure.goal else ""
        parts.append(_text(LABELS + BAR + 8, top + 13, f"{number(figure.ratio)} x{goal}", "start"))
        if figure.goal:
            place = across(figure.goal.bound)
            parts.append(_line([(place, top), (place, top + 20)], INK, 2))
    parts.extend(_key([figure.met for figure in shown], height - 12))
    return _svg(f"{title}: how many times what stands behind the slash", height, parts)


def _marks(low: float, high: float) -> list[float]:
    """The numbers to write between two powers of ten: 1, and as many others as there is room for."""
    spans = BAR / (high - low)
    for steps in MARKS:
        powers = range(floor(low), ceil(high) + 1)
        found = [step * 10**power for power in powers for step in steps if low <= log10(step) + power <= high]
        if all((log10(right) - log10(left)) * spans >= ROOM for left, right in pairwise(found)):
            return found
    return [1.0]


def _key(met: Sequence[bool | None], y: float) -> list[str]:
    """What the colours mean that are there."""
    parts: list[str] = []
    x = float(LABELS)
    for colour in (each for value, each in COLOURS.items() if value in met):
        parts.append(_box(x, y - 10, 12, 12, colour))
        parts.append(_text(x + 18, y, MEANINGS[colour], "start"))
        x += 110
    if any(value is not None for value in met):
        parts.append(_line([(x + 6, y - 14), (x + 6, y + 4)], INK, 2))
        parts.append(_text(x + 18, y, "goal", "start"))
    return parts


def lines(axis: str, figures: Sequence[Figure]) -> str:
    """Curves of figures over the sizes they were taken at, each beside its value at the smallest size."""
    left, top, width, height = 60, HEAD, 440, 220
    sizes = [size for figure in figures for size, _ in figure.curve]
    low, high = log10(min(sizes)), log10(max(sizes))
    tallest = max(
        2.0, max(value / figure.curve[0][1] for figure in figures for _, value in figure.curve) * 1.1
    )

    def across(size: float) -> float:
        return left + width * (log10(size) - low) / (high - low)

    parts = [
        _line([(left, top), (left, top + height), (left + width, top + height)], LINE),
        _text(left + width / 2, top + height + 34, f"{axis}, logarithmic", "middle"),
    ]
    measured = sorted(set(sizes))
    for size in _written(measured, across):
        parts.append(_text(across(size), top + height + 16, f"{size:,.0f}", "middle"))
    for value in (0.0, 1.0, tallest):
        parts.append(_text(left - 6, top + height * (1 - value / tallest) + 4, f"{value:.1f} x", "end"))
    for index, figure in enumerate(figures):
        colour, base = PALETTE[index % len(PALETTE)], figure.curve[0][1]
        points = [(across(size), top + height * (1 - value / base / tallest)) for size, value in figure.curve]
        parts.append(_line(points, colour, 2))
        if len(points) <= FEW:
            parts.extend(_dot(*point, colour) for point in points)
        place = top + index * 40
        parts.append(_box(left + width + 24, place, 12, 12, colour))
        parts.append(
            _text(left + width + 42, place + 10, figure.metric.partition(f", {sizes[0]:,}")[0], "start")
        )
        growth = f"{number(base)} to {number(figure.curve[-1][1])} {figure.unit}"
        parts.append(_text(left + width + 42, place + 25, growth, "start"))
    title = f"growth with {axis}: each beside its value at the smallest size"
    return _svg(title, top + max(height, len(figures) * 40) + 50, parts)


def _written(sizes: Sequence[float], across: Callable[[float], float]) -> list[float]:
    """The sizes to write on an axis: both ends, and of those between as many as there is room for."""
    *earlier, last = sizes
    written: list[float] = []
    for size in earlier:
        is_round = len(sizes) <= FEW or log10(size).is_integer()
        is_clear = across(last) - across(size) >= ROOM and (
            not written or across(size) - across(written[-1]) >= ROOM
        )
        if not written or (is_round and is_clear):
            written.append(size)
    return [*written, last]


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" font-size="12" fill="{INK}">'
    )
    background = f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>'
    heading = f'<text x="12" y="22" font-size="15" font-weight="bold">{escape(title)}</text>'
    return "\n".join([head, background, heading, *parts, "</svg>\n"])


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{colour}"/>'


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'


def _line(points: Sequence[tuple[float, float]], colour: str, width: int = 1) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
