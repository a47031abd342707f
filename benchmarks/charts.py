"""Figures as small SVG files: bars of the ratios with their goals."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import log10

from benchmarks.figure import Figure, number

WIDTH, LABELS, BAR, ROW = 900, 400, 400, 26
HEAD, FOOT = 44, 30
INK, LINE, MET, MISSED, NONE = "#333", "#bbb", "#2e7d32", "#c62828", "#546e7a"
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


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1"/>'
