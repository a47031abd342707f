"""A module graph as an SVG drawing: each module above all that it imports."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from html import escape

from cqrs_nest.core import ModuleGraph
from cqrs_nest.core.graph import GraphModule
from cqrs_nest.core.ordering import depth_first

_CHARACTER, _PADDING, _HEIGHT = 7.5, 14, 34
_ACROSS, _DOWN, _MARGIN = 28, 56, 20

_STYLE = """
  text { font: 13px system-ui, sans-serif; text-anchor: middle; fill: #1b2733 }
  rect { fill: #eef3f8; stroke: #5b7a99 }
  rect.global { fill: #fdf3e1; stroke: #b5802b }
  path { fill: none; stroke: #8aa0b5 }
"""


@dataclass(frozen=True, slots=True)
class _Box:
    module: GraphModule
    left: float
    top: float

    @property
    def width(self) -> float:
        return _width(self.module)

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


def draw_modules(graph: ModuleGraph) -> str:
    """The drawing as the text of an SVG file. Global modules have a colour of their own."""
    rows = _rows(graph)
    breadth = max(map(_breadth, rows.values()), default=0)
    boxes = {box.module.id: box for index, row in rows.items() for box in _place(row, index, breadth)}
    width, height = breadth + 2 * _MARGIN, len(rows) * (_HEIGHT + _DOWN) - _DOWN + 2 * _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img">',
        f"<style>{_STYLE}</style>",
        *(_arrow(box, boxes[imported]) for box in boxes.values() for imported in box.module.imports),
        *map(_drawn, boxes.values()),
        "</svg>",
    ]
    return "\n".join(lines)


def _rows(graph: ModuleGraph) -> dict[int, list[GraphModule]]:
    """The modules by their row: below all that import them, save where imports close a circle."""
    by_id = {module.id: module for module in graph.modules}
    importers_first = depth_first(by_id, lambda module: by_id[module].imports)[::-1]
    position = {module: index for index, module in enumerate(importers_first)}
    depths = dict.fromkeys(by_id, 0)
    for importer in importers_first:
        for imported in by_id[importer].imports:
            if position[imported] > position[importer]:
                depths[imported] = max(depths[imported], depths[importer] + 1)
    rows: defaultdict[int, list[GraphModule]] = defaultdict(list)
    for module in graph.modules:
        rows[depths[module.id]].append(module)
    return dict(sorted(rows.items()))


def _width(module: GraphModule) -> float:
    return len(module.name) * _CHARACTER + 2 * _PADDING


def _breadth(row: list[GraphModule]) -> float:
    return sum(map(_width, row)) + _ACROSS * (len(row) - 1)


def _place(row: list[GraphModule], index: int, breadth: float) -> list[_Box]:
    left = _MARGIN + (breadth - _breadth(row)) / 2
    boxes: list[_Box] = []
    for module in row:
        boxes.append(_Box(module, left, _MARGIN + index * (_HEIGHT + _DOWN)))
        left += _width(module) + _ACROSS
    return boxes


def _arrow(source: _Box, target: _Box) -> str:
    start, end = source.top + _HEIGHT, target.top
    bend = (start + end) / 2
    return (
        f'<path d="M{source.middle:g} {start:g} C{source.middle:g} {bend:g} '
        f'{target.middle:g} {bend:g} {target.middle:g} {end:g}"/>'
    )


def _drawn(box: _Box) -> str:
    kind = ' class="global"' if box.module.is_global else ""
    return (
        f'<rect{kind} x="{box.left:g}" y="{box.top:g}" width="{box.width:g}" height="{_HEIGHT}" rx="6"/>'
        f'<text x="{box.middle:g}" y="{box.top + _HEIGHT / 2 + 4.5:g}">{escape(box.module.name)}</text>'
    )
