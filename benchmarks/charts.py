"""Figures as small SVG files: bars of the ratios with their goals, lines of what was taken at many sizes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, log10

from benchmarks.figure import Figure, number

WIDTH, LABELS, BAR, ROW = 900, 400, 400, 26
HEAD, FOOT = 44, 30
INK, LINE, MET, MISSED, NONE = "#333", "#bbb", "#2e7d32", "#c62828", "#546e7a"
PALETTE = ("#1565c0", "#c62828", "#2e7d32", "#6a1b9a", "#ef6c00", "#00838f")
COLOURS = {True: MET, False: MISSED, None: NONE}


def bars(title: str, figures: Sequence[Figure]) -> str:
    """The ratio of each figure to its peer, on a logarithmic scale; the tick is the goal."""
    shown = [figure for figure in figures if figure.ratio]
    bounds = [figure.goal.bound for figure in shown if figure.goal]
    ends = [1.0, *bounds, *(figure.ratio for figure in shown if figure.ratio)]
    low, high = log10(min(ends)) - 0.15, log10(max(ends)) + 0.15
    parts: list[str] = []

    def across(value: float) -> float:
        return LABELS + BAR * (log10(value) - low) / (high - low)

    for index, figure in enumerate(shown):
        assert figure.ratio is not None
        top = HEAD + index * ROW
        start, end = sorted((across(1), across(figure.ratio)))
        parts.append(_text(LABELS - 8, top + 13, f"{figure.metric} / {figure.peer}", "end"))
        parts.append(_box(start, top + 3, max(end - start, 1), 14, COLOURS[figure.met]))
        parts.append(_text(LABELS + BAR + 8, top + 13, f"{number(figure.ratio)} x", "start"))
        if figure.goal:
            parts.append(
                _line([(across(figure.goal.bound), top), (across(figure.goal.bound), top + 20)], INK)
            )
    height = HEAD + len(shown) * ROW + FOOT
    parts.append(_line([(across(1), HEAD - 6), (across(1), height - FOOT)], LINE))
    parts.append(_text(across(1), height - 10, "as the peer", "middle"))
    return _svg(title, height, parts)


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
    for size in (10**power for power in range(ceil(low), int(high) + 1)):
        parts.append(_text(across(size), top + height + 16, f"{size:,}", "middle"))
    for value in (0.0, 1.0, tallest):
        parts.append(_text(left - 6, top + height * (1 - value / tallest) + 4, f"{value:.1f} x", "end"))
    for index, figure in enumerate(figures):
        colour, base = PALETTE[index % len(PALETTE)], figure.curve[0][1]
        points = [(across(size), top + height * (1 - value / base / tallest)) for size, value in figure.curve]
        parts.append(_line(points, colour, 2))
        place = top + index * 40
        parts.append(_box(left + width + 24, place, 12, 12, colour))
        parts.append(
            _text(left + width + 42, place + 10, figure.metric.partition(f", {sizes[0]:,}")[0], "start")
        )
        growth = f"{number(base)} to {number(figure.curve[-1][1])} {figure.unit}"
        parts.append(_text(left + width + 42, place + 25, growth, "start"))
    return _svg(f"growth with {axis}", top + max(height, len(figures) * 40) + 50, parts)


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">'
    )
    background = f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>'
    heading = f'<text x="12" y="22" font-size="15" font-weight="bold">{escape(title)}</text>'
    return "\n".join([head, background, heading, *parts, "</svg>\n"])


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{colour}"/>'


def _line(points: Sequence[tuple[float, float]], colour: str, width: int = 1) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
